"""Settings are frozen dataclasses: an object of one is its own config, and each field is an option.

`settings` makes such a class; `from_mapping` builds one from a mapping and turns every mistake into one sentence that
names the option, its value and what would be right; `override` applies `a.b=c` to a nested mapping.
"""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from functools import wraps
from types import NoneType
from typing import Annotated, Any, TypeVar, dataclass_transform, get_args

from pydantic import BeforeValidator, ConfigDict, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from ..files.errors import short_repr
from ..files.secrets import refuse
from ..files.yaml_files import parse_yaml

T = TypeVar("T")


def _listed(value: object) -> object:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _names(value: object) -> object:
    return tuple(dict.fromkeys(name.strip() for name in value.split(","))) if isinstance(value, str) else _listed(value)


Listed = BeforeValidator(_listed)
"""Lets a single value stand for a list of one, and null for an empty one."""
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
"""Names, as a list, or as one text with commas between them; null for none."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(cls: type[T]) -> type[T]:
    """Make `cls` a frozen, validated dataclass; the string under each field is its documentation.

    A generic one (a schedule of numbers) is validated again where it is used, as there the type is known. A URL with a
    password in it is refused before anything shows it.
    """
    rules = ConfigDict(
        extra="forbid", use_attribute_docstrings=True, arbitrary_types_allowed=True, allow_inf_nan=False,
        revalidate_instances="always" if getattr(cls, "__parameters__", ()) else "never",
    )  # fmt: skip
    made: Any = pydantic_dataclass(frozen=True, kw_only=True, config=rules)(cls)
    made.__init__ = _without_secrets(made.__init__)
    return made


def _without_secrets(init: Any) -> Any:
    @wraps(init)
    def checked(self: object, /, *args: object, **values: object) -> None:
        refuse(values)
        init(self, *args, **values)

    return checked


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`did you mean 'ratio'?` when one of `choices` is close to `word`, else the list of choices."""
    choices = sorted(choices)
    close = difflib.get_close_matches(str(word), choices, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(choices) or 'nothing'}"


def from_mapping(cls: type[T], values: Mapping[str, Any], where: str, besides: Sequence[str] = ()) -> T:
    """Build `cls` from `values`.

    Raises ValueError with one sentence when a key is unknown or a value does not fit; `where` is the path of the
    section, as in `objective`, and `besides` other keys that may stand there.
    """
    if odd := [key for key in values if not isinstance(key, str)]:
        raise ValueError(f"unknown key {where}.{odd[0]}: {did_you_mean(str(odd[0]), [*field_names(cls), *besides])}")
    for option in (name for name, value in values.items() if isinstance(value, bool) and not _takes_bool(cls, name)):
        raise ValueError(
            f"{where}.{option}={values[option]}: true and false belong to switches; give its value".strip(".")
        )
    try:
        return cls(**values)
    except ValidationError as error:
        raise ValueError(_sentence(cls, error, where, besides)) from None


def _takes_bool(cls: type, option: str) -> bool:
    """Whether an option is a switch, or takes anything; pydantic would make 1 of true for a number."""
    field = getattr(cls, "__pydantic_fields__", {}).get(option)
    waiting = [field.annotation] if field else [bool]  # that an option is unknown is said later
    while waiting:
        kind = waiting.pop()
        if kind in (bool, Any):
            return True
        waiting += get_args(kind)
    return False


def _sentence(cls: type, error: ValidationError, where: str, besides: Sequence[str]) -> str:
    fault = max(error.errors(), key=_specificity)
    holder, path = _locate(cls, [str(part) for part in fault["loc"]])
    option = ".".join((where, *path)).strip(".")
    if fault["type"] == "unexpected_keyword_argument":
        known = [*field_names(holder), *(besides if len(path) == 1 else ())]
        return f"unknown key {option}: {did_you_mean(path[-1], known)}"
    if fault["type"] == "value_error":
        return f"{where}: {fault['ctx']['error']}"
    if fault["type"] == "missing":
        return f"{option} must be given"
    said = WRITTEN.get(fault["type"]) or f"{fault['msg'][0].lower()}{fault['msg'][1:]}"
    return f"{option}={short_repr(fault['input'])}: {said}"


WRITTEN = {
    "string_type": "a text belongs here; what looks like a number or like true, false or null is one in quotes",
    "path_type": "the name of a file belongs here; what looks like a number is one in quotes",
    "tuple_type": "a list belongs here, as in [a, b]",
    "bool_type": "true or false belongs here",
    "bool_parsing": "true or false belongs here",
    "dict_type": "a mapping belongs here, as in {a: 1}",
    "dataclass_type": "a mapping of options belongs here, as in {a: 1}",
}
"""What would be right, in the words of YAML, by the type of pydantic's error; its own words for any other."""


def _locate(cls: type, loc: list[str]) -> tuple[type, list[str]]:
    """The (nested) settings class that an error is in, and the path of the option.

    pydantic's `loc` begins with that path, and goes on with the types that a union tried.
    """
    holder, path = cls, loc[:1]
    while (inner := _nested(holder, path)) and len(loc) > (deep := len(path)):
        holder, path = inner, loc[: deep + 1 + loc[deep].isdigit()]  # of a list, its number and then the option
    return holder, path


def _nested(cls: type, path: list[str]) -> type | None:
    """The settings class of the field at the end of `path`, if it takes one settings class (or None) only, or a list of
    them."""
    field = cls.__pydantic_fields__.get(path[-1]) if path else None  # type: ignore[attr-defined]
    kinds = get_args(field.annotation) or [field.annotation] if field else []
    kinds = [kind for kind in kinds if kind not in (NoneType, Ellipsis)]
    only: Any = kinds[0] if len(kinds) == 1 else None
    return only if isinstance(only, type) and dataclasses.is_dataclass(only) else None


def _specificity(fault: Any) -> tuple[bool, bool, int]:
    """Of the errors that the members of a union report, a sentence of ours is the most specific, then the deepest."""
    ours, other_member = fault["type"] == "value_error", fault["type"] in ("missing", "unexpected_keyword_argument")
    return ours, not other_member or len(fault["loc"]) == 1, len(fault["loc"])


def field_names(cls: type) -> list[str]:
    """The options of a settings class, in order."""
    return [field.name for field in dataclasses.fields(cls) if field.init]


def override(tree: Mapping[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """Apply `section.key=value` assignments (values are YAML) to a copy of `tree`.

    A new name (`objective.name=causal`) drops the section's other options, which belonged to the old name. Names are
    assigned first, whatever the order.
    """
    changed = {key: dict(value) if isinstance(value, Mapping) else value for key, value in tree.items()}
    pairs = [_split(assignment) for assignment in assignments]
    for path, value in sorted(pairs, key=lambda pair: pair[0][-1] != "name"):
        _assign(changed, path, value)
    return changed


def _split(assignment: str) -> tuple[list[str], Any]:
    path, equals, value = assignment.partition("=")
    if not equals:
        raise ValueError(f"an override reads section.key=value, not {assignment!r}")
    return path.split("."), parse_yaml(value, f"{path}={short_repr(value)}")


def _assign(tree: dict[str, Any], path: list[str], value: Any) -> None:
    *sections, key = path
    for section in sections:
        inner = tree.get(section) or {}
        if not isinstance(inner, Mapping):
            raise ValueError(f"{'.'.join(path)}={short_repr(value)}: {section} is a value, not a section")
        tree[section] = dict(inner)
        tree = tree[section]
    if key == "name" and tree.get("name") not in (None, value):
        tree.clear()
    tree[key] = value
