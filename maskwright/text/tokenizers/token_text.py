"""Tokens as people read them: whole characters, though a token may be some bytes of one."""

from collections.abc import Sequence

from .tokenizer import Tokenizer

LOST = "\ufffd"
"""What decoders give for bytes that are no character."""
LONGEST = 4
"""Bytes of a character in UTF-8, and so the most tokens that it is split into."""
PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
BYTES = {chr(byte): byte for byte in PRINTABLE} | {
    chr(256 + place): byte for place, byte in enumerate(byte for byte in range(256) if byte not in PRINTABLE)
}
"""How byte-level tokenizers write each byte (Radford et al. 2019, GPT-2): itself, or the next sign after U+00FF."""


def alone(tokenizer: Tokenizer, token: int) -> str:
    r"""The text of one token; bytes that are no character of their own are written as `\xe0`."""
    text, name = tokenizer.decode([token], specials=True), tokenizer.tokens[token]
    if LOST not in text or not BYTES.keys() >= set(name):
        return text if LOST not in text else name
    return bytes(BYTES[sign] for sign in name).decode("utf-8", "backslashreplace")


def in_sight(tokenizer: Tokenizer, tokens: Sequence[int], as_bytes: bool = True) -> list[str]:
    r"""[T] the text that each of adjacent tokens adds, with the space before it if it begins a word.

    A character that is split is the text of its first token, and the others add nothing. Bytes that are no character
    are written as in `alone`, or with `as_bytes=False` as in the decoded text.
    """
    anchor = int(tokenizer.vocabulary.ordinary[0])
    before = tokenizer.decode([anchor], specials=True)
    found: list[str] = []
    while len(found) < len(tokens):
        rest = tokens[len(found) : len(found) + LONGEST]
        groups = (rest[:size] for size in range(1, len(rest) + 1))
        texts = ((len(group), tokenizer.decode([anchor, *group], specials=True)) for group in groups)
        size, text = next(((size, text) for size, text in texts if LOST not in text), (1, ""))
        one = alone(tokenizer, rest[0]) if as_bytes else tokenizer.decode(rest[:1], specials=True)
        found += [text.removeprefix(before) or one, *[""] * (size - 1)]
    return found
