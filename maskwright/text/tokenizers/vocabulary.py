"""What the rest of the package needs to know of a tokenizer: its size and its special ids."""

from collections.abc import Container, Iterable, Mapping
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
    unused: frozenset[int] = frozenset()
    """Numbers below `size` that no token has: the ids of a loaded tokenizer may have gaps."""
    forward: int | None = None
    """Starts a text that is read forward; this and the following are needed by few objectives."""
    backward: int | None = None
    """Ends a text that is read backward."""
    wrong: int | None = None
    """The label of a token that was replaced."""
    right: int | None = None
    """The label of an original token."""
    wrong_random: int | None = None
    """The label of a token that was replaced by a random one; this and the following only where asked for."""
    wrong_fragment: int | None = None
    """The label of one from another row."""
    wrong_synthetic: int | None = None
    """The label of one sampled from a model."""

    def id(self, role: str) -> int:
        """The id of a role such as `forward`. Raises ValueError when the tokenizer has no token for it."""
        found: int | None = getattr(self, role)
        if found is None:
            name = (MORE | ON_REQUEST)[role]
            raise ValueError(f"the tokenizer has no {name}: add one with tokenizer.add=[{name!r}]")
        return found

    @cached_property
    def is_special(self) -> np.ndarray:
        """[V] bool, True for special ids, and for those that no token has: no text holds either."""
        table = np.zeros(self.size, dtype=np.bool_)
        table[list(self.special | self.unused)] = True
        return table

    @cached_property
    def ordinary(self) -> np.ndarray:
        """[V - S] int64, the ids of all tokens that are not special, ascending."""
        return np.flatnonzero(~self.is_special)


def of_ids(used: Iterable[int], special: Iterable[int], **roles: int) -> Vocabulary:
    """The vocabulary of the ids that tokens have; its size is one more than the largest. roles: `pad`, `mask` …"""
    known = frozenset(used)
    size = max(known) + 1
    return Vocabulary(size=size, special=frozenset(special), unused=frozenset(range(size)) - known, **roles)


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

ON_REQUEST = {f"wrong_{kind}": f"[WRONG_{kind.upper()}]" for kind in ("random", "fragment", "synthetic")}
"""The same for roles whose tokens no tokenizer has unless they are added."""

OURS = [*(names[0] for names in NAMES.values()), *MORE.values()]


def roles(known: Container[str], told: Mapping[str, str]) -> dict[str, str]:
    """Role to its token: as `told`, else a usual name among the `known` tokens, else ours; the other roles
    only where known. What a model gives for the unknown it may not know itself."""
    usual = {role: next((name for name in names if name in known), names[0]) for role, names in NAMES.items()}
    here = {role: name for role, name in told.items() if name and (name in known or role == "unk")}
    return usual | {role: name for role, name in (MORE | ON_REQUEST).items() if name in known} | here
