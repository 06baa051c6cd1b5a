"""Our models in the LM Evaluation Harness (`pip install 'maskwright[harness]'`), as the model type `maskwright`.

    python -m maskwright.evaluate.lm_eval run --model maskwright --model_args run=RUN,backend=mlm --tasks TASK

This is the harness's own command line with one more model type. Masked models are scored by pseudo-log-likelihood,
causal ones by log-likelihood, in nats.
"""

from typing import Any

import numpy as np
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from ..run.load import load
from .scoring.load import scorer, windows
from .scoring.scorer import Encoded, Text


@register_model("maskwright")
class Maskwright(LM):
    """A run, one of its checkpoints or a folder `final`, for `lm_eval.simple_evaluate`.

    backend: how texts are scored; by default it follows from the objective.  batch_tokens: positions per batch.
    batch_size and max_batch_size are passed by the harness and ignored: batches are sized in positions.
    """

    def __init__(
        self,
        run: str,
        backend: str | None = None,
        batch_tokens: int = 4096,
        device: str | None = None,
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
    ):
        super().__init__()
        opened = load(run, device or "auto")
        self.backend, self.score = scorer(opened, backend, batch_tokens=int(batch_tokens), unknown=True)
        self.windows = windows(opened, self.backend, self.score)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """For each (context, continuation) the log-likelihood of what follows the tokens of the context.

        As the harness counts them: those that the context without its last blanks has when it stands alone, and which
        the whole has at its beginning or not. The second value, whether greedy decoding gives the continuation, is
        always False: masked models do not decode.
        """
        pairs = [request.args for request in requests]
        texts = [Text(context + continuation) for context, continuation in pairs]
        wholes, contexts = (self.score.encode(some) for some in (texts, [Text(pair[0].rstrip()) for pair in pairs]))
        rows = [_continued(*pair) for pair in zip(contexts, wholes, strict=True)]
        fitted = [row for text, each in zip(texts, rows, strict=True) for row in self.score.fit(text, *each, None)]
        return [(total, False) for total in self.score.log_likelihoods(fitted)[0].tolist()]

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """The log-likelihood of each text; texts longer than the training rows are read in overlapping windows."""
        return self.score([Text(request.args[0]) for request in requests], self.windows).total[0].tolist()

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Not supported. Raises ValueError."""
        raise ValueError("generation tasks are not supported in the harness: use maskwright sample")


def _continued(context: Encoded, whole: Encoded) -> Encoded:
    """The context, of which nothing is scored, and as many tokens of the whole as it has more."""
    count = len(context[0]) - 1  # without [SEP]
    ids, word = whole
    return np.r_[context[0][:count], ids[count:]], np.r_[np.zeros(count, word.dtype), word[count:]]


if __name__ == "__main__":
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()
