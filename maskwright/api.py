"""What a Python user holds: a run that can be asked, opened by `load` or just trained by `Trainer`."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from .evaluate.scoring.load import scorer
from .evaluate.scoring.text_files import likelihoods, surprisals
from .evaluate.suites._evaluate import evaluate_run
from .hub.export.run import export
from .objectives.base.capabilities import mask_shift
from .run.config import Config
from .run.load import LoadedRun, described
from .run.load import load as load_run
from .sampling.fill import Blank, fill
from .sampling.request import SampleRequest, models_of, texts
from .settings import field_names, from_mapping
from .settings.outside import trusting
from .settings.registry import name_of
from .training import trainer
from .training.fit import fit


class Run(LoadedRun):
    """A trained model with its tokenizer, config, metrics and history, and what it can be asked."""

    def fill(self, text: str, top: int = 5) -> list[Blank]:
        """The `top` best tokens, with their probabilities, for each [MASK] in `text`.

        Raises ValueError when there is none, or the model was never trained to fill masks.
        """
        if (shift := mask_shift(self.known_objective)) is None:
            raise ValueError(f"{self.path} was trained with {name_of(self.known_objective)}, which never fills a mask")
        return fill(self.model, self.tokenizer, text, top, shift)

    def score(
        self, texts: str | Sequence[str], per_token: bool = False, backend: str | None = None
    ) -> list[dict[str, Any]]:
        """How likely each text is: `log_likelihood`, `per_token` and `per_byte` in nats, beside `tokens` and `bytes`;
        None where no token of a text is known.

        per_token: whether each also has `surprisals`, its tokens as text with −ln p of each in nats.
        backend: how texts are scored, such as mlm, mlm_word or causal; by default as the model was trained.
        Raises ValueError for a text that is empty or longer than the model takes.
        """
        each = [texts] if isinstance(texts, str) else list(texts)
        if empty := [number for number, text in enumerate(each) if not text.strip()]:
            raise ValueError(f"text {empty[0]} is empty: there is nothing to score")
        _, ready = scorer(self, backend)
        found = likelihoods(ready, [(text,) for text in each])
        return [line | {"surprisals": surprisals(ready, line["text"])} for line in found] if per_token else found

    def sample(
        self, prompt: str = "", count: int = 1, remasker: str | Path | LoadedRun | None = None, **options: Any
    ) -> list[str]:
        """`count` texts that the model writes.

        prompt: what they begin with; [MASK] in it is a gap to fill.
        remasker: a run that finds wrong tokens, for the samplers that need one.
        options: `sampler`, `steps`, `length`, `temperature`, `seed` … as of `maskwright sample`; any other belongs to
            the sampler, such as eta=0.1 of remdm.
        Raises ValueError when something does not fit.
        """
        loaded = load_run(remasker) if isinstance(remasker, str | Path) else remasker
        known = set(field_names(SampleRequest))
        plain = {name: value for name, value in options.items() if name in known}
        sampler_options = _assignments({name: value for name, value in options.items() if name not in known})
        request = {
            "run": self.path,
            "remasker": loaded and loaded.path,
            "prompt": prompt,
            "count": count,
            "sampler_options": sampler_options,
        }
        with trusting(plain):
            return texts(from_mapping(SampleRequest, request | plain, "sample"), models_of(self, loaded))

    def evaluate(self, suite: str = "validation", data: str | Path | None = None, **options: Any) -> dict[str, float]:
        """The numbers of a suite, such as validation, blimp or perplexity; the run's folder keeps them too.

        data: the folder with the suite's files.  options: those of the suite, such as limit=100.
        Raises ValueError when there is no such suite or option, or its data are not found.
        """
        with trusting(suite, options):
            return evaluate_run(suite, self, None if data is None else Path(data), _assignments(options))

    def export(self, folder: str | Path, causal: bool | None = None, own_code: bool = False) -> str:
        """Write the model as a folder that `transformers` and `load` open, and say under which class and why.

        causal: as a causal or a masked model; by default as it was trained.
        own_code: with our modelling file even where `transformers` has a class, which older versions of it may lack.
        Raises ValueError when the folder holds something already, or the model was not trained so.
        """
        return export(self, Path(folder), causal, own_code=own_code)

    def __repr__(self) -> str:
        objective = f" trained by {name_of(self.objective)}" if self.objective else ""
        step = f", step {self.metrics['step']:,}" if "step" in self.metrics else ""
        return f"<Run {self.path}: {name_of(self.model_settings)}{objective}{step}>"

    def _repr_html_(self) -> str:
        cells = ((name, number) for name, number in self.metrics.items() if isinstance(number, int | float))
        body = "".join(f"<tr><td>{escape(name)}<td>{number:,.6g}" for name, number in cells)
        return f"<p><b>{escape(repr(self)[1:-1])}</b></p><table>{body}</table>"


class Trainer(trainer.Trainer):
    """Trains a config and writes the run to the folder `out`; with `resume`, from its newest whole checkpoint on.

    Raises ValueError, in one sentence, when the config cannot be carried out.
    """

    def __init__(self, config: Config, out: str | Path = "run", resume: bool = False, show: bool = True):
        super().__init__(fit(config, Path(out), resume, show), out, resume, show)

    def train(self) -> Run:
        """Train to the end, evaluate, and write everything. Returns the run, as `load(out)` does.

        Raises Stopped when the process was asked to stop, and ValueError when the loss is not finite.
        """
        return Run(**vars(super().train()))


def load(path: str | Path, device: str = "auto", trust_code: bool = False) -> Run:
    """Open a run (its folder), a checkpoint (`RUN/checkpoints/step-30`), a kept model (`RUN/words/chck_1M`), a folder
    `final`, or a folder exported for `transformers`.

    device: cpu, cuda, cuda:1 …; auto takes a GPU where there is one.
    trust_code: whether code from outside the package that the config names may be imported.
    Raises ValueError, in one sentence, when there is no model or it is damaged.
    """
    run = Run(**vars(described(path, device, trust_code)))
    run.model  # noqa: B018  opened now, so that damage is found here
    return run


def _assignments(options: dict[str, Any]) -> tuple[str, ...]:
    """Options as the command line writes them, `name=value`, those left out that are None."""
    return tuple(f"{name}={json.dumps(value, default=str)}" for name, value in options.items() if value is not None)
