"""YAML in files."""

from pathlib import Path
from typing import Any

import yaml

from .errors import cut
from .text import read_text


def read_yaml(path: Path) -> Any:
    """The value in a file. Raises ValueError, with file and line, when it is not YAML."""
    return parse_yaml(read_text(path), str(path))


def parse_yaml(source: str, where: str) -> Any:
    """A value from its YAML. Raises ValueError that begins with `where`."""
    try:
        return yaml.safe_load(source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"{where} is not YAML: {error.problem or error.context}{line}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{where} is not YAML: {cut(' '.join(str(error).split()), 160)}") from None
    except RecursionError:
        raise ValueError(f"{where} is YAML that is nested too deeply") from None
