"""A piece of work in clear text: what exactly was done, such that equal text means equal work."""

from __future__ import annotations

import json
import math
import sys
import types
from dataclasses import fields, is_dataclass
from typing import Any

from zador.errors import UsageError

__all__ = ["canonical", "configuration", "modules_of"]


def configuration(work: Any) -> Any:
    """Return `work` as what JSON can hold, without loss: class names, fields, exact numbers, functions by where they live.

    Dataclasses, tuples, numbers, text, None, and functions and classes that a module holds by name can be told apart in
    text; anything else (an array, a lambda, an open file) cannot, and two different ones would count as equal.

    Args:
        work: a dataclass, or a value of one of its fields.

    Returns:
        Nested dictionaries, lists, numbers and text. Integers and floats stay different; a float that JSON cannot hold is
        `{"float": "nan"}`.

    Raises:
        UsageError: a field holds something that text cannot tell apart; the message names the field.

    >>> configuration((1, 0.1, None, float("inf")))
    [1, 0.1, None, {'float': 'inf'}]
    >>> configuration(math.sqrt)
    {'code': 'math:sqrt'}
    """
    return _described(work, type(work).__name__)


def _described(value: Any, where: str) -> Any:
    if value is None or type(value) in {bool, int, str}:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) is tuple:
        return [_described(item, f"{where}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
        return {"code": _place(value, where)}
    if is_dataclass(value):
        parts = {field.name: _described(getattr(value, field.name), f"{where}.{field.name}") for field in fields(value)}
        return {"class": _place(type(value), where), "fields": parts}
    raise UsageError(
        f"{where}: a {type(value).__name__} cannot be told from another in a study's configuration; use numbers, text, "
        "tuples, dataclasses, or functions and classes that a module holds by name"
    )


def _place(code: Any, where: str) -> str:
    """Return `module:qualified name`, from where the very same object can be had again."""
    module, name = code.__module__, code.__qualname__
    if module == "__main__":
        raise UsageError(
            f"{where}: {name} is defined in the script that runs, whose changes nobody could notice; "
            "put it in a module, and import that"
        )
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not code:
        raise UsageError(
            f"{where}: {name} of {module} has no name of its own there, so that another could be taken for it; "
            "define it at the top of a module"
        )
    return f"{module}:{name}"


def modules_of(configured: Any) -> set[str]:
    """Return the modules that a configuration names.

    >>> sorted(modules_of([{"code": "math:sqrt"}, {"class": "a.b:C", "fields": {"x": 1}}]))
    ['a.b', 'math']
    """
    if isinstance(configured, list):
        return set().union(*map(modules_of, configured))
    if not isinstance(configured, dict):
        return set()
    named = {configured[kind].partition(":")[0] for kind in ("class", "code") if kind in configured}
    return named | set().union(*map(modules_of, configured.get("fields", {}).values()))


def canonical(value: Any) -> bytes:
    """Return the one JSON text of `value`: equal values give equal bytes.

    >>> canonical({"b": 1.0, "a": [None, 1]})
    b'{"a":[null,1],"b":1.0}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
