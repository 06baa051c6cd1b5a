"""What scores on a suite without having learned: guessing, and counts of the training text's tokens.

A score below its floor says nothing of grammar or knowledge, however far it is from 50 %.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ...files.errors import note
from ...progress import during
from ...run import saved
from ...run.load import LoadedRun
from ..scoring.minimal_pairs import Item, ItemResults, item_results
from ..scoring.scorer import Scorer, Scores, sizes
from ..statistics.ngrams import log_probabilities

ORDERS = {"unigram": 1, "trigram": 3}
LONGEST = max(ORDERS.values())


def floors(
    run: LoadedRun, scorer: Scorer, items: Sequence[Item], per: str, summary: Callable[[ItemResults], dict[str, float]]
) -> dict[str, float]:
    """`chance/accuracy`, and `unigram/accuracy` and `trigram/accuracy`, of the tokens of the text of the training.

    The latter are left out where that text is not at hand, which is said, and of checkpoints, which saw only a part.
    """
    texts = [text for item in items for text in item.texts]
    none = np.zeros(len(texts), np.int64)
    found = {"chance": Scores(np.zeros((1, len(texts))), none, none)}
    if run.config and saved.run_of(run.path) == run.path:
        found |= _of_counts(run, scorer, items)
    return {f"{name}/accuracy": summary(item_results(items, one, per)[0])["accuracy"] for name, one in found.items()}


def _of_counts(run: LoadedRun, scorer: Scorer, items: Sequence[Item]) -> dict[str, Scores]:
    try:
        split = run.data.shards.train
    except (ValueError, OSError) as error:
        note(f"no floors of n-grams, as the text of the training is not at hand: {error}")
        return {}
    return dict(_scores(split.tokens, scorer, items))


def _scores(corpus: np.ndarray, scorer: Scorer, items: Sequence[Item]) -> Iterator[tuple[str, Scores]]:
    texts = [text for item in items for text in item.texts]
    encoded = scorer.encode(texts)
    owner = np.repeat(np.arange(len(texts)), [len(ids) - 2 for ids, _ in encoded])
    scored = np.concatenate([word[1:-1] > 0 for _, word in encoded])
    with during("counting n-grams of the training text"):
        found = log_probabilities([ids[1:-1] for ids, _ in encoded], corpus, scorer.tokenizer.vocabulary.size, LONGEST)
    for name, order in ORDERS.items():
        yield name, Scores(np.bincount(owner, found[order - 1] * scored, len(texts))[None], *sizes(texts, encoded))
