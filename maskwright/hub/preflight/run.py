"""Whether a model, or what a config will make of one, is ready for the official BabyLM evaluation."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ...run.config import Config
from ...run.discover import is_model
from ...run.load import LoadedRun, load, untrained
from ...settings.outside import trusting
from ..export.run import export

if TYPE_CHECKING:
    from .checks import Finding


def findings(source: str, longest: int, overrides: Sequence[str] = ()) -> "list[Finding]":
    """What `hub.preflight` finds of a folder of transformers, or of what a run, trained or not, is exported to.

    longest: tokens of the longest text.  overrides: changes to a config, as `section.key=value`.
    Raises ValueError when there is neither a model nor a config, for overrides of a model that is trained, and for a
    folder of transformers with code of its own that is not trusted.
    """
    from .checks import preflight

    path = Path(source)
    if overrides and (is_model(path) or (path / "config.json").is_file()):
        raise ValueError(f"{overrides[0]}: {source} is trained already; overrides change a recipe or a config")
    if (path / "config.json").is_file():
        return preflight(path, longest)
    with TemporaryDirectory() as place:
        folder = Path(place) / (path.resolve().name if path.is_dir() else path.stem)
        export(_found(source, overrides), folder)
        with trusting(everything=True):  # the code that we have just written there
            return preflight(folder, longest)


def _found(source: str, overrides: Sequence[str]) -> LoadedRun:
    path = Path(source)
    if is_model(path):
        return load(path, "cpu")
    if path.is_dir() and not (path / "config.yaml").is_file():
        raise ValueError(f"{source} holds no model and no config.yaml of a run to come")
    return untrained(Config.load(source, overrides))
