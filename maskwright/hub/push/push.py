"""Models on the Hub: the final one on `main`, each that was kept on a branch of its name, as BabyLM has them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from ...run.discover import is_model, models
from ...run.load import load
from ..export.run import export

MAIN = "main"


def branches(run: Path) -> dict[str, Path]:
    """The models to push, by branch. Of a folder that holds several and is none itself, each has a branch of its name.

    Raises ValueError when there is none.
    """
    kept = models(run / "words") if is_model(run) else models(run)
    own = {MAIN: run} if is_model(run) else {}
    found = own | {path.name: path for path in kept.values()}
    if not found:
        raise ValueError(f"{run} holds no trained model: there is nothing to push")
    return found


def push(
    run: Path, name: str, private: bool = False, causal: bool | None = None, own_code: bool = False
) -> Iterator[str]:
    """Put the models of `run`, as `export` writes them, on branches of OWNER/NAME; a line for each, and the link.

    What is there already is not sent again, so a push that broke off goes on. Raises ValueError as `export` and
    `Repository` do.
    """
    from .repository import Repository

    found, repository = branches(run), Repository(name, private)
    for branch, path in found.items():
        with TemporaryDirectory() as place:
            folder = Path(place) / "model"
            revision = "" if branch == MAIN else branch
            kind, _, _ = export(load(path, "cpu"), folder, causal, name, revision, own_code).partition(":")
            sent = repository.put(branch, folder)
        yield f"{branch}: {kind}: {f'{sent} files sent' if sent else 'is there already'}"
    yield f"{repository.api.endpoint}/{name}"
