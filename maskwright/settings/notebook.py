"""A class of a notebook cell or a script as a file of its own."""

import ast
import linecache
import sys
import textwrap
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any


def self_contained(kind: type) -> str:
    """The source of a file that defines `kind`, with the imports, constants, functions and classes that it uses.

    Raises ValueError, in one sentence that says what to do, when something that it uses cannot be written down.
    """
    namespace = vars(sys.modules[kind.__module__])
    imports: set[str] = set()
    definitions: dict[str, str] = {}
    try:
        _collect(kind.__name__, namespace, imports, definitions)
    except _NotWritable as reason:
        raise ValueError(
            f"{kind.__name__} is defined in a notebook or script, and cannot be kept with the run because {reason}: "
            f"save it in a file and name that, as in objective.name=my_objectives.py:{kind.__name__}"
        ) from None
    return "\n\n\n".join(["\n".join(sorted(imports)), *filter(None, definitions.values())]) + "\n"


class _NotWritable(Exception):
    """Why the source is not complete."""


def _collect(name: str, namespace: dict[str, Any], imports: set[str], definitions: dict[str, str]) -> None:
    """Add what defines `name`, after all that its own source names."""
    value, module = namespace[name], namespace["__name__"]
    if isinstance(value, ModuleType):
        imports.add(f"import {value.__name__} as {name}")
    elif isinstance(value, type | FunctionType) and value.__module__ == module:
        source = _source(value)
        definitions[name] = ""  # so that what names itself is not collected for ever
        for used in _names(source):
            if used in namespace and used not in definitions:
                _collect(used, namespace, imports, definitions)
        del definitions[name]
        definitions[name] = source
    elif origin := _origin(value):
        imports.add(f"from {origin} import {value.__qualname__} as {name}")
    elif _is_literal(value):
        definitions[name] = f"{name} = {value!r}"
    else:
        raise _NotWritable(f"it uses {name}, a {type(value).__name__}")


def _source(value: type | FunctionType) -> str:
    """The source of a class or function, decorators included.

    `inspect` finds no class of a notebook, whose module has no file; the code of its methods says where it is.
    """
    functions = [found for found in (value, *vars(value).values()) if isinstance(found, FunctionType)]
    for file in dict.fromkeys(function.__code__.co_filename for function in functions):
        lines = linecache.getlines(file)
        for node in reversed(list(ast.walk(ast.parse("".join(lines))))):  # of several, the last one holds
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == value.__name__:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                return textwrap.dedent("".join(lines[first - 1 : node.end_lineno])).rstrip()
    raise _NotWritable(f"the source of {value.__name__} is not available")


def _names(source: str) -> Iterator[str]:
    return (node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))


def _origin(value: Any) -> str:
    """The module that `value` can be imported from by its own name; empty without one."""
    module = sys.modules.get(str(getattr(value, "__module__", "")))
    named = getattr(module, str(getattr(value, "__qualname__", "")), None)
    return module.__name__ if module and named is value else ""


def _is_literal(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False
