"""The store: cells are found by what was done, and believed only when whole."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import works

from zador.errors import FormatError, UsageError
from zador.studies import code_version, store
from zador.studies.configuration import canonical, configuration, modules_of
from zador.studies.rows import Outcome, Series
from zador.studies.store import Cell, Store, normal

ODD = Outcome(
    {"error": math.nan, "high": math.inf, "low": -math.inf, "tiny": 5e-324, "third": 1 / 3, "zero": -0.0},
    (Series("error", (0, 10), (math.nan, 1e300)),),
    "diverged at step 41, loss 3e+08",
)


@dataclass(frozen=True)
class Holds:
    """Work with one field of any kind."""

    value: object

    def __call__(self, seeds):
        return [Outcome({"error": 0.0}) for _ in seeds]

    def fingerprint(self, seed):
        return f"none {seed}"


@dataclass(frozen=True)
class OtherData(works.Draw):
    """The same work on other data."""

    def fingerprint(self, seed):
        return f"other {seed}"


class TestKeys:
    """Equal keys are equal work."""

    def test_equal_work_has_equal_keys(self):
        """Two objects with equal fields are one cell."""
        assert Cell.of(works.Draw(2.0), 42) == Cell.of(works.Draw(2.0), 42)

    @pytest.mark.parametrize(
        "change",
        [
            {"scale": math.nextafter(1.0, 2)},
            {"scale": 1},
            {"change": works.halved},
            {"sizes": (3, 1)},
            {"sizes": (4,)},
            {"log": "x"},
            {"pause": -0.0},
        ],
    )
    def test_any_changed_field_is_another_key(self, change):
        """One unit in the last place, an int for a float, another function, one more number: each is other work."""
        assert Cell.of(replace(works.Draw(), **change), 42).key != Cell.of(works.Draw(), 42).key

    def test_other_seed_data_or_class_is_another_key(self):
        """Seed, fingerprint of the data, and class enter the key."""
        keys = {Cell.of(works.Draw(), 42).key, Cell.of(works.Draw(), 43).key, Cell.of(OtherData(), 42).key}
        assert len(keys) == 3

    @pytest.mark.parametrize("part", ["zador", "work", "torch"])
    def test_other_code_is_another_key(self, part, monkeypatch):
        """A change below the studies, in the work's own module, or of a library, is another cell."""
        before = Cell.of(works.Draw(), 42).key
        monkeypatch.setattr(store, "code_version", lambda modules: {**code_version.code_version(modules), part: "changed"})
        assert Cell.of(works.Draw(), 42).key != before

    def test_the_code_of_work_is_its_module_and_what_that_imports(self):
        """A user's module counts, and the studies' modules that it imports; libraries and rooms below count elsewhere."""
        assert set(code_version._files(["works"])) == {"works", "zador.studies.design", "zador.studies.rows"}

    def test_a_changed_line_in_an_imported_module_changes_the_version(self, tmp_path, monkeypatch):
        """The hash of work sees files that its module imports, but not those that only type checkers see."""
        (tmp_path / "own_work.py").write_text(
            "from typing import TYPE_CHECKING\nimport own_helper\nif TYPE_CHECKING:\n    import own_types\n"
        )
        (tmp_path / "own_types.py").write_text("")
        monkeypatch.syspath_prepend(tmp_path)
        versions = []
        for text in ("x = 1\n", "x = 2\n"):
            (tmp_path / "own_helper.py").write_text(text)
            files = code_version._files(["own_work"])
            assert set(files) == {"own_work", "own_helper"}
            versions.append(code_version._hash(files))
        assert versions[0] != versions[1]

    @pytest.mark.parametrize("value", [np.zeros(2), [1, 2], lambda x: x, {"a": 1}, object(), np.float64(1.0)])
    def test_what_text_cannot_tell_apart_is_refused(self, value):
        """An array, a list, a lambda are no configuration; the message names the field."""
        with pytest.raises(UsageError, match=r"Holds\.value"):
            configuration(Holds((1, value))) if not isinstance(value, list) else configuration(Holds(value))

    def test_a_function_inside_a_function_is_refused(self):
        """Two of them would have one name."""

        def inner():
            pass

        with pytest.raises(UsageError, match="no name of its own"):
            configuration(Holds(inner))

    def test_configurations_are_strict_json(self):
        """Numbers that JSON has not are written by name; the modules that are named can be found again."""
        text = configuration(Holds((math.nan, -math.inf, True, None, works.Draw())))
        assert json.loads(canonical(text)) == text
        assert modules_of(text) == {Holds.__module__, "works"}


def _refuse(name):
    raise ValueError(name)


class TestFiles:
    """What is read is what was written, or nothing."""

    def test_outcomes_come_back_exactly(self, tmp_path):
        """NaN, infinities, the smallest number, minus zero, series and failure survive; the seconds are beside them."""
        there, cell = Store(tmp_path), Cell.of(works.Draw(), 42)
        assert there.read(cell) is None
        there.write(cell, ODD, 1.5)
        outcome, seconds = there.read(cell)
        assert (repr(outcome), seconds) == (repr(ODD), 1.5)

    def test_files_are_json_that_strict_readers_take(self, tmp_path):
        """No NaN in the file, and what the key was made from in clear text."""
        there, cell = Store(tmp_path), Cell.of(works.Draw(), 42)
        there.write(cell, ODD, 1.5)
        stored = json.loads(there.path(cell).read_text(), parse_constant=_refuse)
        assert stored["key"] == cell.key == there.path(cell).stem
        assert stored["cell"]["work"]["class"] == "works:Draw"
        assert stored["cell"]["seed"] == 42
        assert stored["cell"]["fingerprint"] == "normal 42"
        assert {"zador", "work", "numpy", "torch"} <= set(stored["cell"]["code"])

    def test_files_that_are_cut_anywhere_are_refused(self, tmp_path):
        """No prefix of a file is taken for the whole."""
        there, cell = Store(tmp_path), Cell.of(works.Draw(), 42)
        there.write(cell, ODD, 1.5)
        whole = there.path(cell).read_bytes()
        for length in range(0, len(whole) - 2, 7):
            there.path(cell).write_bytes(whole[:length])
            with pytest.raises(FormatError, match="not whole"):
                there.read(cell)

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("0.333", "0.334", "altered"),
            ("step 41", "step 42", "altered"),
            ('"seed": 42', '"seed": 43', "something else"),
            ('"format": 1', '"format": 2', "something else"),
            ('"metrics"', '"matrices"', "not whole"),
            ('"seconds": 1.5', '"seconds": []', "not whole"),
        ],
    )
    def test_altered_and_foreign_files_are_refused(self, tmp_path, old, new, told):
        """A changed digit, another cell's content, another format: one line says which."""
        there, cell = Store(tmp_path), Cell.of(works.Draw(), 42)
        there.write(cell, ODD, 1.5)
        text = there.path(cell).read_text()
        assert old in text
        there.path(cell).write_text(text.replace(old, new))
        with pytest.raises(FormatError, match=told) as error:
            there.read(cell)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"null", b"3", b'{"format": 1}', b"[" * 100_000])
    def test_rubbish_is_refused(self, tmp_path, content):
        """Whatever the bytes, the answer is one error of ours."""
        there, cell = Store(tmp_path), Cell.of(works.Draw(), 42)
        there.write(cell, ODD, 1.5)
        there.path(cell).write_bytes(content)
        with pytest.raises(FormatError):
            there.read(cell)

    def test_a_file_in_the_place_of_the_directory_is_a_usage_error(self, tmp_path):
        """The store says so before anything is run."""
        (tmp_path / "cells").write_text("")
        with pytest.raises(UsageError, match="is a file"):
            Store(tmp_path / "cells")

    def test_normal_outcomes_hold_plain_numbers(self):
        """NumPy's numbers become Python's, without loss; what is no outcome is refused."""
        made = normal(Outcome({"error": np.float32(0.1)}, (Series("error", (np.int64(1),), (np.float64(2.0),)),)))
        assert repr(made) == repr(Outcome({"error": float(np.float32(0.1))}, (Series("error", (1,), (2.0,)),)))
        with pytest.raises(TypeError, match="expected an Outcome"):
            normal(3.0)
