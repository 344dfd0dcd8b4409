"""The page about coding says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from zador.coding.models import MODELS

PAGE = Path(__file__).parents[2] / "docs" / "coding.md"


def test_the_examples_run(tmp_path, monkeypatch):
    """Every block of Python on the page runs, in order; the first decodes what it encoded."""
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, names)  # noqa: S102 - the page is ours
    quantizer, x = names["quantizer"], names["x"]
    np.testing.assert_array_equal(names["decoded"], quantizer.decode(quantizer.encode(x)))


def test_every_model_is_on_the_page():
    """Each entropy model has its row: when to take it, and its number in a file."""
    text = PAGE.read_text(encoding="utf-8")
    for model in MODELS:
        assert f"| `{type(model).__name__}()` |" in text
        assert f"{model.code} `{type(model).__name__}`" in text
