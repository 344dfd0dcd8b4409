"""The house keeps its own rules: what is public is documented, what is tested says so."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zador

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
ROOMS = [
    "codebooks",
    "coding",
    "data",
    "errors",
    "estimators",
    "layers",
    "metrics",
    "models",
    "models.linear",
    "noise",
    "quantizers",
    "search",
    "theory",
    "units",
]


def test_every_test_says_what_it_expects():
    """Each test function in the tree has a docstring."""
    silent = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in HERE.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


@pytest.mark.parametrize("room", [None, *ROOMS])
def test_every_public_name_exists_and_is_documented(room):
    """What `__all__` promises can be had, and a page of docs/ speaks of it."""
    module = zador if room is None else importlib.import_module(f"zador.{room}")
    pages = " ".join(path.read_text() for path in DOCS.glob("*.md"))
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    unexplained = [name for name in module.__all__ if f"{name}" not in pages]
    assert (missing, unexplained) == ([], [])


def test_importing_zador_imports_nothing_heavy():
    """`import zador` alone loads no torch, numba or matplotlib; the names load their rooms on first use."""
    code = "import sys, zador; print(sorted({'torch', 'numba', 'matplotlib', 'sklearn', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_no_pickle_anywhere():
    """No module of the package imports pickle, and torch.load is asked for tensors alone."""
    package = Path(zador.__file__).parent
    for path in package.rglob("*.py"):
        text = path.read_text()
        assert "import pickle" not in text
        calls = re.findall(r"torch\.load\(.+?\)", text)
        assert text.count("torch.load(") == len(calls)
        assert all("weights_only=True" in call for call in calls)
        assert "from torch import load" not in text
        assert "allow_pickle=True" not in text


def test_every_cited_source_is_in_the_bibliography():
    """A key such as lloyd1982least in the package stands in docs/references.bib, and every entry there is cited."""
    entries = set(re.findall(r"^@\w+\{(\w+)", (DOCS / "references.bib").read_text(), flags=re.MULTILINE))
    package = Path(zador.__file__).parent
    cited = {key for path in package.rglob("*.py") for key in re.findall(r"\b[a-z]+(?:19|20)\d\d[a-z]+\b", path.read_text())}
    assert cited == entries
