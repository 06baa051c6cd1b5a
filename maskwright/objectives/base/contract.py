"""The properties that every objective must have, on which addressed draws and fair comparisons rest.

Each is a function of `make`, which builds the objective with some options changed (those that it has), and rows of
text. It returns a counter-example in a sentence, or an empty string where the property holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from ...attention import BACKWARD, BOTH, FORWARD, mask
from ...data.rows import Rows
from ...masking.select import IGNORE
from ...settings import field_names
from ...text.shards.shards import Shards
from .objective import Masked, Objective
from .problem import Problem

Make = Callable[..., Objective]
FIELDS = ("inputs", "targets", "weights", "view", "prefix_mask", "place", "block", "noise", "source_row")
LEAK_ROWS, LEAK_LENGTH = 6, 32
"""The rows and positions that are searched for leaks; one position is changed at a time."""


@dataclass(frozen=True)
class Finding:
    """Whether a property holds."""

    promise: str
    """The property, in words."""
    counterexample: str
    """What violates it; empty when it holds."""


def check(make: Make, rows: Rows) -> list[Finding]:
    """Check every property of the objective that `make` builds, on `rows`."""
    return [Finding(promise, found(make, rows)) for promise, found in PROPERTIES.items()]


def maker(settings: Objective, shards: Shards) -> Make:
    """A function that builds `settings` on `shards`, with those of the given options that it has."""
    return lambda **options: with_options(settings, options).build(shards, seed=0)


def with_options(settings: Objective, options: Mapping[str, Any]) -> Objective:
    """The objective with those of `options` that it or one of its sub-objectives has."""
    own = {name: value for name, value in options.items() if name in field_names(type(settings))}
    changed: Objective = replace(settings, **own)
    return changed.with_parts({name: with_options(part, options) for name, part in settings.sub_objectives.items()})


def shapes(make: Make, rows: Rows) -> str:
    problem = make()(rows, 0)
    wanted = {"inputs": torch.int64, "targets": torch.int64, "weights": torch.float32, "prefix_mask": torch.bool}
    for field, dtype in wanted.items():
        found = getattr(problem, field)
        if found.shape != problem.place.shape or found.dtype != dtype:
            return f"{field} is {found.dtype} of shape {list(found.shape)}, not {dtype} of the shape of the inputs"
    if not 0 <= int(problem.place.min()) <= int(problem.place.max()) < rows.tokens.shape[1]:
        return f"place goes to {problem.place.max()} in rows of {rows.tokens.shape[1]}"
    if not problem.view.shape == problem.source_row.shape == (len(problem),):
        return "view and source_row hold one number for each row of the problem"
    if set(problem.source_row.tolist()) != set(range(len(rows))):
        return f"source_row names rows {sorted(set(problem.source_row.tolist()))} of {len(rows)}"
    return "" if set(problem.view.tolist()) <= {BOTH, FORWARD, BACKWARD} else f"view holds {problem.view.unique()}"


def same_draw(make: Make, rows: Rows) -> str:
    return _difference(make()(rows, 5), make()(rows, 5), FIELDS)


def batch_independence(make: Make, rows: Rows) -> str:
    whole = make()(rows, 0)
    for part in ([3], [0, 5, 10], [7, 2, 9]):
        alone = make()(rows[torch.tensor(part)], 0)
        theirs = whole[torch.cat([torch.nonzero(whole.source_row == row)[:, 0] for row in part])]
        if found := _difference(alone, theirs, FIELDS[:-1]):
            return f"rows {part} on their own: {found}"
    return ""


def padding(make: Make, rows: Rows) -> str:
    wider = replace(
        rows,
        tokens=pad(rows.tokens, (0, 9), value=rows.vocabulary.pad),
        document=pad(rows.document, (0, 9), value=-1),
        word=pad(rows.word, (0, 9)),
    )
    length, fields = rows.tokens.shape[1], FIELDS[:3]
    more = make()(wider, 0)
    own = more.place[0] < length
    cut = replace(more, **{field: getattr(more, field)[:, own] for field in fields})
    return _difference(cut, make()(rows, 0), fields)


def separate_builds(make: Make, rows: Rows) -> str:
    """Nothing that one live objective learns reaches another of the same settings, built before or after."""
    used, unused = make(update_every=1), make(update_every=1)
    problem = used(rows, 0)
    loss = problem.weights * torch.linspace(0, 3, problem.weights.shape[1])
    used.observe(problem, loss, (problem.weights > 0) & (problem.targets % 3 == 0))
    used.end_step()
    later = make(update_every=1)
    return _difference(unused(rows, 0), problem, FIELDS) or _difference(later(rows, 0), problem, FIELDS)


def untouched_rows(make: Make, rows: Rows) -> str:
    before = rows.tokens.clone(), rows.word.clone()
    make()(rows, 0)
    same = torch.equal(rows.tokens, before[0]) and torch.equal(rows.word, before[1])
    return "" if same else "tokens or word of the rows were written to"


def weighted_targets(make: Make, rows: Rows) -> str:
    problem = make()(rows, 0)
    if (problem.weights < 0).any():
        return f"a weight is {problem.weights.min():g}"
    return _first(
        (problem.weights > 0) != has_target(problem), "has a target without weight, or weight without a target"
    )


def special_tokens(make: Make, rows: Rows) -> str:
    problem = make()(rows, 0)
    text, fixed = problem.laid_out(rows.tokens), ~problem.laid_out(rows.maskable)
    if found := _first((problem.inputs != text) & fixed, "is a special token or padding but was replaced"):
        return found
    return _first(has_target(problem) & (problem.laid_out(rows.document) < 0), "is padding but has a target")


def original_labels(make: Make, rows: Rows) -> str:
    problem = make()(rows, 0)
    wrong = has_target(problem) & (problem.targets != problem.laid_out(rows.tokens))
    return _first(wrong, "has a target that is not its token") if isinstance(make(), Masked) else ""


def exact_budget(make: Make, rows: Rows) -> str:
    if not isinstance(make(), Masked) or torch.equal(*(has_target(make(ratio=r)(rows, 0)) for r in (0.3, 0.6))):
        return ""  # it does not mask by ratio
    for ratio in (0.15, 0.3, 0.6):
        maskable, chosen = rows.maskable.sum(1), has_target(make(ratio=ratio)(rows, 0)).sum(1)
        wrong = (chosen - ratio * maskable).abs() >= 1
        if (wrong & (chosen > 1)).any():
            row = int(wrong.nonzero()[0, 0])
            return f"ratio={ratio}: {chosen[row]} of {maskable[row]} positions are chosen in row {row}"
    return ""


def no_leak(make: Make, rows: Rows) -> str:
    some = _corner(rows)
    for epoch in (0, 1):
        if found := _leak(make(keep_prob=0.0), replace(some, epoch=torch.full_like(some.epoch, epoch))):
            return found
    return ""


def _leak(objective: Objective, rows: Rows) -> str:
    """Change one token at a time: where that changes a target, no input visible from there may change."""
    before, ordinary = objective(rows, 0), torch.from_numpy(rows.vocabulary.ordinary.astype("int64"))
    sees, found = _sees(before, rows), False
    for place in range(rows.tokens.shape[1]):
        tokens, here = rows.tokens.clone(), rows.maskable[:, place]
        other = ordinary[(torch.searchsorted(ordinary, tokens[:, place].contiguous()) + 11) % len(ordinary)]
        tokens[:, place] = torch.where(here, other, tokens[:, place])
        after = objective(replace(rows, tokens=tokens), 0)
        changed = (after.targets != before.targets) & has_target(before)  # [P, L] whose answer is this token
        found |= bool(changed.any())
        if objective.leak_exemption:  # a position may see its own token
            changed &= before.targets != before.inputs
        seen = (after.inputs != before.inputs)[:, None] & sees  # [P, L, L]
        if message := _first(
            (seen & changed[..., None]).any(2), f"sees the token of position {place}, which is its target"
        ):
            return message
    targets_text = bool(torch.isin(before.targets[has_target(before)], rows.tokens).any())
    # a check that never saw a target change has checked nothing
    return "" if found or not targets_text else "no target depends on the text"


def _sees(problem: Problem, rows: Rows) -> Tensor:
    """[P, M, M] bool, which positions each position attends to."""
    seen = mask(**problem.sight(rows.document))  # type: ignore[arg-type]
    return torch.ones(*problem.inputs.shape, problem.inputs.shape[1], dtype=torch.bool) if seen is None else seen[:, 0]


def _corner(rows: Rows) -> Rows:
    """The first positions of a few rows, evenly spread."""
    some = rows[torch.linspace(0, len(rows) - 1, LEAK_ROWS).long()]
    cut = {field: getattr(some, field)[:, :LEAK_LENGTH].contiguous() for field in ("tokens", "document", "word")}
    return replace(some, **cut)


def has_target(problem: Problem) -> Tensor:
    """[P, L] bool, where there is a target."""
    return problem.targets != IGNORE


def _difference(one: Problem, other: Problem, fields: tuple[str, ...]) -> str:
    return next((f"{f} differs" for f in fields if not torch.equal(getattr(one, f), getattr(other, f))), "")


def _first(wrong: Tensor, what: str) -> str:
    """The first wrong position, [P, L] bool, as a sentence."""
    places = wrong.nonzero()
    return f"position {places[0, 1]} of row {places[0, 0]} {what}" if len(places) else ""


PROPERTIES = {
    "a problem has its shapes and dtypes": shapes,
    "no position sees its own target": no_leak,
    "targets are the original tokens": original_labels,
    "the budget is exact where it masks by ratio": exact_budget,
    "exactly the targets have weight": weighted_targets,
    "special tokens and padding are not changed": special_tokens,
    "a row gives the same problem in any batch": batch_independence,
    "more padding changes nothing": padding,
    "the same draw gives the same problem": same_draw,
    "the rows are not modified": untouched_rows,
    "what one learns changes no other of the same settings": separate_builds,
}
"""The properties by their description."""
