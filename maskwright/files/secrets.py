"""Passwords, tokens and keys: no setting takes one, and none is printed.

A store, the Hub or a tracker finds its own in the environment or in its own file. Settings are written to config.yaml,
manifests, cards and reports, so a URL that holds a secret is refused; what is printed passes through `hide`.
"""

import os
import re
from collections.abc import Iterator, Mapping

HIDDEN = "***"
NAMES = re.compile(
    r"token(?!iz)|secret|passw|passphrase|signature|credential|api_?key|access_?key|(?:^|[-_])(?:key|key_?id|sig|auth)$",
    re.IGNORECASE,
)
"""What the name of an environment variable, an option or a part of a URL says when its value is secret."""
USER = re.compile(r"(://)[^/\s:@]*:(?!\d{1,5}(?:/|$))[^\s'\"]*@")
"""A user and his password before a host. A secret key may have slashes; a port is no password."""
WEB_USER = re.compile(r"(https?://)[^/\s@]+@")
"""On the web a user alone is mostly a token."""
QUERY = re.compile(r"(?<=[?&;#])([^=&;\s]+)=([^&;\s'\"]+)")
PLACES = re.compile(r"[^\s,]*://[^\s,]*(\s*,\s*[^\s,]*)*")
"""A URL, or several with commas; other texts are not searched, since text to be read may quote one."""
SHORTEST = 6
"""Characters of a secret of the environment: shorter values occur in texts by chance."""

_known: set[str] = set()


def refuse(value: object) -> None:
    """Raises ValueError when a URL in `value`, which may be nested, holds a secret."""
    waiting, seen = [value], set[int]()  # in YAML, few aliases of aliases stand for endlessly many values
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            _refuse_text(part)
        elif isinstance(part, Mapping | list | tuple) and id(part) not in seen:
            seen.add(id(part))
            waiting += part.values() if isinstance(part, Mapping) else part


def _refuse_text(text: str) -> None:
    if PLACES.fullmatch(text.strip("[] ")) and (shown := _without(text)) != text:
        raise ValueError(
            f"{shown} holds a password, token or key, and settings are written to files: leave it out, and give it "
            "to the store by its environment variables or in ~/.config/fsspec"
        )


def hide(text: str) -> str:
    """`text` without secrets: those in URLs, those of the environment, and those that `remember` was told."""
    for secret in sorted(_known.union(_secrets(os.environ)), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _without(text)


def remember(found: str | Mapping[str, object]) -> None:
    """Hide a secret from now on, or all those in a nested mapping of options."""
    _known.update({found} if isinstance(found, str) else _secrets(found))


def _without(text: str) -> str:
    text = WEB_USER.sub(rf"\1{HIDDEN}@", USER.sub(rf"\1{HIDDEN}@", text))
    return QUERY.sub(lambda part: f"{part[1]}={HIDDEN if NAMES.search(part[1]) else part[2]}", text)


def _secrets(options: Mapping[str, object]) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _secrets(value)
        elif isinstance(value, str) and len(value) >= SHORTEST and NAMES.search(name):
            yield value
