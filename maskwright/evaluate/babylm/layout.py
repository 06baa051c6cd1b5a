"""Where the official BabyLM evaluation keeps results: RESULTS/MODEL/REVISION/zero_shot/BACKEND/TASK/DATASET."""

from pathlib import Path


def official_folder(out: Path, path: Path) -> Path:
    """`out`/MODEL/REVISION of the model in `path`: RUN/words/chck_1M is the revision chck_1M of RUN, RUN its main.

    MODEL ends at the last dot of the name, as there.
    """
    run, revision = run_and_revision(path)
    return out / Path(run.name).stem / revision


def run_and_revision(path: Path) -> tuple[Path, str]:
    """The folder of the run that the model in `path` belongs to, and its revision."""
    place = path.resolve()
    if place.name in ("final", "main", "words"):
        return place.parent, "main"
    if not place.name.startswith("chck_"):
        return place, "main"
    return (place.parent.parent if place.parent.name == "words" else place.parent), place.name
