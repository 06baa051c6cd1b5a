"""The one way to open a trained model: a run, a checkpoint, a kept model, or any folder of `transformers`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..files.json_files import read_object
from ..models.transformers import Transformers, TransformersModel, in_folder, pretrained
from ..objectives.base.objective import Objective
from ..settings import registry
from ..settings.outside import trusting
from ..storage.sealed import file_hash
from ..text.tokenizers.tokenizer import Tokenizer
from . import build, checkpoint, saved
from .config import Config
from .metrics_log import Columns, columns, read_lines
from .starting import start
from .starting.lora import merged


@dataclass(eq=False)
class LoadedRun:
    """A trained model and everything in its folder. What is large is loaded on first use."""

    path: Path
    """The folder that was opened."""
    config: Config | None
    """Of the run; none where only its folder `final` is left."""
    model_settings: Any
    """The settings that built the model."""
    tokenizer: Tokenizer
    open_model: Callable[[], nn.Module] = field(repr=False)
    metrics: dict[str, Any] = field(default_factory=dict)
    """The final metrics; of a checkpoint, what it had seen; empty where the folder has none."""
    text_fingerprint: str = ""
    """Of the tokenized text that the model was trained on; empty where it is not known."""
    opened_data: build.Data | None = field(default=None, repr=False)
    weights: str = ""
    """SHA-256 of the file of weights, by which results are known to be of this model; empty where there is none."""
    class_objective: Objective | None = field(default=None, repr=False)
    """Of a model of `transformers` from elsewhere: what its class is made to predict."""

    @cached_property
    def model(self) -> nn.Module:
        """The model in evaluation mode."""
        return self.open_model().eval()

    @property
    def objective(self) -> Objective | None:
        """The objective of the training, or that of the class; None where neither is known."""
        return self.config.objective if self.config else self.class_objective

    @cached_property
    def data(self) -> build.Data:
        """The text of the run, tokenized and packed. Raises ValueError when it is not the text of the training."""
        if self.opened_data is None:
            self.opened_data = build.data(self.known_config, show=False)
            self.check_text(self.opened_data.shards.fingerprint)
        return self.opened_data

    @property
    def known_config(self) -> Config:
        """The config. Raises ValueError when the folder has none."""
        if self.config is None:
            raise ValueError(f"{self.path} does not say how it was trained: name the folder of a run")
        return self.config

    @property
    def known_objective(self) -> Objective:
        """The objective. Raises ValueError when the folder does not say how the model was trained."""
        return self.objective or self.known_config.objective

    @cached_property
    def live_objective(self) -> Objective:
        """The objective as training began with it, built on the text of the run."""
        return build.objective(self.known_config, self.data.shards)

    @cached_property
    def history(self) -> Columns:
        """What the run logged up to this model, a column of numbers for each name; NaN where a step has none."""
        places = (self.path, *self.path.resolve().parents[:2])
        log = next((path for place in places if (path := place / "metrics.jsonl").is_file()), Path())
        last = self.metrics.get("step", float("inf"))
        return columns(line for line in read_lines(log) if line["step"] <= last)

    def check_text(self, fingerprint: str) -> None:
        """Raises ValueError when the model was trained on other text than that of `fingerprint`."""
        if self.text_fingerprint != fingerprint:
            raise ValueError(f"{self.path} was trained on other text or another tokenizer than its config gives now")


def load(path: str | Path, device: str = "auto", trust_code: bool = False) -> LoadedRun:
    """Open a trained model, whatever folder it lies in; see `maskwright.load`, which gives the same with its methods.

    Raises ValueError, in one sentence, when there is no model or it is damaged.
    """
    found = described(path, device, trust_code)
    found.model  # noqa: B018  opened now, so that damage is found here
    return found


def described(path: str | Path, device: str = "auto", trust_code: bool = False) -> LoadedRun:
    """As `load`, without loading the model yet."""
    foreign = _pretrained if pretrained.is_pretrained(Path(path)) else _finished
    read = _checkpoint if (Path(path) / "state.json").is_file() else foreign
    with trusting(everything=trust_code):
        return read(Path(path), build.device(device))


def just_trained(
    out: Path, config: Config, data: build.Data, metrics: dict[str, Any], device: torch.device
) -> LoadedRun:
    """The run that training has written to `out`; its model is read from there when it is first used."""
    final, shards = out / "final", data.shards
    weights = saved.weights(saved.read(final))
    return LoadedRun(
        out, config, config.model, shards.tokenizer, lambda: saved.model(final, saved.read(final), device),
        metrics, shards.fingerprint, data, weights,
    )  # fmt: skip


def untrained(config: Config) -> LoadedRun:
    """The untrained model of a run of `config`, on the CPU."""
    data = build.data(config, show=False)
    built = partial(build.model, config, data.shards, torch.device("cpu"))
    return LoadedRun(Path(), config, config.model, data.shards.tokenizer, built, opened_data=data)


def _finished(path: Path, device: torch.device) -> LoadedRun:
    final = saved.final(path)
    facts, known = saved.read(final), saved.run_of(path)
    numbers = (known or path) / "final.json"
    return LoadedRun(
        path,
        Config.load(known) if known else None,
        saved.settings_of(facts),
        saved.tokenizer(final, facts),
        partial(saved.model, final, facts, device),
        read_object(numbers) if numbers.is_file() else {},
        facts.get("data", ""),
        weights=saved.weights(facts),
        class_objective=_of_class(saved.settings_of(facts)),
    )


def _pretrained(path: Path, device: torch.device) -> LoadedRun:
    """Of a folder of `transformers`, by the classes of that library."""
    settings, tokenizer = in_folder(path), saved.tokenizer_of(path)

    def opened() -> nn.Module:
        model = settings.build(tokenizer.vocabulary.size, torch.Generator().manual_seed(0))
        assert isinstance(model, TransformersModel)
        if lost := pretrained.load(model, path):
            raise ValueError(f"{path} has no head that predicts tokens: {len(lost)} weights are missing, as {lost[0]}")
        return model.to(device)

    hashes = [file_hash(file) for file in pretrained.files(path)]
    weights = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    return LoadedRun(path, None, settings, tokenizer, opened, weights=weights, class_objective=_of_class(settings))


def _of_class(settings: Any) -> Objective | None:
    """What the class of a model of `transformers` is made to predict; None for a model of ours."""
    if not isinstance(settings, Transformers):
        return None
    kind, _ = registry.load("objectives", "causal" if settings.head == "causal" else "mlm")
    made: Objective = kind()
    return made


def _checkpoint(path: Path, device: torch.device) -> LoadedRun:
    """Of a checkpoint, whose tokenizer and n-hot parts are those of its text, so that this is opened too."""
    tensors, state = checkpoint.load(path)
    config = Config.of(state["config"])
    data = build.data(config, show=False)
    kept = "average" if "average" in tensors else "model"
    found = LoadedRun(
        path,
        config,
        config.model,
        data.shards.tokenizer,
        partial(_with_weights, config, data, device, tensors[kept]),
        {"step": state["step"]} | state["metrics"],
        state["data"],
        data,
        state["files"][f"{kept}{checkpoint.TENSORS}"]["sha256"],
    )
    found.check_text(data.shards.fingerprint)
    return found


@torch.no_grad()
def _with_weights(config: Config, data: build.Data, device: torch.device, weights: dict[str, Tensor]) -> nn.Module:
    model = start.model(config, data.shards, device, fresh=False)
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])
    if config.training.lora is None:
        return model
    plain = build.model(config, data.shards, device)
    plain.load_state_dict(merged(model))
    return plain
