"""Models of ours in the Evaluation Harness (`pip install 'maskwright[harness]'`), as the model type `maskwright`.

    python -m maskwright.evaluate.lm_eval run --model maskwright --model_args run=RUN,backend=mlm --tasks TASK

This is the harness's own command line with one model type more. A text is scored as everywhere else here: a masked
model by its pseudo-log-likelihood, a causal one by its log-likelihood, in nats.
"""

from typing import Any

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from ..run.load import load
from .scoring.load import scorer, windows
from .scoring.scorer import Text


@register_model("maskwright")
class Maskwright(LM):
    """A run, one of its checkpoints or a folder `final`, for `lm_eval.simple_evaluate`.

    backend: how texts are scored, by default as the model was trained.  batch_tokens: positions read at once.
    batch_size and max_batch_size come from the harness and are not needed: rows are counted in positions.
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
        self.backend, self.score = scorer(opened, backend, batch_tokens=int(batch_tokens))
        self.windows = windows(opened, self.backend, self.score)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Of each (context, continuation) the log-likelihood of the tokens that reach into the continuation.

        Whether it is what the model would write is always False: questions about hidden tokens write nothing.
        """
        pairs = [request.args for request in requests]
        texts = [Text(context + continuation, len(context)) for context, continuation in pairs]
        return [(total, False) for total in self.score(texts).total[0].tolist()]

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """The log-likelihood of each text; one that is longer than the training rows is read in overlapping windows."""
        return self.score([Text(request.args[0]) for request in requests], self.windows).total[0].tolist()

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """Refused. Raises ValueError."""
        raise ValueError("models here score texts for the harness and write none: see maskwright sample")


if __name__ == "__main__":
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()
