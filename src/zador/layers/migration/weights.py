"""Weights of another library: tensors by name, from a file, a mapping or a module. Nothing is unpickled."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from zador.errors import DataError, FormatError, NonFiniteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Source", "Weights", "chosen_prefix", "read_weights"]

Source = str | os.PathLike[str] | Mapping[str, Any] | nn.Module

_NAMED = 5


class Weights:
    """Tensors of one module, by their names within it.

    Args:
        tensors: by name.
        place: where they come from, for messages.
    """

    def __init__(self, tensors: Mapping[str, Tensor], place: str) -> None:
        self.tensors = dict(tensors)
        self.place = place

    def __contains__(self, name: str) -> bool:
        return name in self.tensors

    def __getitem__(self, name: str) -> Tensor:
        """Return a tensor, on the CPU: floats of 32 bits or more, or whole numbers.

        Raises:
            DataError: it is missing.
            NonFiniteError: it holds NaN or infinity.
        """
        if name not in self.tensors:
            raise DataError(
                f"{self.place}: there is no {name}, but {_some(self.tensors)}; is it the state_dict of the module?"
            )
        tensor = self.tensors[name].detach().cpu()
        if not tensor.is_floating_point():
            return tensor
        if not bool(torch.isfinite(tensor).all()):
            raise NonFiniteError(f"{self.place}: {name} holds NaN or infinity; load weights from before they diverged")
        return tensor if tensor.dtype == torch.float64 else tensor.float()

    def under(self, prefix: str) -> Weights:
        """Return those whose names begin with the prefix, without it."""
        inside = {name.removeprefix(prefix): tensor for name, tensor in self.tensors.items() if name.startswith(prefix)}
        return Weights(inside, f"{self.place}, {prefix.removesuffix('.')}" if prefix else self.place)

    def numbered(self, name: str) -> list[Weights]:
        """Return the parts `name.0`, `name.1`, … of a list of modules.

        Raises:
            DataError: a number is missing.
        """
        found = {int(match[1]) for key in self.tensors if (match := re.match(rf"{re.escape(name)}\.(\d+)\.", key))}
        if found != set(range(len(found))):
            raise DataError(f"{self.place}: of {name} there are numbers {sorted(found)} only; load the whole list")
        return [self.under(f"{name}.{number}.") for number in sorted(found)]


def read_weights(source: Source) -> Weights:
    """Return the tensors of a source.

    Args:
        source: a `.safetensors` file; any other file that `torch.load(weights_only=True)` reads; a state_dict, or a mapping
            with one under "state_dict"; or a module.

    Raises:
        DataError: no such file, or a mapping without tensors.
        FormatError: a file that holds more than tensors and plain numbers, or that is damaged.
        UsageError: something else.
    """
    if isinstance(source, nn.Module):
        return Weights(source.state_dict(), type(source).__name__)
    if isinstance(source, Mapping):
        return Weights(_tensors(source, "state"), "state")
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return Weights(_tensors(_from_file(path), str(path)), str(path))
    raise UsageError(f"state: expected a path, a state_dict or a module, got {type(source).__name__}")


def chosen_prefix(found: Iterable[str], prefix: str | None, place: str, what: str) -> str:
    """Return the one of the prefixes at which there is a quantizer that is meant, with its final dot.

    Args:
        found: all of them.
        prefix: that which was asked for, with or without the dot; None for the only one.
        place: for messages.
        what: for messages, what was looked for.

    Raises:
        DataError: none was found, or not this one.
        UsageError: several were found, and none was asked for.
    """
    prefixes = sorted(set(found))
    listed = ", ".join(repr(each.removesuffix(".")) for each in prefixes[:20])
    if not prefixes:
        raise DataError(f"{place}: holds no {what}; pass the state_dict of a module that has one")
    if prefix is None:
        if len(prefixes) > 1:
            raise UsageError(f"{place}: holds {len(prefixes)} quantizers, at {listed}; pass one of them as prefix=")
        return prefixes[0]
    wanted = f"{prefix.removesuffix('.')}." if prefix else ""
    if wanted not in prefixes:
        raise DataError(f"{place}: holds no {what} at prefix={prefix!r}, but at {listed}; pass one of those")
    return wanted


def _from_file(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; pass the path of a .safetensors file or of a saved state_dict")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise FormatError(f"{path}: is no safetensors file ({error}); save it again") from None
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - what foreign bytes make torch raise is not documented
        raise FormatError(
            f"{path}: cannot be read as tensors alone ({type(error).__name__}), and zador runs no code from files; where "
            "you trust it, load it yourself and pass its state_dict"
        ) from None
    if not isinstance(held, Mapping):
        raise FormatError(f"{path}: holds a {type(held).__name__}, not tensors by name; save module.state_dict()")
    return held


def _tensors(held: Mapping[str, Any], place: str) -> dict[str, Tensor]:
    inner = held.get("state_dict")
    named = inner if isinstance(inner, Mapping) else held
    tensors = {str(name): value for name, value in named.items() if isinstance(value, Tensor)}
    if named and not tensors:
        raise DataError(f"{place}: expected tensors by name, got {_some(named)}; pass module.state_dict()")
    return tensors


def _some(names: Iterable[str]) -> str:
    listed = sorted(map(str, names))
    return ", ".join(listed[:_NAMED]) + (", …" if len(listed) > _NAMED else "") if listed else "nothing"
