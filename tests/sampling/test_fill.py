"""What a model puts in the place of [MASK]."""

import pytest
import torch

from maskwright.run import build
from maskwright.run.config import Config
from maskwright.sampling.fill import fill, gaps


@pytest.fixture(params=["bpe", "wordpiece"])
def parts(config: Config, request: pytest.FixtureRequest):
    config = Config.of(config.tree(), [f"tokenizer.kind={request.param}"])
    data = build.data(config, show=False)
    return data, build.model(config, data.shards, torch.device("cpu")).eval()


@torch.no_grad()
def test_guesses_are_the_models_own_probabilities(parts) -> None:
    data, model = parts
    tokenizer, vocabulary = data.shards.tokenizer, data.shards.vocabulary
    first, second = fill(model, tokenizer, "The [MASK] is a [MASK].", top=vocabulary.size)
    assert first.place < second.place
    ids, _ = tokenizer.encode("The [MASK] is a [MASK].", specials=True)
    tokens = torch.tensor([[vocabulary.cls, *ids, vocabulary.sep]])
    logits = model.logits(model(tokens, None, None)[0])[first.place]
    logits[list(vocabulary.special)] = -torch.inf
    assert first.guesses[0][1] == pytest.approx(float(logits.softmax(-1).max()), rel=1e-4)
    assert len(first.guesses) == len(vocabulary.ordinary)
    assert sum(share for _, share in first.guesses) == pytest.approx(1, abs=1e-4)


def test_a_text_without_a_mask_is_refused(parts) -> None:
    data, model = parts
    with pytest.raises(ValueError, match=r"nothing to fill in 'plain text': write \[MASK\]"):
        fill(model, data.shards.tokenizer, "plain text")


def test_gaps_are_words_of_the_held_out_text_and_always_the_same(parts) -> None:
    data, model = parts
    found = gaps(model, data.shards.tokenizer, data.valid, count=6)
    assert found == gaps(model, data.shards.tokenizer, data.valid, count=6)
    assert len(found) == 6
    spans = zip(data.shards.valid.offsets, data.shards.valid.offsets[1:], strict=False)
    documents = [data.shards.tokenizer.decode(data.shards.valid.tokens[begin:end]) for begin, end in spans]
    for gap in found:
        assert gap.truth.strip().isalpha()
        whole = (gap.before + gap.truth + gap.after).removeprefix("##")  # a row may begin within a word
        assert any(whole in document for document in documents), gap
