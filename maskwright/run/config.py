"""A run, complete: one frozen tree of settings, read from a recipe or a YAML file and written back whole.

Sections that are named (`objective: {name: span, ratio: 0.3}`) take the class that the folder of that name offers, with
the options of its preset; every other key is an option. `a.b=c` overrides come last.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from ..data.batch_size_schedule import batch_size_schedule
from ..data.loader import length_schedule
from ..data.order import Order
from ..data.orders.shuffled import Shuffled
from ..files.yaml_files import read_yaml
from ..objectives.base.objective import Objective
from ..settings import did_you_mean, field_names, from_mapping, outside, override, registry, short_repr
from ..settings.outside import trusting
from ..storage.atomic import atomic_write
from ..text.shards.prepare import PreTokenized
from ..text.tokenizers.tokenizer import TokenizerSettings
from .sections import Evaluation, Rows, Top, Training
from .starting.begin import begins_with, filled_in

RECIPES = Path(__file__).parents[1] / "recipes"


@dataclasses.dataclass(frozen=True, init=False)
class Config:
    """Everything that a run depends on: a value that can be compared, hashed, changed by `replace` and written.

    `Config()` is the recipe quickstart; `Config(objective="span", training={"steps": 500})` is quickstart with that
    changed. A section may be given as a name, as a mapping of what changes in it, or as an object of settings, which
    takes its place; a corpus also as a list of texts. `overrides` are `section.key=value`, as on the command line.

    Raises ValueError with one sentence for whatever does not fit.
    """

    corpus: Any
    tokenizer: TokenizerSettings
    rows: Rows
    order: Order
    model: Any
    objective: Objective
    optimizer: Any
    training: Training
    evaluation: Evaluation
    seed: int
    errors: Literal["strict", "replace"]
    license: str | None
    language: tuple[str, ...]

    def __init__(self, overrides: str | Iterable[str] = (), /, *, trust_code: bool = False, **sections: Any):
        every = {field.name for field in dataclasses.fields(self)}
        tree = {} if every <= sections.keys() else read("quickstart")
        for name, part in _parts(tree, overrides, sections, trust_code).items():
            object.__setattr__(self, name, part)
        _check_lengths(self)
        _check_blocks(self)
        _check_start(self)

    @classmethod
    def of(
        cls, tree: Mapping[str, Any], overrides: str | Iterable[str] = (), trust_code: bool = False, **sections: Any
    ) -> "Config":
        """The run that a nested mapping describes, with changes as the class itself takes them.

        trust_code: whether code from outside the package that `tree` names may run; what the changes name may.
        """
        return cls(**_parts(tree, overrides, sections, trust_code))

    @classmethod
    def load(
        cls, source: str | Path, overrides: str | Iterable[str] = (), trust_code: bool = False, **sections: Any
    ) -> "Config":
        """The run of a recipe's name, a YAML file or a folder that a run was written to, changed as in `of`."""
        return cls.of(read(source), overrides, trust_code, **sections)

    def replace(self, overrides: str | Iterable[str] = (), /, **sections: Any) -> "Config":
        """The same with changes, as the class itself takes them."""
        return self.of(vars(self), overrides, **sections)

    def tree(self) -> dict[str, Any]:
        """The nested mapping that `of` takes back, complete."""
        plain = {name: _plain(getattr(self, name)) for name in PLAIN}
        named = {
            name: {"name": registry.name_of(part)} | _plain(part) for name in NAMED if (part := getattr(self, name))
        }
        told = {"license": self.license, "language": list(self.language)}
        return named | plain | {"seed": self.seed, "errors": self.errors} | {k: v for k, v in told.items() if v}

    def write(self, path: str | Path) -> None:
        """Write the run as YAML, and beside it the files of code from outside the package that it names.

        A file that says the same is left as it is, comments and all.
        """
        tree = self.tree()
        outside.keep(tree, Path(path).parent)
        if not (Path(path).is_file() and read_yaml(Path(path)) == tree):
            atomic_write(Path(path), yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


NAMED = {
    "corpus": "text.corpora",
    "order": "data.orders",
    "model": "models",
    "objective": "objectives",
    "optimizer": "optimizers",
}
"""Sections whose name is a file in a folder."""
PLAIN = {"tokenizer": TokenizerSettings, "rows": Rows, "training": Training, "evaluation": Evaluation}
DEFAULT = {
    "corpus": "embedded",
    "order": "shuffled",
    "model": "modern-tiny",
    "objective": "mlm",
    "optimizer": "muon",
}


IMPLIED = {"corpus.files": "files", "corpus.pairs": "pairs", "objective.stages": "staged"}
"""Options that only one class of their section has, so that its name need not be said."""


def changed(tree: Mapping[str, Any], overrides: list[str], sections: Mapping[str, Any]) -> dict[str, Any]:
    """A tree of sections with `sections` merged into it and then `section.key=value` overrides."""
    whole = {name: _named_corpus(name, given) for name, given in tree.items()}
    for name, given in sections.items():
        whole[name] = _merged(_mapping(whole.get(name)), _named_corpus(name, given))
    options = {assignment.partition("=")[0] for assignment in overrides}
    for path, name in IMPLIED.items():
        if path in options and (named := f"{path.partition('.')[0]}.name") not in options:
            overrides = [*overrides, f"{named}={name}"]
    if overrides:
        touched = {assignment.partition(".")[0] for assignment in overrides}
        whole |= {name: _mapping(whole[name]) for name in touched & whole.keys()}
    return override(whole, overrides)


def _named_corpus(section: str, given: Any) -> Any:
    """What a section is given as, with the names that need not be said."""
    if section == "corpus" and isinstance(given, list | tuple):
        return {"name": "memory", "texts": list(given)}
    if isinstance(given, Mapping) and not given.get("name"):
        implied = [name for path, name in IMPLIED.items() if path in {f"{section}.{option}" for option in given}]
        return {**given, "name": implied[0]} if implied else given  # so that they go when another is named
    return {"name": given} if section in NAMED and isinstance(given, str) else given


def _merged(old: Any, given: Any) -> Any:
    """`given` over `old`; another name drops the options of the old one, which belonged to it."""
    if not isinstance(given, Mapping) or not isinstance(old, Mapping):
        return given
    if given.get("name") not in (None, old.get("name")):
        return dict(given)
    return {**old, **{key: _merged(old.get(key), value) for key, value in given.items()}}


def _mapping(section: Any) -> Any:
    """A section that is an object of settings, as the mapping that gives it."""
    return _yaml(section, named=True) if dataclasses.is_dataclass(section) else section


def _parts(
    tree: Mapping[str, Any], overrides: str | Iterable[str], sections: Mapping[str, Any], trust_code: bool
) -> dict[str, Any]:
    """The objects of all sections, of `tree` with changes. Raises ValueError for whatever does not fit."""
    overrides = [overrides] if isinstance(overrides, str) else list(overrides)
    with trusting(override({}, overrides), sections, everything=trust_code):
        return _built(changed(tree, overrides, sections))


def _built(tree: Mapping[str, Any]) -> dict[str, Any]:
    for key in tree:
        if key not in (choices := [field.name for field in dataclasses.fields(Config)]):
            raise ValueError(f"unknown section {key}: {did_you_mean(key, choices)}")
    tree = filled_in(tree)
    parts = {name: _named(name, where, tree.get(name)) for name, where in NAMED.items()}
    parts |= {name: _plain_section(name, kind, tree.get(name)) for name, kind in PLAIN.items()}
    parts["training"] = _with_trackers(parts["training"])
    top = from_mapping(Top, {option: tree[option] for option in field_names(Top) if option in tree}, "")
    return parts | {name: getattr(top, name) for name in field_names(Top)}


def _plain_section(section: str, kind: type, given: Any) -> Any:
    return given if isinstance(given, kind) else from_mapping(kind, _options(section, given), section)


def _named(section: str, where: str, given: Any) -> Any:
    """The object of a named section: as it is given, or of the class that has its name."""
    if dataclasses.is_dataclass(given) and not isinstance(given, type):
        return _checked(section, where, given)
    values = _options(section, given)
    kind, preset = registry.load(where, name := str(values.pop("name", None) or DEFAULT[section]))
    if not dataclasses.is_dataclass(kind) or (section == "objective" and not issubclass(kind, Objective)):
        what = "a subclass of maskwright.Objective" if section == "objective" else "a class"
        raise ValueError(f"{section}.name={name} is not {what} with @settings from maskwright.settings")
    return from_mapping(kind, preset | values, section, ["name"])


def _checked(section: str, where: str, given: Any) -> Any:
    """An object that is given for a section. Raises ValueError when it is of another one."""
    module = type(given).__module__
    if isinstance(given, Objective) != (section == "objective") or (
        module.startswith("maskwright.") and not module.startswith(f"maskwright.{where}.")
    ):
        raise ValueError(
            f"{section}={short_repr(given)}: this is not a {section}; give its name, a mapping or its settings"
        )
    return given


def _options(section: str, given: Any) -> dict[str, Any]:
    values = given or {}
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise ValueError(
            f"{section}={short_repr(values)}: a section is a mapping of options, as in {section}.name=… or {{name: …}}"
        )
    return dict(values)


def _with_trackers(training: Training) -> Training:
    """`training` with its trackers by the names under which they are found from anywhere. Raises ValueError."""
    kinds = [registry.load("training.trackers", name)[0] for name in training.trackers]
    return dataclasses.replace(training, trackers=tuple(registry.class_name(kind) for kind in kinds))


def _check_lengths(config: Config) -> None:
    longest = max(length for _, length in length_schedule(config.rows.length))
    if longest > config.model.max_length:
        raise ValueError(f"rows.length={longest} is over the model's max_length={config.model.max_length}")
    if longest > batch_size_schedule(config.training.batch_tokens)[0][1]:
        raise ValueError(
            f"training.batch_tokens={config.training.batch_tokens}: a batch holds at least a row of {longest}"
        )


def _check_start(config: Config) -> None:
    knew = config.evaluation.knew
    if knew is not None and begins_with(config) is None:
        raise ValueError(f"evaluation.knew={knew} needs what training.init_from began with: name a model")
    if knew is not None and config.training.stretch:
        raise ValueError(
            f"evaluation.knew={knew}: a model before training.stretch does not read such rows; ask the suite positions"
        )


def _check_blocks(config: Config) -> None:
    """Refuse what needs the whole text where it comes in blocks. Raises ValueError."""
    training = config.training
    needs_all = {
        "training.epochs": training.epochs is not None,
        "training.words": training.words is not None,
        "training.keep_at": bool(training.keep_at),
        "a schedule of training.batch_tokens": len(batch_size_schedule(training.batch_tokens)) > 1,
        f"order.name={registry.name_of(config.order)}": type(config.order) is not Shuffled,
        "corpus.name=tokenized": isinstance(config.corpus, PreTokenized),
    }
    if found := [name for name, used in needs_all.items() if used and config.rows.block_chars]:
        raise ValueError(f"rows.block_chars trains before all text is read, which {found[0]} needs: leave out either")


def _plain(part: Any) -> dict[str, Any]:
    """The options of a settings object as YAML types."""
    return {f.name: _yaml(getattr(part, f.name)) for f in dataclasses.fields(part) if f.init}


def _yaml(value: Any, named: bool = False) -> Any:
    if isinstance(value, Objective) or (named and not isinstance(value, tuple(PLAIN.values()))):
        return {"name": registry.name_of(value)} | _plain(value)
    if dataclasses.is_dataclass(value):
        return _plain(value)
    if isinstance(value, tuple | list):
        return [_yaml(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def recipes() -> list[str]:
    """The names of the recipes that come with the package."""
    return sorted(str(path.relative_to(RECIPES).with_suffix("")) for path in RECIPES.rglob("*.yaml"))


def read(source: str | Path) -> dict[str, Any]:
    """The mapping in a recipe, a YAML file or a run's folder. Raises ValueError when there is none."""
    path = Path(source)
    candidates = [path / "config.yaml", path, RECIPES / f"{source}.yaml"]
    found = next((candidate for candidate in candidates if candidate.is_file()), None)
    if found is None and path.is_dir():
        raise ValueError(f"{source} holds no config.yaml; to begin with its model: RECIPE training.init_from={source}")
    if found is None:
        raise ValueError(f"no recipe or file {str(source)!r}: {did_you_mean(str(source), recipes())}")
    tree = read_yaml(found)
    if not isinstance(tree, dict):
        raise ValueError(f"{found} holds no sections such as `objective:` or `training:`")
    outside.locate(tree, found.parent)
    return tree
