"""Random pieces that inputs are made of."""

import math
from random import Random
from typing import Any

WORDS = (
    "the", "cat", "sat", "on", "a", "mat", "naïve", "don't", "3.14", "日本語", "🙂", "👩\u200d👩\u200d👧", "é", "ﬁ",
    "[MASK]", "[UNK]", "<s>", "</s>", "<unk>", "##ing", "▁", "Ġ", "<0x0A>", "\u200b", "\ufeff", "\x00", "\x85",
    "\u2028", "\x0b", "\x1c", "\u202e", "\U0010ffff", "None", "nan", "null", "\"", "'", ",", "\\", "{", "}",
    "<script>", "%s", "{x}", "[/red]",
)  # fmt: skip
BLANKS = (" ", " ", " ", " ", "  ", "\t", "\u00a0", "\u3000", "\n", "")
ODD = (
    None, True, False, 0, -1, 1, 2 ** 31, 2 ** 63, 2 ** 64, -2 ** 63, 10 ** 400, 0.0, -0.0, 0.5, 1e-320, 1e+308,
    math.inf, -math.inf, math.nan, "", " ", "\n", "None", "nan", "inf", "null", "true", "1", "-1", "1e3",
    "auto", "../x", "/", "~", "a" * 5000, "\x00", "\ud800", "日本", [], {}, [[]], [None], {"": None}, [1, 2],
    ["a", "b"], {"name": "mlm"}, {"a": {"b": {"c": []}}},
)  # fmt: skip
"""Values that a field seldom takes."""


def text(chance: Random, most: int = 12) -> str:
    """A few words, some of them odd."""
    plain = chance.random() < 0.4
    words = WORDS[:8] if plain else WORDS
    return "".join(
        chance.choice(words) + (" " if plain else chance.choice(BLANKS)) for _ in range(chance.randint(1, most))
    )


def deep(chance: Random, depth: int) -> Any:
    """A value nested `depth` times."""
    value: Any = chance.choice(ODD)
    for _ in range(depth):
        value = [value] if chance.random() < 0.5 else {chance.choice(WORDS): value}
    return value


def odd(chance: Random) -> Any:
    """A value that seldom fits."""
    drawn = chance.random()
    if drawn < 0.6:
        return chance.choice(ODD)
    if drawn < 0.7:
        return deep(chance, chance.randint(1, 60))
    if drawn < 0.8:
        return chance.choice((chance.uniform(-2, 2), chance.randint(-3, 300), 10 ** chance.uniform(-12, 12)))
    return text(chance)


def mutated(chance: Random, content: bytes) -> bytes:
    """`content` with bytes changed, cut out, put in, or an end that is gone."""
    for _ in range(chance.randint(1, 3)):
        begin = chance.randrange(len(content) + 1)
        end = chance.choice((begin, begin + 1, begin + chance.randint(0, 40), len(content)))
        new = chance.choice(
            (b"", chance.randbytes(chance.randint(0, 4)), b"\0" * 9, b"\n", b'"', b"\xff", b"\xed\xa0\x80")
        )
        content = content[:begin] + new + content[end:]
    return content
