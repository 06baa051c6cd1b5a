"""The latest intact checkpoint of a run, whether a run may resume from it, and whether to the same bits."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import checkpoint
from .checkpoint import Loaded

LAST_DIGITS = {f"training.{name}" for name in ("micro_batch_tokens", "device", "parallel", "compile")}
"""Settings that change the order of sums, and with it the last digits."""
UNSEEN = "minutes timeout checkpoint_every keep keep_at log_every trackers activation_checkpointing"
FREE = LAST_DIGITS | {f"training.{name}" for name in UNSEEN.split()}
FREE |= {"evaluation.every", "evaluation.batch_tokens", "rows.keep_blocks", "license", "language"}
"""Settings that may change from one attempt to the next: the run stays the same, at most but for last digits."""
TEXT = ("corpus.", "tokenizer.", "evaluation.held_out", "errors")
"""Settings that say where the text comes from: whether it is the same is told by the fingerprint of the tokens."""


def latest(folder: Path) -> tuple[Loaded | None, list[str]]:
    """The newest intact checkpoint in `folder`, and a message for each damaged one that was skipped.

    Raises ValueError when there are checkpoints and none can be opened: nothing is begun anew in their place.
    """
    complaints: list[str] = []
    for step in reversed(steps := checkpoint.steps(folder)):
        try:
            return checkpoint.load(folder / f"step-{step}"), complaints
        except ValueError as error:
            complaints.append(str(error))
    if complaints:
        raise ValueError(
            f"none of the {len(steps)} checkpoints in {folder} can be opened ({complaints[0]}); nothing was changed: "
            "move them away to begin anew, or choose another --out"
        )
    return None, complaints


def check(
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    out: Path,
    same_text: bool = False,
    follows_validation: bool = False,
) -> None:
    """Refuse another run, by its config. Raises ValueError that names the first setting that differs.

    same_text: its tokens are known to be the same, wherever they come from.
    follows_validation: whether its objective does, so that the number of validations counts.
    """
    free = FREE - ({"evaluation.every"} if follows_validation else set())
    for name, told in differences(then, now):
        if name not in free and not (same_text and name.startswith(TEXT)):
            raise ValueError(
                f"{out} is from another run: {told}; resume with the same settings or choose another --out"
            )


def check_text(state: Mapping[str, Any], now: Mapping[str, Any], out: Path) -> None:
    """Refuse a checkpoint of other tokens than those of `now`, the state that would be written. Raises ValueError."""
    if (state["data"], state.get("blocks", "")) != (now["data"], now["blocks"]):
        told = [clause for name, clause in differences(state["config"], now["config"]) if name.startswith(TEXT)]
        raise ValueError(
            f"{out} was trained on different text or with a different tokenizer than the corpus gives now"
            + "".join(f": {clause}" for clause in told[:1])
        )


def bits_may_differ(state: Mapping[str, Any], now: Mapping[str, Any], out: Path) -> str:
    """A warning when other versions, another machine or other sums go on with the run; empty when none do.

    now: the state as it would be written now; what an older checkpoint has not recorded is not compared.
    """
    told = [clause for name, clause in differences(state["config"], now["config"]) if name in LAST_DIGITS]
    for facts in ("versions", "machine"):
        then = state.get(facts, {})
        told += [clause for name, clause in differences(then, now[facts]) if name in then]
    if not told:
        return ""
    return f"{out} goes on with other versions, threads or sums, so its bits may differ from an unbroken run's: " + (
        "; ".join(told)
    )


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The `section.key` of every leaf that differs, and a clause that says how."""
    before, today = dict(leaves(then)), dict(leaves(now))
    for name in sorted(before.keys() | today.keys()):
        if before.get(name) != today.get(name):
            yield name, f"{name} is {before.get(name)!r} there and {today.get(name)!r} now"


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The `section.key` and value of every leaf."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", list(value) if isinstance(value, tuple) else value
