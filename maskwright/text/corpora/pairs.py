"""Prompts and answers in files of JSON lines: `{"prompt": "What is an iterator?", "answer": "An object that …"}`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ...files.errors import kind_of
from ...files.json_files import objects
from ...files.names import stem
from ...settings import Names, settings
from ...settings.bounds import MOST_SIZE
from ..corpus import Document, Errors, Source
from ._reading import source


@settings
class Pairs:
    """Prompts and their answers, for `objective.name=answers`: .jsonl or .json files of objects with two texts."""

    pairs: Names
    """The files; a single name, or several with commas or as a list."""
    valid: Names = ()
    """The same for validation; without any, a share of the pairs is held out."""
    prompt: str = "prompt"
    """The field of an object that holds what is asked."""
    answer: str = "answer"
    """The field that holds what is answered."""
    room: Annotated[int, Field(ge=0, le=MOST_SIZE)] = 0
    """Tokens that every answer has room for, the rest of it [PAD], so that a diffusion model learns where answers end.
    A causal model needs none."""

    def documents(self, errors: Errors) -> Iterator[Document]:
        """Raises ValueError, with file and line, where a prompt or an answer is missing or empty."""
        return self._read(self.pairs, errors)

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """None when `valid` is empty."""
        return self._read(self.valid, errors) if self.valid else None

    def sources(self) -> list[Source]:
        """Path, size and time of the last change of each file."""
        return [source(Path(name), validation=name in self.valid) for name in (*self.pairs, *self.valid)]

    def _read(self, names: tuple[str, ...], errors: Errors) -> Iterator[Document]:
        if not names:
            raise ValueError("corpus.pairs is empty: name files of prompts and answers")
        for name in names:
            path = Path(name).expanduser()
            if not path.is_file():
                raise ValueError(f"corpus.pairs: there is no file {name!r}")
            for number, found in objects(path, errors):
                prompt, answer = (_text(found, field, f"{name}:{number}") for field in (self.prompt, self.answer))
                yield Document(f"{prompt}\n{answer}", stem(path), answer=len(prompt) + 1, room=self.room)


def _text(found: dict[str, object], field: str, where: str) -> str:
    """The text of a field, without blanks around it. Raises ValueError, which begins with `where`."""
    value = found.get(field)
    if isinstance(value, str) and value.strip():
        return value.strip()
    what = "empty" if isinstance(value, str) else kind_of(value)
    what = f"{field} is {what}" if field in found else f"no field {field!r}"
    raise ValueError(f"{where}: {what}: a pair is an object with two texts that are not empty")
