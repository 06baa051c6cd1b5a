"""The fields of each request and their limits. No field is a path, so a request can never read a file."""

from typing import Annotated, Literal

from pydantic import Field

from ..settings import settings
from ..settings.bounds import Seed, Size
from ..text.tokenizers.tokenizer import Tokenizer

Share = Annotated[float, Field(ge=0, le=1)]
MOST_EPOCHS, MOST_GUESSES, MOST_STEPS = 20, 50, 256


class TooLarge(ValueError):
    """A request exceeds a limit."""

    def __init__(self, what: str, limit: str, given: int, most: int) -> None:
        super().__init__(f"{what}: {given:,}, and {limit} is {most:,}")
        self.limit, self.given, self.most = limit, given, most


@settings
class TextRequest:
    """A request about a text."""

    text: str = ""
    """The text; for `sample`, its prompt."""

    def tokens(self, tokenizer: Tokenizer) -> int:
        """Number of tokens of the text."""
        return len(tokenizer.encode(self.text)[0])


@settings
class PromptRequest(TextRequest):
    """A text in which special tokens may be spelled out."""

    def tokens(self, tokenizer: Tokenizer) -> int:
        """Number of tokens of the text, special ones included."""
        return len(tokenizer.encode(self.text, specials=True)[0])


@settings
class Masks(TextRequest):
    """The masks of each objective."""

    ratio: Share = 0.15
    """Share of the tokens that is masked."""
    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS)] = 3
    """Number of epochs."""
    seed: Seed = 0
    """The seed of the masks."""


@settings
class Fill(PromptRequest):
    """Predictions for each [MASK]."""

    top: Annotated[int, Field(ge=1, le=MOST_GUESSES)] = 5
    """Number of predictions."""


@settings
class Score(TextRequest):
    """Log-likelihood of each token."""

    backend: str | None = None
    """A backend that fits the model; none for the first."""


@settings
class Sample(PromptRequest):
    """Sample a text, or revise one."""

    sampler: str | None = None
    """A file in `samplers/`; none for mdlm where the model fills masks, else left_to_right."""
    edit: bool = False
    """Revise `text` instead of continuing it."""
    length: Size | None = None
    """Tokens of the text; none for the length of a text with gaps, else 64."""
    steps: Annotated[int, Field(ge=1, le=MOST_STEPS)] = 32
    """Sampling steps."""
    schedule: Literal["linear", "cosine", "exponential"] = "linear"
    """The share masked after each step."""
    temperature: Annotated[float, Field(ge=0, le=10)] = 1.0
    """Softmax temperature; 0 always takes the most likely token."""
    seed: Seed = 0
    """Seed of all draws."""

    def tokens(self, tokenizer: Tokenizer) -> int:
        """Number of tokens of the prompt or of the requested text, whichever is larger."""
        return max(super().tokens(tokenizer), self.length or 0)
