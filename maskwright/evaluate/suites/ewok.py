"""EWoK: which of two contexts fits a target (Ivanova et al. 2024, "Elements of World Knowledge", arXiv 2405.09605).

As in the official BabyLM evaluation, only the target is scored: the first target after either context (2026), or either
target after the first context (2025).
"""

from collections.abc import Iterator
from pathlib import Path

from ...run.load import LoadedRun
from ..scoring.jsonl import folder, read
from ..scoring.minimal_pairs import Item, Rules
from ..scoring.scorer import Text
from ._pairs import Options, evaluate_pairs

__all__ = ["Options", "evaluate"]

GROUPS = {"context_type": "ContextType", "context_contrast": "ContextDiff", "target_contrast": "TargetDiff"}
FIELDS = dict.fromkeys(("Context1", "Context2", "Target1", "Domain", *GROUPS.values()), str)


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """Accuracy (mean over the domains), by domain and by type of contrast.

    data: the folder of the JSONL files; or a folder that contains it as `ewok_filtered` or `ewok_fast`.
    """
    place = folder(data, "ewok_filtered", "ewok_fast", "ewok")
    made = items(place, options.rules)
    return evaluate_pairs(run, made, options, ("ewok", place.name), whole=options.rules == 2026)


def items(place: Path, rules: Rules = 2026) -> Iterator[Item]:
    """The items of all files."""
    for _, _, line in read(place, FIELDS if rules == 2026 else FIELDS | {"Target2": str}):
        other = ("Context2", "Target1") if rules == 2026 else ("Context1", "Target2")
        pairs = [(line[context], line[target]) for context, target in (("Context1", "Target1"), other)]
        texts = tuple(Text(f"{context} {target}", len(context)) for context, target in pairs)
        groups = {name: line[field].replace("/", "_") for name, field in GROUPS.items()}
        yield Item(texts, groups | {"domain": line["Domain"]})
