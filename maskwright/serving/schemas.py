"""What the page may ask: the fields of each request, and how much text it brings. Nothing here names a file."""

from typing import Annotated, Literal

from pydantic import Field

from ..settings import settings
from ..text.tokenizers.tokenizer import Tokenizer

Seed = Annotated[int, Field(ge=0, lt=2**64)]
Share = Annotated[float, Field(ge=0, le=1)]
MOST_EPOCHS, MOST_GUESSES, MOST_STEPS = 20, 50, 256


class TooLarge(ValueError):
    """More than a limit allows."""

    def __init__(self, what: str, limit: str, given: int, most: int) -> None:
        super().__init__(f"{what}: {given:,}, and {limit} is {most:,}")
        self.limit, self.given, self.most = limit, given, most


@settings
class TextRequest:
    """A text, and what is wanted of it."""

    text: str = ""
    """What is asked about; of `sample`, what the text begins with."""

    def tokens(self, tokenizer: Tokenizer) -> int:
        """How many tokens an answer is about."""
        return len(tokenizer.encode(self.text)[0])


@settings
class PromptRequest(TextRequest):
    """A text in which special tokens may be spelled out."""

    def tokens(self, tokenizer: Tokenizer) -> int:
        """How many tokens an answer is about, each special one as one."""
        return len(tokenizer.encode(self.text, specials=True)[0])


@settings
class Masks(TextRequest):
    """What does each objective hide?"""

    ratio: Share = 0.15
    """The share of the tokens that is chosen."""
    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS)] = 3
    """Over how many epochs."""
    seed: Seed = 0
    """The seed of the masks."""


@settings
class Fill(PromptRequest):
    """What stands behind each [MASK]?"""

    top: Annotated[int, Field(ge=1, le=MOST_GUESSES)] = 5
    """How many guesses."""


@settings
class Score(TextRequest):
    """How likely is each token?"""

    backend: str | None = None
    """How it is scored, of those that the model was trained for; none for the first."""


@settings
class Sample(PromptRequest):
    """A text that forms, or one that is polished."""

    sampler: str | None = None
    """A file in `samplers/`; none for mdlm where the model fills masks, else left_to_right."""
    edit: bool = False
    """Whether `text` is polished, not continued."""
    length: Annotated[int, Field(ge=1)] | None = None
    """Tokens in the text; none for those of a text with gaps, else 64."""
    steps: Annotated[int, Field(ge=1, le=MOST_STEPS)] = 32
    """How often the model is asked."""
    schedule: Literal["linear", "cosine", "exponential"] = "linear"
    """The share masked after each step."""
    temperature: Annotated[float, Field(ge=0, le=10)] = 1.0
    """Of the draws; 0 for the best token always."""
    seed: Seed = 0
    """Decides every draw."""

    def tokens(self, tokenizer: Tokenizer) -> int:
        """Those of the text, or of what it is to become."""
        return max(super().tokens(tokenizer), self.length or 0)
