"""Our scores in the Evaluation Harness are those of its own model type on what `export` wrote, as the multilingual
track asks it: one token before a text and none behind it."""

from types import SimpleNamespace

import pytest

lm_eval = pytest.importorskip("lm_eval", reason="the harness is an extra: pip install 'maskwright[harness]'")
pytestmark = pytest.mark.filterwarnings("default")

PAIRS = [
    ("", "The names are bound to objects."),
    ("A list is a sequence of", " objects."),
    ("A list is a sequence of ", "objects."),
    ("A list is a seq", "uence of objects."),  # the end of the context is a token with what follows
    ("名字是", "一個值。"),
    ("It is 鰻 unknown", " 鰻."),
]


def test_likelihoods_are_those_of_the_harness_for_an_exported_causal_model(run, exported) -> None:
    from lm_eval.models.huggingface import HFLM

    from maskwright.evaluate.lm_eval import Maskwright

    requests = [SimpleNamespace(args=pair) for pair in PAIRS]
    theirs = HFLM(str(exported("causal")), device="cpu", add_bos_token=True, trust_remote_code=True, batch_size=1)
    ours = Maskwright(str(run("causal")))
    found = [total for total, _ in ours.loglikelihood(requests)]
    # one at a time: it takes requests that differ in the split alone for one
    wanted = [theirs.loglikelihood([one], disable_tqdm=True)[0][0] for one in requests]
    assert found == pytest.approx(wanted, abs=1e-3)
