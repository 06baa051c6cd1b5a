"""A run's config as it is published: files and folders by their names, not by where they lie on this machine."""

from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

from ...run.config import Config

LOCAL = {
    "files",
    "pairs",
    "valid",
    "folders",
    "folder",
    "file",
    "path",
    "init_from",
    "weights",
    "classes",
    "generator_run",
}
"""Options that name files and folders."""
TEXT = {"texts", "add"}
"""Options whose texts are no names."""
BEGINNINGS = ("/", "\\", "~", "./", "../", "file://")


def published(config: Config) -> Config:
    """`config` with the last name of each path only; what lies in a store keeps its URL."""
    return Config.of(_cut(config.tree(), ""), trust_code=True)


def _cut(value: Any, option: str) -> Any:
    if isinstance(value, Mapping):
        return {name: _cut(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_cut(inner, option) for inner in value]
    return _name(value) if isinstance(value, str) and _is_local(value, option) else value


def _is_local(text: str, option: str) -> bool:
    if option in TEXT or ("://" in text and not text.startswith("file://")):
        return False
    data_set = option == "dataset" and (text.count("/") > 1 or Path(text).exists())
    return option in LOCAL or data_set or text.startswith(BEGINNINGS) or text[1:3] in (":\\", ":/")


def _name(path: str) -> str:
    return PureWindowsPath(path).name or path  # which knows the separators of all systems
