"""What a model that ignores the context would score: the frequencies of the training tokens, add-one smoothed."""

import numpy as np

from ...text.shards.shards import Split
from ...text.tokenizers.vocabulary import Vocabulary


def unigram(train: Split, valid: Split, vocabulary: Vocabulary) -> dict[str, float]:
    """Loss (nats), accuracy and top-5 accuracy of the unigram model on all ordinary tokens of `valid`."""
    counts = train.counts(vocabulary.size).astype(np.float64)
    asked = valid.counts(vocabulary.size).astype(np.float64)
    counts[vocabulary.is_special], asked[vocabulary.is_special] = -1, 0
    best = np.argsort(-counts, kind="stable")
    share = asked / asked.sum()
    loss = -(share * np.log((counts + 1).clip(1e-300) / (counts[vocabulary.ordinary] + 1).sum())).sum()
    return {"loss": float(loss), "accuracy": float(share[best[0]]), "top5": float(share[best[:5]].sum())}
