"""What the rest of the package needs to know of a tokenizer: its size and its special ids."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Vocabulary:
    """The ids of a tokenizer.

    Special ids are a set, never a range: a loaded tokenizer has them anywhere. They are never masked, never drawn as
    random replacements, never counted.
    """

    size: int
    pad: int
    mask: int
    cls: int
    """Starts every piece of a document; beginning-of-text for causal models."""
    sep: int
    """Ends a document; end-of-text for causal models."""
    special: frozenset[int]
    forward: int | None = None
    """Starts a text that is read forward; this and the following are needed by few objectives."""
    backward: int | None = None
    """Ends a text that is read backward."""
    wrong: int | None = None
    """The label of a token that was replaced."""
    right: int | None = None
    """The label of an original token."""

    def id(self, role: str) -> int:
        """The id of a role such as `forward`. Raises ValueError when the tokenizer has no token for it."""
        found: int | None = getattr(self, role)
        if found is None:
            raise ValueError(f"the tokenizer has no {MORE[role]}: add one with tokenizer.add=[{MORE[role]!r}]")
        return found

    @cached_property
    def is_special(self) -> np.ndarray:
        """[V] bool, True for special ids."""
        table = np.zeros(self.size, dtype=np.bool_)
        table[list(self.special)] = True
        return table

    @cached_property
    def ordinary(self) -> np.ndarray:
        """[V - S] int64, all ids that are not special, ascending."""
        return np.flatnonzero(~self.is_special)


NAMES = {
    "pad": ("[PAD]", "<pad>", "<|pad|>", "<|padding|>"),
    "unk": ("[UNK]", "<unk>"),
    "cls": ("[CLS]", "<s>", "<cls>", "<bos>", "<|begin_of_text|>"),
    "sep": ("[SEP]", "</s>", "<sep>", "<eos>"),
    "mask": ("[MASK]", "<mask>", "<|mask|>"),
}
"""Role to known names; the first is the one that new tokenizers use."""

MORE = {"forward": "[FW]", "backward": "[BW]", "wrong": "[WRONG]", "right": "[RIGHT]"}
"""Role to name, for roles that few objectives need."""

OURS = [*(names[0] for names in NAMES.values()), *MORE.values()]


def roles(known: dict[str, int]) -> dict[str, str]:
    """Role to its name in `known` (name to id), else to ours; roles of MORE only where known."""
    needed = {role: next((name for name in names if name in known), names[0]) for role, names in NAMES.items()}
    return needed | {role: name for role, name in MORE.items() if name in known}
