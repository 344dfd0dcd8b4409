"""The version of the code that a result depends on: its own source, the rooms below, the libraries."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sysconfig
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import zador

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["code_version", "rooms_version"]

_LIBRARIES = ("numpy", "scipy", "torch", "numba", "scikit-learn")
_HERE = Path(zador.__file__).parent
# What stands above the studies, or beside them, computes no result.
_ABOVE = ("cli", "doctor", "sklearn", "studies")


@cache
def code_version(modules: frozenset[str]) -> dict[str, str]:
    """Return what identifies the code behind a result, in clear text.

    Args:
        modules: where the work and everything that its configuration names live.

    Returns:
        `zador`: a hash of every room below the studies; `work`: a hash of `modules` that belong to the studies or to the
        user, and of what they import of that kind; then the version of each library that results can depend on.
    """
    return {"zador": rooms_version(), "work": _hash(_files(modules)), **_libraries()}


@cache
def rooms_version() -> str:
    """Return a hash of the source of every room below the studies."""
    files = (path for path in _HERE.rglob("*.py") if path.relative_to(_HERE).parts[0].removesuffix(".py") not in _ABOVE)
    return _hash({path.relative_to(_HERE).as_posix(): path for path in files})


@cache
def _libraries() -> dict[str, str]:
    return {name: metadata.version(name) for name in _LIBRARIES}


def _hash(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = path.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _files(modules: Iterable[str]) -> dict[str, Path]:
    """Return source files by the name of their module: of `modules`, and of whatever they import, directly or not."""
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = None if name in found else _source(name)
        if path is not None:
            found[name] = path
            waiting += _imported(name, path)
    return found


@cache
def _source(name: str) -> Path | None:
    """Return the source of a module of the studies or of a user's own; None for libraries and the rooms below."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    path = Path(spec.origin)
    if path.is_relative_to(_HERE):
        return path if path.is_relative_to(_HERE / "studies") else None
    installed = (sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib"))
    return None if any(path.is_relative_to(folder) for folder in installed) else path


def _imported(name: str, path: Path) -> Iterator[str]:
    """Yield the modules that a module imports; those that only type checkers see are none."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
