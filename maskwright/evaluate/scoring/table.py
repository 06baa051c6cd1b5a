"""The table of texts, tokens or words that a model scores."""

import logging
from collections.abc import Iterable, Sequence

from ...run.load import LoadedRun
from . import columns
from .by_token import by_token
from .frequency import log_frequencies
from .load import windows
from .scorer import Scorer
from .text_files import Item, likelihoods

logger = logging.getLogger("maskwright")


def table(
    run: LoadedRun, backend: str, scorer: Scorer, items: Sequence[Item], per: str, unit: str = "nats"
) -> columns.Columns:
    """The columns of a row per `text`, `token` or `word`; log-probabilities in `nats` or `bits`.

    Texts that are too long for the model are read in windows.
    """
    reading = windows(run, backend, scorer)
    if per == "text":
        return columns.of_texts(items, likelihoods(scorer, [item.texts for item in items], reading), unit)
    texts = [item.texts[0] for item in items]
    found = by_token(scorer, texts, reading)
    if per == "token":
        return columns.of_tokens(items, found, scorer.tokenizer, unit)
    words = {word for text in texts for word in text.split()}
    return columns.of_words(items, found, scorer.tokenizer, unit, _frequencies(run, words))


def _frequencies(run: LoadedRun, words: Iterable[str]) -> dict[str, float]:
    """Of words in the corpus of the run; none, with a warning, where it cannot be read."""
    try:
        config = run.known_config
        return log_frequencies(words, (document.text for document in config.corpus.documents(config.errors)))
    except (ValueError, OSError) as error:
        logger.warning(f"log_frequency is left empty, for the text of the training cannot be read: {error}")
        return {}
