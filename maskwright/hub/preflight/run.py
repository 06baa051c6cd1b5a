"""Whether a model, or what a config will make of one, is ready for the official BabyLM evaluation."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ...evaluate.babylm.budget import excess
from ...evaluate.babylm.tasks import checkpoints
from ...objectives.base.capabilities import predicted
from ...objectives.base.objective import Objective
from ...run.config import Config
from ...run.discover import is_model
from ...run.load import LoadedRun, load, untrained
from ...run.words_seen import words_seen
from ...settings.outside import trusting
from ...settings.registry import name_of
from ..export.run import export, way

if TYPE_CHECKING:
    from .checks import Finding


def findings(source: str, longest: int, overrides: Sequence[str] = (), track: str | None = None) -> "list[Finding]":
    """What `hub.preflight` finds of a folder of transformers, or of what a run, trained or not, is exported to.

    longest: tokens of the longest text.  overrides: changes to a config, as `section.key=value`.
    track: of the challenge, against whose budget words are counted; None counts none.
    Raises ValueError when there is neither a model nor a config, for overrides of a model that is trained, and for a
    folder of transformers with code of its own that is not trusted.
    """
    from .checks import preflight

    path = Path(source)
    budget = [_words(path, overrides, track)] if track else []
    if overrides and (is_model(path) or (path / "config.json").is_file()):
        raise ValueError(f"{overrides[0]}: {source} is trained already; overrides change a recipe or a config")
    if (path / "config.json").is_file():
        return preflight(path, longest) + budget
    with TemporaryDirectory() as place:
        folder = Path(place) / (path.resolve().name if path.is_dir() else path.stem)
        run = _found(source, overrides)
        export(run, folder)
        asked = [_asked(run.objective)] if run.objective else []
        with trusting(everything=True):  # the code that we have just written there
            return preflight(folder, longest) + asked + budget


def _asked(objective: Objective) -> "Finding":
    """Whether the evaluation asks for what a model trained by `objective` predicts."""
    from .checks import Finding

    _, backend = way(objective, None)
    if backend == "own":
        learns = " and ".join(predicted(objective))
        return Finding("objective", False, f"{name_of(objective)} learns {learns}, which no backend asks for")
    return Finding("objective", True, f"{name_of(objective)}: --backend {backend}")


def _words(path: Path, overrides: Sequence[str], track: str) -> "Finding":
    """Whether the words of a run, or of one to come, are within the budget of the track."""
    from .checks import Finding

    checkpoints(track)  # raises for a track that does not exist
    run = path if is_model(path) else None
    config = Config.load(str(path), overrides)
    seen = words_seen(run, config)
    faults = list(excess(seen, track))
    return Finding("words", not faults, "; ".join(faults) or seen.described())


def _found(source: str, overrides: Sequence[str]) -> LoadedRun:
    path = Path(source)
    if is_model(path):
        return load(path, "cpu")
    if path.is_dir() and not (path / "config.yaml").is_file():
        raise ValueError(f"{source} holds no model and no config.yaml of a run to come")
    return untrained(Config.load(source, overrides))
