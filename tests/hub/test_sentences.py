"""An exported folder opens as a SentenceTransformer, whose vectors are those of the pooling that was said."""

from pathlib import Path

import pytest
import torch

from maskwright.hub.export import sentences
from maskwright.hub.export.run import export

TEXTS = ["the value of the object", "a list"]


@torch.no_grad()
@pytest.mark.parametrize(
    ("objective", "pooling", "said"),
    [
        ("mlm", None, "pooling=mean, it read both ways"),
        ("causal", None, "pooling=lasttoken, the last token has read all others"),
        ("mlm", "cls", "pooling=cls, as asked for"),
    ],
)
def test_vectors_are_by_the_pooling_that_was_said(source, tmp_path: Path, objective, pooling, said) -> None:
    from transformers import AutoModel, AutoTokenizer

    library = pytest.importorskip("sentence_transformers")
    export(source("modern", objective), tmp_path / "model")
    assert said in sentences.write(tmp_path / "model", objective == "causal", pooling)
    found = library.SentenceTransformer(str(tmp_path / "model"), device="cpu").encode(TEXTS, convert_to_tensor=True)
    model, tokenizer = AutoModel.from_pretrained(tmp_path / "model"), AutoTokenizer.from_pretrained(tmp_path / "model")
    for text, vector in zip(TEXTS, found, strict=True):
        hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        plain = {"mean": hidden.mean(0), "cls": hidden[0], "lasttoken": hidden[-1]}[said.split("=")[1].split(",")[0]]
        torch.testing.assert_close(vector, plain / plain.norm(), atol=1e-4, rtol=1e-4)
