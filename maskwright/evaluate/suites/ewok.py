"""EWoK: which of two targets fits a context (Ivanova et al. 2024, "Elements of World Knowledge", arXiv 2405.09605).

As in the official BabyLM evaluation, the targets are compared after the first context, and only they are scored.
"""

from collections.abc import Iterator
from pathlib import Path

from ...run.load import LoadedRun
from ..scoring.jsonl import folder, read
from ..scoring.minimal_pairs import Item
from ..scoring.scorer import Text
from ._pairs import Options, evaluate_pairs

__all__ = ["Options", "evaluate"]

GROUPS = {"context_type": "ContextType", "context_contrast": "ContextDiff", "target_contrast": "TargetDiff"}
FIELDS = dict.fromkeys(("Context1", "Target1", "Target2", "Domain", *GROUPS.values()), str)


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over the domains), by domain and by type of contrast.

    data: the folder of the JSONL files; or a folder that contains it as `ewok_filtered` or `ewok_fast`.
    """
    place = folder(data, "ewok_filtered", "ewok_fast", "ewok")
    return evaluate_pairs(run, items(place), options, ("ewok", place.name))


def items(place: Path) -> Iterator[Item]:
    """The items of all files."""
    for _, _, line in read(place, FIELDS):
        context = line["Context1"]
        texts = tuple(Text(f"{context} {line[target]}", len(context)) for target in ("Target1", "Target2"))
        groups = {name: line[field].replace("/", "_") for name, field in GROUPS.items()}
        yield Item(texts, groups | {"domain": line["Domain"]})
