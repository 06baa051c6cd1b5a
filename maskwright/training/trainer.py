"""The loop: rows, problem, loss, update; at intervals a line in the log, a validation, a checkpoint.

Everything random has an address, so the state of a run is its weights, its optimizer, what its objective learned and
the step: a run that was killed and resumed is bit for bit the run that was not.
"""

import json
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data.rows import Rows
from ..evaluate.unigram import unigram
from ..evaluate.validation import validate
from ..noise import address
from ..objective import Problem
from ..schedule import learning_rate
from . import build, checkpoint, final, resume
from .average import Average
from .config import Config
from .interrupt import interrupts
from .log import Log, console
from .meter import Meter
from .step import Questions, backward, compiled, dropout_generator, evened, precision, questions


class Stopped(Exception):
    """The run was asked to stop; it is saved and can be resumed."""


class Trainer:
    """A run of `config` that is written to the folder `out`; `resume` goes on from the newest whole checkpoint there.

    Raises ValueError, in one sentence, when the config cannot be carried out.
    """

    def __init__(self, config: Config, out: str | Path = "run", resume: bool = False, show: bool = True):
        self.config, self.out, self.show = config, Path(out), show
        self.checkpoints = self.out / "checkpoints"
        if checkpoint.steps(self.checkpoints) and not resume:
            raise ValueError(f"{out} holds a run already: resume it (--resume) or choose another folder (--out)")
        self.device = build.device(config.training.device)
        self.data = build.data(config, show)
        self.steps = self.data.steps
        self.model = build.model(config, self.data.shards.vocabulary.size, self.device)
        self.optimizer = config.optimizer.build(self.model)
        self.average = Average(self.model, config.training.ema) if config.training.ema else None
        self.ask = compiled(config.training.compile, self.steps * config.training.batch_tokens, self.device)
        self.step, self.meter = 0, Meter(self.device)
        for group in self.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        if resume:
            self._resume()
        if config.training.start and not self.step:
            self._start(config.training.start)

    def train(self) -> dict[str, float]:
        """Train to the end, evaluate, and write `final/` and `final.json`. Returns every final metric.

        Raises Stopped when the process was asked to stop, and ValueError when the loss is not finite.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        self.config.write(self.out / "config.yaml")
        training = self.config.training
        with self._log() as log, interrupts() as asked:
            log.say(self.describe())
            for rows in self.data.loader.batches(self.step, self.steps):
                self.meter.start()
                self._update(rows)
                self.meter.stop()
                late = training.minutes is not None and self.meter.seconds > 60 * training.minutes
                self._at_intervals(log, last=late or self.step == self.steps)
                if asked.is_set():
                    self._save()
                    raise Stopped(f"stopped at step {self.step}; resume with --resume")
                if late:
                    break
            return self._finish(log)

    def describe(self) -> str:
        """The run in a few lines: what is derived is said."""
        objective, stage = self.config.objective, self.data.loader.stages[-1]
        masks = {None: "dynamic", 1: "static"}.get(objective.patterns, f"{objective.patterns} patterns")
        train, parameters = self.data.shards.train, sum(p.numel() for p in self.model.parameters())
        words, tokens, documents = int(train.words.sum()), len(train.tokens), len(train.bytes)
        return (
            f"model      {type(self.config.model).__name__} with {parameters:,} parameters on {self.device}\n"
            f"text       {words:,} words, {tokens:,} tokens in {documents:,} documents\n"
            f"rows       {len(stage.pack):,} of {stage.pack.length}: {stage.pack.padding:.1%} padding, "
            f"{stage.pack.cut:.1%} of documents cut\n"
            f"objective  {type(objective).__name__}, {masks} corruption\n"
            f"training   {self.steps:,} steps of {self.config.training.batch_tokens:,} positions "
            f"= {self.data.loader.epoch(self.steps):.1f} epochs"
        )

    def _log(self) -> Log:
        return Log(self.out, self.config.tree(), self.config.training.trackers, self.step, self.steps, self.show)

    def _update(self, rows: Rows) -> None:
        """One update on the rows of a step."""
        whole = evened(self.config.objective(rows, self.config.seed), rows)
        problems = [whole[part] for part in self._parts(whole)]
        asked = [questions(rows, problem, self.device) for problem in problems]
        total = sum(micro.weight for micro in asked)
        self.model.train()
        self.meter.see(rows)
        for index, (problem, micro) in enumerate(zip(problems, asked, strict=True)):
            seed = address(self.config.seed, "dropout", self.step, index) % 2**63
            dropout_generator(self.device).manual_seed(seed)
            cast = precision(self.config.training.precision, self.device)
            loss, correct = backward(self.ask, self.model, micro, total, self.config.training.z_loss, cast)
            self._feedback(problem, micro, loss, correct)
            self.meter.count(micro, loss, correct)
        if self.config.training.clip:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.training.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * self._rate()
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average:
            self.average.update()
        self.config.objective.stepped()
        self.step += 1

    def _parts(self, problem: Problem) -> list[slice]:
        """Which rows of a step the device takes at once."""
        size = max(1, (self.config.training.micro_batch_tokens or problem.inputs.numel()) // problem.inputs.shape[1])
        return [slice(begin, begin + size) for begin in range(0, len(problem), size)]

    def _rate(self) -> float:
        t = self.config.training
        return learning_rate(self.step, self.steps, t.warmup, t.decay, t.stable, t.floor)

    def _feedback(self, problem: Problem, micro: Questions, loss: Tensor, correct: Tensor) -> None:
        """Tell an objective that learns how each position fared."""
        if not self.config.objective.learns:
            return
        places, shape = micro.asked[: micro.count].cpu(), problem.targets.shape
        losses, rights = torch.zeros(shape.numel()), torch.zeros(shape.numel(), dtype=torch.bool)
        losses[places], rights[places] = loss[: micro.count].cpu(), correct[: micro.count].cpu()
        self.config.objective.feedback(problem, losses.view(shape), rights.view(shape))

    def _at_intervals(self, log: Log, last: bool) -> None:
        training, tenth = self.config.training, max(1, self.steps // 10)
        if self.step % training.log_every == 0 or last:
            self._write(log)
        if self.step % (self.config.evaluation.every or tenth) == 0 and self.step < self.steps:
            found = self._validate()
            log.write(self.step, found)
            self.config.objective.told({name.removeprefix("valid/"): number for name, number in found.items()})
        if self.step % (training.checkpoint_every or tenth) == 0 or last:
            self._save()

    def _write(self, log: Log) -> None:
        numbers = {"epoch": self.data.loader.epoch(self.step), "lr": self.optimizer.param_groups[0]["lr"]}
        numbers |= self.meter.read()
        log.write(self.step, numbers | self.config.objective.describe())
        log.show(self.step, numbers["loss"], numbers["tokens_per_second"])

    def _validate(self) -> dict[str, float]:
        with self.average.applied() if self.average else nullcontext():
            domains, batch = self.data.shards.domains, self.config.evaluation.batch_tokens
            found = validate(self.model, self.data.valid, self.config.objective, domains, batch)
        return {f"valid/{name}": number for name, number in found.items()}

    def _save(self) -> None:
        self.meter.check()
        optimizer, rest = checkpoint.flatten(self.optimizer.state_dict())
        weights: dict[str, Tensor] = dict(self.model.named_parameters())
        tensors = {"model": weights, "optimizer": optimizer, "meter": {"sums": self.meter.sums}}
        tensors |= {"average": self.average.weights} if self.average else {}
        tensors |= {"objective": learned} if (learned := self.config.objective.state()) else {}
        state = {
            "step": self.step, "meter": self.meter.state(), "optimizer": rest, "config": self.config.tree(),
            "data": self.data.shards.fingerprint, "versions": checkpoint.versions(),
        }  # fmt: skip
        checkpoint.save(self.checkpoints / f"step-{self.step}", tensors, state)
        checkpoint.prune(self.checkpoints, self.config.training.keep, self.step)

    @torch.no_grad()
    def _start(self, source: str) -> None:
        """Begin with the weights of another run."""
        final.begin(self.model, self.config.model, self.data.shards.tokenizer, source)
        if self.average:
            self.average.restore(dict(self.model.named_parameters()))

    @torch.no_grad()
    def _resume(self) -> None:
        found, complaints = resume.latest(self.checkpoints)
        for complaint in complaints:
            console.print(f"[yellow]passed over:[/] {complaint}", highlight=False)
        if found is None:
            return
        tensors, state = found
        resume.check(state, self.config.tree(), self.out)
        if state["data"] != self.data.shards.fingerprint:
            raise ValueError(f"{self.out} was trained on other text or another tokenizer than the corpus gives now")
        for name, parameter in self.model.named_parameters():
            parameter.copy_(tensors["model"][name])
        self.optimizer.load_state_dict(checkpoint.unflatten(tensors["optimizer"], state["optimizer"]))
        self.config.objective.restore(tensors.get("objective", {}))
        if self.average:
            self.average.restore(tensors["average"])
        self.meter.restore(state["meter"], tensors["meter"]["sums"])
        self.step = state["step"]

    def _finish(self, log: Log) -> dict[str, float]:
        """Evaluate the last weights (or their average), and write them."""
        shards = self.data.shards
        base = unigram(shards.train, shards.valid, shards.vocabulary)
        numbers: dict[str, Any] = {"step": self.step} | self.meter.state()
        numbers |= self._validate() | {f"valid/unigram/{name}": number for name, number in base.items()}
        log.write(self.step, {name: number for name, number in numbers.items() if name.startswith("valid/")})
        with self.average.applied() if self.average else nullcontext():
            final.save(self.out / "final", self.model, self.config.model, shards.tokenizer, shards.fingerprint)
        aside = self.out / ".final.json.tmp"
        aside.write_text(json.dumps(numbers, indent=1))
        shutil.move(aside, self.out / "final.json")
        return numbers
