"""How large a number may be that counts something: beyond these it is a slip, and is refused before any work begins."""

from typing import Annotated

from pydantic import Field

MOST = 10**9
MOST_SIZE, MOST_LAYERS = 2**20, 2**10
MOST_BATCH = 2**28
"""Tokens in a batch."""
MOST_VOCABULARY = 2**24
MOST_TEXT = 10**15
"""Words or tokens of a whole run."""
MOST_EPOCHS = 10**6
MOST_MINUTES = 10**7

PositiveInt = Annotated[int, Field(ge=1, le=MOST)]
"""Steps, items, lines."""
Size = Annotated[int, Field(ge=1, le=MOST_SIZE)]
"""Of one dimension of a tensor: widths, lengths of rows and of spans, texts in a batch."""
Layers = Annotated[int, Field(ge=1, le=MOST_LAYERS)]
"""Layers, heads, and repetitions of a whole training."""
Passes = Annotated[int, Field(ge=1, le=100_000)]
"""Forward passes for a text."""
Count = Annotated[int, Field(ge=1, le=10_000)]
"""Texts to write."""
Tokens = Annotated[int, Field(ge=1, le=MOST_BATCH)]
"""Tokens in a batch."""
Seed = Annotated[int, Field(ge=0, lt=2**64)]
