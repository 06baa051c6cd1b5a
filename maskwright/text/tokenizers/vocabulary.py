"""What the rest of the house knows of a tokenizer: how many ids there are, and which of them are special."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Vocabulary:
    """The ids of a tokenizer.

    Special ids are a set, never a range: they are never chosen, never drawn as random tokens, never counted.
    """

    size: int
    pad: int
    mask: int
    cls: int
    """Opens every piece of a document; the beginning of a text for causal models."""
    sep: int
    """Closes a document; the end of a text for causal models."""
    special: frozenset[int]
    forward: int | None = None
    """Opens a text that is read forward; this and the following only some objectives need."""
    backward: int | None = None
    """Closes a text that is read backward."""
    wrong: int | None = None
    """Names a token that does not belong where it stands."""
    right: int | None = None
    """Names one that does."""

    def id(self, role: str) -> int:
        """The id of the token with a role, as `forward`. Raises ValueError when the tokenizer has none."""
        found: int | None = getattr(self, role)
        if found is None:
            raise ValueError(f"the tokenizer has no {MORE[role]}: give it one, tokenizer.add=[{MORE[role]!r}]")
        return found

    @cached_property
    def is_special(self) -> np.ndarray:
        """[V] bool, True for special ids."""
        table = np.zeros(self.size, dtype=np.bool_)
        table[list(self.special)] = True
        return table

    @cached_property
    def ordinary(self) -> np.ndarray:
        """[V - S] int64, the ids that text is made of, ascending."""
        return np.flatnonzero(~self.is_special)


NAMES = {
    "pad": ("[PAD]", "<pad>", "<|pad|>", "<|padding|>"),
    "unk": ("[UNK]", "<unk>"),
    "cls": ("[CLS]", "<s>", "<cls>", "<bos>", "<|begin_of_text|>"),
    "sep": ("[SEP]", "</s>", "<sep>", "<eos>"),
    "mask": ("[MASK]", "<mask>", "<|mask|>"),
}
"""Role to names; the first is the one we give."""

MORE = {"forward": "[FW]", "backward": "[BW]", "wrong": "[WRONG]", "right": "[RIGHT]"}
"""Role to name of those that only some objectives need."""

OURS = [*(names[0] for names in NAMES.values()), *MORE.values()]


def roles(known: dict[str, int]) -> dict[str, str]:
    """Role to the name that `known` (name to id) has for it, else to ours; those of MORE only where they are known."""
    needed = {role: next((name for name in names if name in known), names[0]) for role, names in NAMES.items()}
    return needed | {role: name for role, name in MORE.items() if name in known}
