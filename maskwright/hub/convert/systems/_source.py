"""A foreign config being converted: what was carried over, what was left out and why, and remarks."""

from collections.abc import Iterator, Mapping
from typing import Any


class ForeignConfig:
    """The settings of a foreign file by dotted key; each is read, left with a reason, or unknown in the end."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.values = dict(flat(tree))
        self.tree: dict[str, Any] = {}
        """Our sections."""
        self.left: dict[str, str] = {}
        """Key to the reason why it was not carried."""
        self.remarks: list[str] = []
        """What means something else here."""
        self.assumed: dict[str, Any] = {}
        """Key to the default that was taken because the file does not say it."""
        self._read: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return self.values.get(key) is not None

    def get(self, key: str, default: Any = None) -> Any:
        """The setting `key`, which counts as carried; `default` where there is none."""
        self._read.add(key)
        found = self.values.get(key)
        if found is None and default is not None:
            self.assumed[key] = default
        return default if found is None else found

    def number(self, key: str, default: float) -> float:
        """The same as a number. Raises ValueError when it is none."""
        found = self.get(key, default)
        try:
            return float(found)
        except (TypeError, ValueError):
            raise ValueError(f"{key}={found!r}: give a number, such as {default:g}") from None

    def whole(self, key: str, default: int) -> int:
        """The same as a whole number. Raises ValueError when it is none."""
        found = self.number(key, default)
        if found != int(found):
            raise ValueError(f"{key}={found!r}: give a whole number, such as {default}")
        return int(found)

    def yes(self, key: str) -> bool:
        """Whether a switch is on."""
        return str(self.get(key, False)).lower() in ("true", "1", "yes")

    def put(self, section: str, **fields: Any) -> None:
        """Set fields of our config."""
        self.tree.setdefault(section, {}).update(fields)

    def ignore(self, reasons: Mapping[str, str]) -> None:
        """Leave out those of the keys that are present; a key that ends in a dot matches all keys with that prefix."""
        for start, reason in reasons.items():
            here = [key for key in self.values if key == start or (start.endswith(".") and key.startswith(start))]
            self.left |= dict.fromkeys(here, reason)

    def rest(self) -> Iterator[str]:
        """The keys that were neither read nor left."""
        return (key for key in self.values if key not in self._read and key not in self.left)


def flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted key and value of every leaf."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
