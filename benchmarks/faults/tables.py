"""Tables of text: the reference is Python's own `csv`, in strict mode."""

import csv
import io
from pathlib import Path
from random import Random

from faults.outcome import expect, tried
from faults.pieces import mutated, text
from maskwright.files.tables import rows


def attempt(chance: Random, folder: Path) -> bool:
    """Read a table; its cells are those of the reference, or it is refused with file and line."""
    quotes, delimiter = chance.random() < 0.7, chance.choice((",", "\t"))
    content = _written(chance, quotes, delimiter).encode(chance.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16")))
    if chance.random() < 0.4:
        content = mutated(chance, content)
    path = folder / "table.csv"
    path.write_bytes(content)
    found, said = tried(lambda: [list(row.cells.items()) for row in rows(path, ("a",), delimiter, quotes)], path.name)
    wanted = _reference(content, quotes, delimiter)
    if wanted is not None:
        expect(
            (found is not None) == (wanted != "refused"),
            f"not as the reference: {said or found!r} where the reference has {wanted!r}",
        )
        expect(said != "" or found == wanted, f"found {found!r}, wanted {wanted!r}")
    return not said


def _written(chance: Random, quotes: bool, delimiter: str) -> str:
    width = chance.randint(1, 4)
    table = [["a", "b", "c", "d"][:width]]
    table += [[text(chance, 3) for _ in range(width)] for _ in range(chance.randint(0, 6))]
    if chance.random() < 0.2:
        chance.choice(table).extend(chance.choice(([""], ["x"])))
    if chance.random() < 0.2:
        chance.choice(table).pop()
    if not quotes:
        clean = str.maketrans("", "", "\n\r" + delimiter)
        return "".join(
            delimiter.join(cell.translate(clean) for cell in row) + chance.choice(("\n", "\r\n")) for row in table
        )
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=delimiter, lineterminator=chance.choice(("\n", "\r\n")))
    for row in table:
        writer.writerow([cell.replace("\r", "") for cell in row])
    return sink.getvalue()


def _reference(content: bytes, quotes: bool, delimiter: str) -> list | str | None:
    """The cells by column, `refused`, or none where the reference reads otherwise by design."""
    try:
        written = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig").replace(
            "\r\n", "\n"
        )
        if "\r" in written or "\0" in written:
            return None  # the reference ends a line there
        split = (
            csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True)
            if quotes
            else (line.split(delimiter) for line in written.split("\n"))
        )
        header, *body = [row for row in split if any(cell.strip() for cell in row)]
    except (ValueError, csv.Error):
        return "refused"
    names = [name for name in header if name]
    if "a" not in header or len(set(names)) < len(names):
        return "refused"
    if any(len(row) < len(header) or any(cell.strip() for cell in row[len(header) :]) for row in body):
        return "refused"
    return [list(dict(zip(header, row, strict=False)).items()) for row in body]
