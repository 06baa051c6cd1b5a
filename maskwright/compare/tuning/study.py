"""Tuning: many short-lived sets of values for one recipe, each trained with its full-length schedule.

Which values come next is Optuna's choice (TPE), and so is which trials stop early: at a quarter of the validations, a
half and so on, a trial goes on only while it is in the better half of those that came as far (successive halving,
asynchronous as in Li et al. 2020, arXiv 1810.05934). The draws of trial n depend on n and what is known then, and on
nothing else, so that with one run at a time an interrupted tuning is the uninterrupted one.
"""

import json
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...evaluate.validation.common import EXAMS
from ...evaluate.validation.plan import validation_plan
from ...files.json_files import parse_json, read_object
from ...noise import address
from ...progress import Bar, console
from ...run import build
from ...run.config import Config
from ...run.folder import writing
from ...run.resume import differences
from ...storage.atomic import atomic_write
from ...training.interrupt import Stopped, interrupts
from ..experiments import seed_list
from ..results import MAIN, higher
from ..runner.local import Process
from ..runner.pool import PAUSE
from .space import Choice, Parameter, changes, check, own_values, parameters
from .trials import Attempt

FIRST = 6
"""Trials before the sampler learns from others: the recipe's own values, and random ones."""
KEPT = "study.journal"
PLAN = "tune.json"


@dataclass(frozen=True)
class Tuning:
    """What is tuned, by what, and where."""

    source: str
    common: tuple[str, ...]
    space: list[Parameter]
    seeds: tuple[int, ...]
    metric: str
    trials: int
    halving: bool
    out: Path
    base: Config
    """The recipe as it is."""
    study: Any
    """The Optuna study."""

    def config(self, values: dict[str, Any], seed: int) -> Config:
        """The run of a trial."""
        return Config.load(self.source, [*self.common, *self.changes(values), f"seed={seed}"])

    def changes(self, values: dict[str, Any]) -> list[str]:
        """The `section.key=value` that a trial adds to the recipe."""
        return changes(self.space, values, self.base)

    def folder(self, number: int, seed: int) -> Path:
        """Where the run of a trial lies."""
        return self.out / "trials" / f"{number:03}-seed-{seed}"

    def command(self, values: dict[str, Any]) -> str:
        """What trains a trial's values again."""
        words = ["maskwright", "train", self.source, *self.common, *self.changes(values)]
        return shlex.join([*words, "--out", "best"])

    @property
    def done(self) -> list[Any]:
        """The finished trials, pruned and failed ones included, in order."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if trial.state.is_finished()]


def tune(
    source: str,
    over: Sequence[str],
    trials: int = 20,
    common: Sequence[str] = (),
    seeds: str | None = None,
    metric: str | None = None,
    out: Path = Path("tuning"),
    workers: int = 1,
    halving: bool = True,
    show: bool = True,
) -> Tuning:
    """Try values of the settings `over` (see `space`) for the recipe `source`, `trials` in all; those in `out` count.

    common: changes to every trial.  seeds: those that every trial is trained with, by default the recipe's own; the
        value of a trial is the mean over them.
    metric: of the validation, such as `masked/loss`; by default the objective's own loss, or where the objective is
        tuned the loss of the first common exam.  workers: runs at a time.  halving: stop what falls behind.

    Raises ValueError for what cannot be tuned, and Stopped when the process is stopped.
    """
    space = parameters(over)
    check(space, source, common)
    base = Config.load(source, common)
    numbers = tuple(seed_list(seeds)) if seeds else (base.seed,)
    chosen = metric or _default_metric(base, space)
    if not MAIN.fullmatch(chosen):
        raise ValueError(
            f"metric={chosen!r}: name one of the validation, as loss, masked/loss or forward/bits_per_byte"
        )
    with writing(out):
        _declare(out, {"recipe": base.tree(), "over": list(over), "seeds": list(numbers), "metric": chosen})
        data = build.data(base, show)
        most = max(1, data.steps // validation_plan(base, data.valid, data.steps).every)
        study = _study(out, chosen, most)
        found = Tuning(source, tuple(common), space, numbers, chosen, trials, halving, out, base, study)
        _carry_out(found, workers, show)
    return found


def _default_metric(base: Config, space: Sequence[Parameter]) -> str:
    if not any(each.name.startswith("objective.") for each in space):
        return "loss"
    exam = next((name for kind, (name, _) in EXAMS.items() if kind in base.objective.capabilities), "")
    return f"{exam}/loss" if exam else "loss"


def _declare(out: Path, plan: dict[str, Any]) -> None:
    """Write down what is tuned, or refuse a folder of another tuning. Raises ValueError."""
    path = out / PLAN
    if not path.is_file():
        if (out / KEPT).is_file():
            raise ValueError(f"{out} holds trials and no {PLAN} that says of what: choose another --out")
        atomic_write(path, json.dumps(plan, indent=1))
    elif told := next(differences(read_object(path), parse_json(json.dumps(plan), "the plan")), None):
        raise ValueError(f"{out} is from another tuning: {told[1]}; choose another --out")


def _study(out: Path, metric: str, validations: int) -> Any:
    """The study kept in `out`, or a new one."""
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = str(out / KEPT)
    Path(f"{path}.lock").unlink(missing_ok=True)  # of a process that was killed: only one writes to the folder
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(path, JournalFileOpenLock(path))),
        study_name="tuning",
        direction="maximize" if higher(metric) else "minimize",
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=max(1, validations // 4), reduction_factor=2),
        load_if_exists=True,
    )


def _carry_out(tuning: Tuning, workers: int, show: bool) -> None:
    if not tuning.study.get_trials(deepcopy=False):
        if (own := own_values(tuning.space, tuning.base)) is None:
            console.print("note: the recipe's own values lie outside what is tuned, and are not among the trials")
        else:
            tuning.study.enqueue_trial(own)
    running = dict[int, tuple[Any, Attempt]]()
    waiting = _unfinished(tuning)
    bar = Bar(visible=show, every=60)
    with bar, interrupts("stopping: the runs save themselves; Ctrl-C again ends at once") as asked:
        line = bar.add_task("trials", total=tuning.trials, completed=len(tuning.done))
        try:
            while not asked.is_set():
                while len(running) < workers and (trial := next(waiting, None) or _asked(tuning, len(running))):
                    if attempt := _begun(tuning, trial):
                        running[trial.number] = trial, attempt
                if not running:
                    return
                for number in list(running):
                    if _over(tuning, *running[number]):
                        del running[number]
                bar.update(line, completed=len(tuning.done))
                time.sleep(PAUSE)
        finally:
            for _, attempt in running.values():
                attempt.stop()
    raise Stopped(f"stopped after {len(tuning.done)} of {tuning.trials} trials; run the same command again to resume")


def _unfinished(tuning: Tuning) -> Iterator[Any]:
    """The trials that an earlier attempt left in the middle."""
    from optuna.trial import Trial, TrialState

    for left in tuning.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        yield Trial(tuning.study, left._trial_id)


def _asked(tuning: Tuning, running: int) -> Any:
    """A new trial with its values; None when there are enough."""
    import optuna

    if (number := len(tuning.done) + running) >= tuning.trials:
        return None
    seed = address(tuning.seeds[0], "tuning", number) % 2**32
    tuning.study.sampler = optuna.samplers.TPESampler(n_startup_trials=FIRST, seed=seed)
    return tuning.study.ask()


def _begun(tuning: Tuning, trial: Any) -> Attempt | None:
    """The run of a trial, started; None where its values do not go together, such as heads that do not divide."""
    for each in tuning.space:
        if isinstance(each, Choice):
            trial.suggest_categorical(each.name, each.values)
        elif each.whole:
            trial.suggest_int(each.name, int(each.low), int(each.high), step=int(each.step or 1), log=each.log)
        else:
            trial.suggest_float(each.name, each.low, each.high, step=each.step, log=each.log)
    try:
        configs = [tuning.config(trial.params, seed) for seed in tuning.seeds]
    except ValueError as error:
        _fail(tuning, trial, str(error))
        return None
    folders = [tuning.folder(trial.number, seed) for seed in tuning.seeds]
    known = len(tuning.study.get_trials(deepcopy=False)[trial.number].intermediate_values)
    attempt = Attempt(folders, configs, tuning.metric, Process, reported=known)
    attempt.begin()
    return attempt


def _fail(tuning: Tuning, trial: Any, error: str) -> None:
    """Count a trial as worse than any other, with the reason. Raises ValueError when the very first fails."""
    from optuna.trial import TrialState

    trial.set_user_attr("error", error)
    tuning.study.tell(trial, state=TrialState.PRUNED)
    if len(tuning.done) == 1:
        raise ValueError(f"trial {trial.number} failed, and nothing else is tried: {error}")


def _over(tuning: Tuning, trial: Any, attempt: Attempt) -> bool:
    """Look at a trial; whether it has ended, be it by the rule of successive halving."""
    from optuna.trial import TrialState

    error = attempt.ended()  # before the validations are read, so that none of an ended run is missed
    for number, value in attempt.validations():
        trial.report(value, number)
        if tuning.halving and trial.should_prune():
            attempt.stop()
            tuning.study.tell(trial, state=TrialState.PRUNED)
            return True
    if error is None:
        return False
    if error:
        _fail(tuning, trial, error)
        return True
    if attempt.next_seed():
        return False
    tuning.study.tell(trial, sum(attempt.values) / len(attempt.values))
    return True
