"""The training loop: rows, problem, loss, update; at intervals a logged line, a validation, a checkpoint.

All randomness is addressed, so the state of a run is its weights, its optimizer, what its objective has learned, and
the step: a run that was killed and resumed is bit-identical to one that was not.
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data.rows import Rows
from ..distributed import ranks
from ..evaluate.validation.plan import validation_plan
from ..evaluate.validation.validate import validate
from ..noise import address, dropout_generator
from ..objectives.base.nothing_asked import nothing_asked
from ..objectives.base.problem import Problem
from ..prediction import problem_loss
from ..progress import during
from ..run import build, checkpoint, milestones, resume
from ..run.config import Config
from ..run.description import describe
from ..run.folder import Folder
from ..run.load import LoadedRun, just_trained
from ..run.starting import lora, start
from ..settings.schedule import scheduled
from ..storage.atomic import atomic_write
from ..text.shards.shards import Split
from . import fp8, token_weights
from .activation_checkpointing import checkpoint_activations
from .feedback import Feedback
from .flops import Flops
from .interrupt import SAVING, Stop, Stopped, interrupts, take_turns
from .log import Log, Silence
from .machine.compiling import chosen_loss
from .machine.kernels import chosen_kernels, described
from .machine.peak_flops import peak_flops
from .metrics import RunningMetrics
from .state import State, Tensors
from .step import (
    MicroBatch,
    backward,
    idle,
    micro_batch,
    precision,
    resolve_matmul_dtype,
    scaler,
    split,
    use_block_mask,
)
from .teachers import taught
from .updates.average import averages
from .updates.freeze import Freeze
from .updates.rates import set_rates


class Trainer:
    """Trains `config` into the folder `out`; `resume` continues from the newest intact checkpoint there.

    Raises ValueError, in one sentence, when the config cannot be run.
    """

    def __init__(self, config: Config, out: str | Path = "run", resume: bool = False, show: bool = True):
        self.config, self.out, self.show = config, Path(out), show
        resume = resume or ranks.restarted()
        self.device = build.device(config.training.device)
        if config.training.precision == "fp8":
            fp8.check(self.device)
        self.world = ranks.join(self.device, config.training.timeout)
        self.folder = Folder(self.out, config, self.world, resume)
        found = self.folder.latest() if resume else None
        self.data = start.data(config, show and self.world.first, fresh=found is None)
        self.steps = self.data.steps
        self.milestones = milestones.milestone_steps(config.training.keep_at, self.data.loader, self.steps)
        build.check_ranks(self.data.loader, self.world.size)
        self.model = start.model(config, self.data.shards, self.device, fresh=found is None)
        flops, rounded = Flops(self.model), resolve_matmul_dtype(config.training.precision, self.device)
        self.freeze = Freeze(self.model, config.training.freeze, self.steps, self.world.size)
        if config.training.precision == "fp8":
            fp8.convert(self.model)
        if config.training.activation_checkpointing:
            checkpoint_activations(self.model)
        self.objective = build.objective(config, self.data.shards)
        loss_fn = chosen_loss(config, self.model, self.data, self.objective, self.world, found, show)
        with during("measuring this machine", show and self.world.first):
            length, dropout = self.data.loader.stages[-1].pack.length, getattr(config.model, "dropout", None) or 0.0
            chosen = chosen_kernels(self.device, rounded, length, loss_fn, dropout)
        self.environment = checkpoint.environment(self.device, self.world.size, chosen)
        self.use_block_mask = not self.objective.teaching and use_block_mask(self.model, loss_fn, self.device)
        scale = scaler(rounded, self.device, config.training.parallel)
        learning = taught(loss_fn, self.objective, self.data, self.device)
        self.parallel = ranks.parallelize(config.training.parallel, self.world, self.model, learning)
        self.feedback = Feedback(self.objective, self.world)
        metrics = RunningMetrics(self.device, self.world, flops, peak_flops(self.device, rounded))
        means = averages(self.model, config.training, self.steps)
        self.state = State(self.model, build.optimizer(config, self.model), means, self.objective, metrics, scale)
        self.plan, self.stop = validation_plan(config, self.data.valid, self.steps), Stop()
        if found is not None:
            self._resume(*found)
        if loss_fn is problem_loss and self.world.size == 1:
            take_turns(self.model)

    def train(self) -> LoadedRun:
        """Train to the end, evaluate, and write `final/` and `final.json`. Returns the run, with every final metric.

        Raises Stopped when the process was asked to stop, and ValueError when the loss is not finite or another process
        writes to the folder.
        """
        said = SAVING if self.world.first else ""
        with self.folder.claimed(self.step), self._log() as log, interrupts(said) as self.stop:
            log.say(self.describe())
            try:
                with ranks.answering(self.world, self.config.training.timeout):
                    numbers = self._train(log)
            except Stopped:
                self.state.optimizer.zero_grad()
                self._save()
                raise Stopped(f"stopped at step {self.step}; resume with --resume") from None
        return just_trained(self.out, self.config, self.data, numbers, self.device)

    def _train(self, log: Log | Silence) -> dict[str, float]:
        minutes, metrics = self.config.training.minutes, self.state.metrics
        if not self.state.validated:
            self._validate_and_save(log, last=self.step == self.steps)
        for rows in self.data.loader.batches(self.step, self.steps, self.world.rank, self.world.size):
            metrics.start()
            self.update(rows)
            metrics.stop()
            late = self._agreed(minutes is not None and metrics.seconds > 60 * minutes)
            self._at_intervals(log, last=late or self.step == self.steps)
            if late:
                break
        return self._finish(log)

    @property
    def step(self) -> int:
        """Number of updates done."""
        return self.state.step

    def _agreed(self, flag: bool) -> bool:
        """Whether the flag is set on any rank; they communicate only at logged steps, which is cheap."""
        if self.world.size > 1 and self.step % self.config.training.log_every:
            return False
        return self.world.total(float(flag)) > 0

    def _interruptible(self) -> AbstractContextManager[None]:
        """A block that is left at once when this process is asked to stop; several ranks agree on it by micro-batch."""
        return self.stop.at_once() if self.world.size == 1 else nullcontext()

    def describe(self) -> str:
        """The run in a few lines: sizes that follow from the config and the text, for a reader to check."""
        return (
            describe(self.config, self.data, self.model, self.device)
            + f"\npeak       {self.state.metrics.peak / 1e9:,.0f} GFLOP/s matmul throughput per device (MFU = 100%)"
            + f"\nchosen     {described(self.environment['machine'])}"
            + ranks.describe(self.world, self.config.training.parallel, self.config.training.timeout)
            + lora.describe(self.model)
            + f"\nfrozen     all but the head until step {self.freeze.until:,}" * (self.freeze.until > 0)
            + milestones.describe(self.milestones)
        )

    def _log(self) -> Log | Silence:
        if not self.world.first:
            return Silence()
        return Log(self.out, self.config.tree(), self.config.training.trackers, self.step, self.steps, self.show)

    def update(self, rows: Rows) -> None:
        """One update on the rows of a step. Raises Stopped, having changed nothing but gradients, when asked to."""
        with self._interruptible():
            whole = self.objective(rows, self.config.seed)
            done, skipped = self.accumulate(rows, whole)
        self.state.metrics.see(rows, whole, skipped)
        for problem, micro, loss, correct in done:
            self.feedback.add(problem, micro, loss, correct)
            self.state.metrics.count(micro, loss, correct)
        if done:
            self._apply_gradients()
        self.feedback.deliver()
        self.objective.end_step()
        self.state.step += 1

    def accumulate(self, rows: Rows, whole: Problem) -> tuple[list[tuple[Problem, MicroBatch, Tensor, Tensor]], int]:
        """The gradient of an update. Returns each micro-batch with its loss [N] float32 and correctness [N] bool, and
        how many have no target: these are skipped, where no other rank waits for them."""
        problems = split(whole, rows, self.config.training.micro_batch_tokens, self.world)
        asked = [micro_batch(rows, problem, self.device, self.use_block_mask) for problem in problems]
        total = self.world.total(sum(micro.weight for micro in asked))
        mean, z_loss = total / self.world.size, self.config.training.z_loss  # gradients are averaged over ranks
        self.model.train()
        self.freeze.at(self.step)
        done = []
        for index, (problem, micro) in enumerate(zip(problems, asked, strict=True)):
            if self.world.size > 1 and self.world.total(float(self.stop.is_set())):
                raise Stopped  # all ranks together
            if not micro.weight and (self.world.size == 1 or not total):
                continue
            seed = address(self.config.seed, "dropout", self.step, index, self.world.rank) % 2**63
            dropout_generator(self.device).manual_seed(seed)
            cast = precision(self.config.training.precision, self.device)
            with self.parallel.synchronised(index == len(problems) - 1):
                loss, correct = backward(
                    self.parallel.loss_fn, self.model, micro, mean, z_loss, cast, self.state.scaler
                )
            done.append((problem, micro, loss, correct))
        return done, idle(problems, whole)

    def _apply_gradients(self) -> None:
        """Apply the accumulated gradients."""
        if self.config.training.clip:
            self.state.scaler.unscale_(self.state.optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.training.clip)
        set_rates(self.state.optimizer, self.config, self.step, self.steps)
        self.state.scaler.step(self.state.optimizer)
        self.state.scaler.update()
        self.state.optimizer.zero_grad()
        for average in self.state.averages.values():
            average.update(self.step)

    def _at_intervals(self, log: Log | Silence, last: bool) -> None:
        if self.step % self.config.training.log_every == 0 or last:
            self._write(log)
        self.state.validated = self.step % self.plan.every > 0 or self.step == self.steps
        self._validate_and_save(log, last)

    def _validate_and_save(self, log: Log | Silence, last: bool) -> None:
        if not self.state.validated:
            with log.during("validating"):
                found = self.validate(stride=self.plan.stride)
            log.write(self.step, found)
            self._reflect(found)
            self.state.validated = True
        for words in self.milestones.get(self.step, ()):
            with self.state.averaged():
                self.folder.keep(words, self.step, self.state.weights(), self.data.shards)
        every = self.config.training.checkpoint_every or max(1, self.steps // 10)
        if self.step % every == 0 or last:
            self._save()

    def _reflect(self, found: Mapping[str, Any]) -> None:
        """Tell the objective of a validation, and keep what it has learned about each token."""
        self.objective.on_validation({name.removeprefix("valid/"): number for name, number in found.items()})
        if self.world.first and (columns := self.objective.table()):
            token_weights.add(self.out, self.step, columns)

    def _write(self, log: Log | Silence) -> None:
        numbers = {"epoch": self.data.loader.epoch(self.step), "lr": self.state.optimizer.param_groups[0]["lr"]}
        numbers |= self.state.metrics.read() | scheduled(self.config.objective, (self.step - 1) / self.steps)
        log.write(self.step, numbers | self.objective.log())
        log.show(self.step, numbers)

    def validate(self, train: Split | None = None, stride: int = 1) -> dict[str, float]:
        """Metrics of the present weights, or of their average, over every `stride`-th row; with `train` also floors."""
        with self.state.averaged(), self._interruptible():
            how = self.data.shards.domains, self.config.evaluation.batch_tokens, train, stride
            found = validate(self.model, self.data.valid, self.objective, *how)
        return {f"valid/{name}": number for name, number in found.items()}

    def _save(self) -> None:
        self.folder.save(self.step, self._state)

    def _state(self) -> tuple[Tensors, dict[str, Any]]:
        tensors, facts = self.state.saved()
        return tensors, facts | self._origin(self.step)

    def _origin(self, step: int) -> dict[str, Any]:
        """What a checkpoint of `step` comes from: the config, the text, versions and machine."""
        facts = {"config": self.config.tree(), "data": self.data.shards.fingerprint}
        return facts | {"blocks": self.data.loader.blocks_read(step)} | self.environment

    def _resume(self, tensors: Tensors, facts: dict[str, Any]) -> None:
        now = self._origin(facts["step"])
        resume.check_text(facts, now, self.out)
        whole = not now["blocks"]  # of a text in blocks, what is still to come may be other text
        resume.check(facts["config"], now["config"], self.out, whole, self.objective.follows_validation)
        self.folder.warn(resume.bits_may_differ(facts, now, self.out))
        self.state.restore(tensors, facts)

    def _finish(self, log: Log | Silence) -> dict[str, float]:
        """Validate and save the final weights (or their average). Raises ValueError when nothing was ever asked."""
        if not self.state.metrics.targets:
            raise ValueError(nothing_asked(self.objective, f"{self.step:,} steps"))
        shards, numbers = self.data.shards, {"step": self.step} | self.state.metrics.state()
        with log.during("final validation"):
            if self.config.training.best_weights:
                numbers |= self.state.keep_best(self.validate, log.say)
            numbers |= self.validate(shards.train)
        self._reflect(numbers)
        log.write(self.step, {name: number for name, number in numbers.items() if name.startswith("valid/")})
        with self.state.averaged():
            self.folder.save_model(self.out, self.state.weights(), shards)
            if self.world.first:
                start.adapters(self.config, self.model, self.out / "adapter")
                atomic_write(self.out / "final.json", json.dumps(numbers, indent=1))
        self.world.wait()
        return numbers
