"""The training loop: rows, problem, loss, update; at intervals a logged line, a validation, a checkpoint.

All randomness is addressed, so the state of a run is its weights, its optimizer, what its objective has learned, and
the step: a run that was killed and resumed is bit-identical to one that was not.
"""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from rich.markup import escape
from torch import Tensor

from ..data.batch_size_schedule import batch_size_schedule
from ..data.rows import Rows
from ..distributed import ranks
from ..evaluate.validation.validate import validate
from ..noise import address, dropout_generator
from ..objectives.base.problem import Problem
from ..progress import console
from ..run import build, checkpoint, milestones, resume, saved
from ..run.config import Config
from ..run.description import describe
from ..run.load import LoadedRun, just_trained
from ..settings.schedule import learning_rate
from ..storage.atomic import atomic_write
from ..text.shards.shards import Split
from . import fp8, token_weights
from .activation_checkpointing import checkpoint_activations
from .ema import EMA
from .feedback import Feedback
from .flops import Flops
from .freeze import Freeze
from .interrupt import interrupts
from .log import Log, Silence
from .metrics import RunningMetrics
from .peak_flops import peak_flops
from .state import State
from .step import (
    backward,
    compile_loss,
    micro_batch,
    precision,
    resolve_matmul_dtype,
    scaler,
    split,
    use_block_mask,
)


class Stopped(Exception):
    """The run was asked to stop; it is saved and can be resumed."""


class Trainer:
    """Trains `config` into the folder `out`; `resume` continues from the newest intact checkpoint there.

    Raises ValueError, in one sentence, when the config cannot be run.
    """

    def __init__(self, config: Config, out: str | Path = "run", resume: bool = False, show: bool = True):
        self.config, self.out, self.show = config, Path(out), show
        self.checkpoints = self.out / "checkpoints"
        config.tree()  # refuses, before any work, a class whose source cannot be kept with the run
        if checkpoint.steps(self.checkpoints) and not (resume or ranks.restarted()):
            raise ValueError(f"{out} already holds a run: resume it (--resume) or choose another folder (--out)")
        self.device = build.device(config.training.device)
        if config.training.precision == "fp8":
            fp8.check(self.device)
        self.world = ranks.join(self.device)
        self.data = build.data(config, show and self.world.first)
        self.steps = self.data.steps
        self.milestones = milestones.milestone_steps(config.training.keep_at, self.data.loader, self.steps)
        build.check_ranks(self.data.loader, self.world.size)
        self.model = build.model(config, self.data.shards, self.device)
        found = self._latest() if resume or ranks.restarted() else None
        if config.training.init_from and found is None:
            saved.init_from(self.model, config.model, self.data.shards.tokenizer, config.training.init_from)
        flops, rounded = Flops(self.model), resolve_matmul_dtype(config.training.precision, self.device)
        self.peak_flops = peak_flops(self.device, rounded)
        self.freeze = Freeze(self.model, config.training.freeze, self.steps, self.world.size)
        if config.training.precision == "fp8":
            fp8.convert(self.model)
        if config.training.activation_checkpointing:
            checkpoint_activations(self.model)
        tokens = self.steps * batch_size_schedule(config.training.batch_tokens)[-1][1]
        loss_fn = compile_loss(config.training.compile, tokens, self.device)
        self.use_block_mask = use_block_mask(self.model, loss_fn, self.device)
        scale = scaler(rounded, self.device, config.training.parallel)
        self.parallel = ranks.parallelize(config.training.parallel, self.world, self.model, loss_fn)
        optimizer = config.optimizer.build(self.model)
        ema = EMA(self.model, config.training.ema) if config.training.ema else None
        self.objective = build.objective(config, self.data.shards)
        self.feedback = Feedback(self.objective, self.world)
        metrics = RunningMetrics(self.device, self.world, flops, self.peak_flops)
        self.state = State(self.model, optimizer, ema, self.objective, metrics, scale)
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        if found is not None:
            self._resume(*found)

    def train(self) -> LoadedRun:
        """Train to the end, evaluate, and write `final/` and `final.json`. Returns the run, with every final metric.

        Raises Stopped when the process was asked to stop, and ValueError when the loss is not finite.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        self.config.write(self.out / "config.yaml")
        minutes, metrics = self.config.training.minutes, self.state.metrics
        with self._log() as log, interrupts() as asked:
            log.say(self.describe())
            for rows in self.data.loader.batches(self.step, self.steps, self.world.rank, self.world.size):
                metrics.start()
                self.update(rows)
                metrics.stop()
                late = self._agreed(minutes is not None and metrics.seconds > 60 * minutes)
                self._at_intervals(log, last=late or self.step == self.steps)
                if self._agreed(asked.is_set()):
                    self._save()
                    raise Stopped(f"stopped at step {self.step}; resume with --resume")
                if late:
                    break
            numbers = self._finish(log)
        return just_trained(self.out, self.config, self.data, numbers, self.device)

    @property
    def step(self) -> int:
        """Number of updates done."""
        return self.state.step

    def _agreed(self, flag: bool) -> bool:
        """Whether the flag is set on any rank. Ranks communicate only at logged steps, which keeps them in step
        cheaply."""
        if self.world.size > 1 and self.step % self.config.training.log_every:
            return False
        return self.world.total(float(flag)) > 0

    def describe(self) -> str:
        """The run in a few lines: sizes that follow from the config and the text, for a reader to check."""
        kept = [mark for some in self.milestones.values() for mark in some]
        return (
            describe(self.config, self.data, self.model, self.device)
            + f"\npeak       {self.peak_flops / 1e9:,.0f} GFLOP/s matmul throughput per device (MFU = 100%)"
            + f"\nranks      {self.world.size}, {self.config.training.parallel}" * (self.world.size > 1)
            + f"\nfrozen     all but the head until step {self.freeze.until:,}" * (self.freeze.until > 0)
            + f"\nkept       {len(kept)} checkpoints for good, the last at {max(kept, default=0):,} words" * bool(kept)
        )

    def _log(self) -> Log | Silence:
        if not self.world.first:
            return Silence()
        return Log(self.out, self.config.tree(), self.config.training.trackers, self.step, self.steps, self.show)

    def update(self, rows: Rows) -> None:
        """One update on the rows of a step."""
        problems = self._problems(rows)
        asked = [micro_batch(rows, problem, self.device, self.use_block_mask) for problem in problems]
        total = self.world.total(sum(micro.weight for micro in asked))
        mean, z_loss = total / self.world.size, self.config.training.z_loss  # gradients are averaged over ranks
        self.model.train()
        self.freeze.at(self.step)
        self.state.metrics.see(rows)
        for index, (problem, micro) in enumerate(zip(problems, asked, strict=True)):
            seed = address(self.config.seed, "dropout", self.step, index, self.world.rank) % 2**63
            dropout_generator(self.device).manual_seed(seed)
            cast = precision(self.config.training.precision, self.device)
            with self.parallel.synchronised(index == len(problems) - 1):
                loss, correct = backward(
                    self.parallel.loss_fn, self.model, micro, mean, z_loss, cast, self.state.scaler
                )
            self.feedback.add(problem, micro, loss, correct)
            self.state.metrics.count(micro, loss, correct)
        self._apply_gradients()

    def _apply_gradients(self) -> None:
        """Apply the accumulated gradients."""
        if self.config.training.clip:
            self.state.scaler.unscale_(self.state.optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.training.clip)
        for group in self.state.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * self._rate()
        self.state.scaler.step(self.state.optimizer)
        self.state.scaler.update()
        self.state.optimizer.zero_grad()
        if self.state.ema:
            self.state.ema.update()
        self.feedback.deliver()
        self.objective.end_step()
        self.state.step += 1

    def _problems(self, rows: Rows) -> list[Problem]:
        return split(self.objective(rows, self.config.seed), rows, self.config.training.micro_batch_tokens, self.world)

    def _rate(self) -> float:
        t = self.config.training
        return learning_rate(self.step, self.steps, t.warmup, t.decay, t.stable, t.floor)

    def _at_intervals(self, log: Log | Silence, last: bool) -> None:
        training, tenth = self.config.training, max(1, self.steps // 10)
        if self.step % training.log_every == 0 or last:
            self._write(log)
        if self.step % (self.config.evaluation.every or tenth) == 0 and self.step < self.steps:
            found = self.validate()
            log.write(self.step, found)
            self._reflect(found)
        for words in self.milestones.get(self.step, ()):
            self._keep(words)
        if self.step % (training.checkpoint_every or tenth) == 0 or last:
            self._save()

    def _reflect(self, found: Mapping[str, Any]) -> None:
        """Tell the objective of a validation, and keep what it has learned about each token."""
        self.objective.on_validation({name.removeprefix("valid/"): number for name, number in found.items()})
        if self.world.first and (columns := self.objective.table()):
            token_weights.add(self.out, self.step, columns)

    def _write(self, log: Log | Silence) -> None:
        numbers = {"epoch": self.data.loader.epoch(self.step), "lr": self.state.optimizer.param_groups[0]["lr"]}
        numbers |= self.state.metrics.read()
        log.write(self.step, numbers | self.objective.log())
        log.show(self.step, numbers["loss"], numbers["tokens_per_second"], numbers["mfu"])

    def validate(self, train: Split | None = None) -> dict[str, float]:
        """The validation metrics of the present weights, or their average; with `train` the unigram floors too."""
        with self.state.ema.applied() if self.state.ema else nullcontext():
            domains, batch = self.data.shards.domains, self.config.evaluation.batch_tokens
            found = validate(self.model, self.data.valid, self.objective, domains, batch, train)
        return {f"valid/{name}": number for name, number in found.items()}

    def _save(self) -> None:
        tensors, facts = self.state.saved()
        if self.world.first:
            checkpoint.save(self.checkpoints / f"step-{self.step}", tensors, facts | self._origin(self.step))
            checkpoint.prune(self.checkpoints, self.config.training.keep, self.step)
        self.world.wait()

    def _keep(self, words: int) -> None:
        """Save the model permanently, in a folder that opens like a run."""
        place = self.out / "words" / milestones.name(words)
        if self.world.first:
            place.mkdir(parents=True, exist_ok=True)
            self.config.write(place / "config.yaml")
            atomic_write(place / "final.json", json.dumps({"step": self.step, "words": words}))
        self._save_model(place / "final")

    def _save_model(self, place: Path) -> None:
        """Write the weights, or their average, as a model in the folder `place`."""
        shards = self.data.shards
        with self.state.ema.applied() if self.state.ema else nullcontext():
            weights = self.state.weights()
            if self.world.first:
                saved.save(place, weights, self.config.model, shards.tokenizer, shards.fingerprint)
        self.world.wait()

    def _origin(self, step: int) -> dict[str, Any]:
        """What a checkpoint of `step` comes from: the config, the text, versions and machine."""
        facts = {"config": self.config.tree(), "data": self.data.shards.fingerprint}
        facts |= {"blocks": self.data.loader.blocks_read(step)}
        return facts | checkpoint.environment(self.device, self.world.size)

    def _latest(self) -> checkpoint.Loaded | None:
        """The newest intact checkpoint; damaged ones are reported and skipped."""
        found, complaints = resume.latest(self.checkpoints)
        for complaint in complaints:
            self._warn(f"skipped: {complaint}")
        return found

    def _resume(self, tensors: dict[str, dict[str, Tensor]], facts: dict[str, Any]) -> None:
        now = self._origin(facts["step"])
        resume.check_text(facts, now, self.out)
        whole = not now["blocks"]  # of a text in blocks, what is still to come may be other text
        resume.check(facts["config"], now["config"], self.out, whole, self.objective.follows_validation)
        if told := resume.bits_may_differ(facts, now, self.out):
            self._warn(told)
        self.state.restore(tensors, facts)

    def _warn(self, sentence: str) -> None:
        if self.world.first:
            console.print(f"[yellow]warning:[/] {escape(sentence)}", highlight=False, soft_wrap=True)

    def _finish(self, log: Log | Silence) -> dict[str, float]:
        """Validate and save the final weights (or their average)."""
        shards = self.data.shards
        numbers: dict[str, Any] = {"step": self.step} | self.state.metrics.state() | self.validate(shards.train)
        self._reflect(numbers)
        log.write(self.step, {name: number for name, number in numbers.items() if name.startswith("valid/")})
        self._save_model(self.out / "final")
        if self.world.first:
            atomic_write(self.out / "final.json", json.dumps(numbers, indent=1))
        self.world.wait()
        return numbers
