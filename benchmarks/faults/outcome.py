"""What may come of an input: it is taken, or refused in one sentence. Everything else is a fault."""

import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import maskwright

T = TypeVar("T")
PACKAGE = Path(maskwright.__file__).parent
LONGEST = 2000
"""Characters of a sentence."""


class Fault(Exception):
    """An input was neither taken as it stands nor refused in a sentence."""


def tried(call: Callable[[], T], *names: str) -> tuple[T | None, str]:
    """What `call` gives, and the sentence in which it refuses, one of which is empty.

    names: of which the sentence must have one, as that of the file. Raises Fault for a refusal that a user cannot read:
    without a sentence, or a library's own error.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call(), ""
    except (ValueError, OSError) as error:
        check(error, *names)
        return None, str(error)


def check(error: ValueError | OSError, *names: str) -> None:
    """Raises Fault unless the error is a sentence of this package's own."""
    said = str(error)
    if not said or "\n" in said or len(said) > LONGEST:
        raise Fault(f"no sentence: {said[:LONGEST]!r}") from error
    if names and not any(name in said for name in names):
        raise Fault(f"{said!r} names none of {', '.join(names)}") from error
    if isinstance(error, OSError):
        if error.filename is None:
            raise Fault(f"an error of the system without a file: {said!r}") from error
    elif type(error) is not ValueError and not type(error).__module__.startswith("maskwright"):
        raise Fault(f"a library's own error, {type(error).__name__}: {said!r}") from error
    elif not Path(traceback.extract_tb(error.__traceback__)[-1].filename).is_relative_to(PACKAGE):
        raise Fault(f"raised by a library: {said!r}") from error


def expect(holds: bool, what: str) -> None:
    """Raises Fault, with what was found, when an input was not taken as it stands."""
    if not holds:
        raise Fault(what[:LONGEST])


def signature(error: BaseException) -> str:
    """Equal for faults of one place: the innermost line of the package, the kind of error, or what was expected."""
    chain = [error]
    while (before := chain[-1].__cause__) is not None:
        chain.append(before)
    frames = [frame for one in chain for frame in traceback.extract_tb(one.__traceback__)]
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)]
    place = ours[-1] if ours else frames[-1]
    what = str(error)[:24] if isinstance(error, Fault) and len(chain) == 1 else ""
    return f"{Path(place.filename).name}:{place.lineno} {' from '.join(type(one).__name__ for one in chain)} {what}"
