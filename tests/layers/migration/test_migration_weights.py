"""Where weights are read from: files of tensors, mappings and modules; nothing that would have to be unpickled."""

from __future__ import annotations

import os
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from zador.errors import DataError, FormatError, NonFiniteError, UsageError
from zador.layers.migration.weights import Weights, read_weights

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.tensor([1, 2])}


class Evil:
    """What a file can do to whoever unpickles it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def same(weights):
    assert set(weights.tensors) == set(TENSORS)
    assert all(torch.equal(weights[name], value) for name, value in TENSORS.items())


def test_files_of_tensors(tmp_path):
    """safetensors, and what torch.save makes of a state_dict, alone or under that name, hold the same tensors."""
    save_file(TENSORS, tmp_path / "a.safetensors")
    torch.save(TENSORS, tmp_path / "b.pth")
    torch.save({"state_dict": TENSORS, "metadata": {"kwargs": {"rates": [2, 4]}}}, tmp_path / "c.pt")
    torch.save(TENSORS, tmp_path / "old.th", _use_new_zipfile_serialization=False)
    for path in tmp_path.iterdir():
        same(read_weights(path))
        same(read_weights(str(path)))


def test_mappings_and_modules():
    """A state_dict, one under that name, and a module; what is no tensor is left out."""
    same(read_weights(TENSORS))
    same(read_weights({"state_dict": TENSORS, "epoch": 3}))
    same(read_weights({**TENSORS, "_extra_state": None}))
    module = nn.Linear(3, 2)
    weights = read_weights(module)
    assert weights.place == "Linear"
    assert torch.equal(weights["weight"], module.weight)
    assert not weights["weight"].requires_grad


def test_a_file_that_would_run_code_is_refused(tmp_path):
    """What needs more than tensors is refused in one line, and nothing in it is run, whatever the file is called."""
    for number, name in enumerate(["evil.pth", "evil.bin", "evil.safetensors"]):
        path, made = tmp_path / name, tmp_path / f"made{number}"
        if name == "evil.pth":
            torch.save({"weight": torch.zeros(2), "config": Evil(made)}, path)
        else:
            path.write_bytes(pickle.dumps(Evil(made)))
        with pytest.raises(FormatError) as caught:
            read_weights(path)
        assert "\n" not in str(caught.value)
        assert not made.exists()
    with pytest.raises(FormatError, match="zador runs no code from files"):
        read_weights(tmp_path / "evil.pth")
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(FormatError, match="pass its state_dict"):
        read_weights(tmp_path / "module.pt")


def test_files_that_are_none(tmp_path):
    """A path without a file, a file of noise, a truncated one and one without names are told apart by their message."""
    with pytest.raises(DataError, match="there is no such file"):
        read_weights(tmp_path / "none.pth")
    (tmp_path / "noise.pth").write_bytes(bytes(range(256)))
    with pytest.raises(FormatError, match="cannot be read as tensors alone"):
        read_weights(tmp_path / "noise.pth")
    save_file(TENSORS, tmp_path / "a.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:-9])
    with pytest.raises(FormatError, match="no safetensors file"):
        read_weights(tmp_path / "cut.safetensors")
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    with pytest.raises(FormatError, match="holds a list, not tensors by name"):
        read_weights(tmp_path / "list.pt")


def test_what_holds_no_weights():
    """Numbers instead of tensors, or something else altogether, are refused with what was got."""
    with pytest.raises(DataError, match="expected tensors by name, got lr, steps"):
        read_weights({"lr": 0.1, "steps": 3})
    with pytest.raises(UsageError, match="got int"):
        read_weights(3)


def test_single_tensors():
    """A tensor that is missing, or not finite, is named; narrow floats come as float32, wide ones as they are."""
    weights = Weights(
        {"half": torch.ones(2).half(), "wide": torch.ones(2).double(), "bad": torch.tensor([1.0, torch.nan])}, "x.pth"
    )
    assert (weights["half"].dtype, weights["wide"].dtype) == (torch.float32, torch.float64)
    with pytest.raises(NonFiniteError, match=r"x\.pth: bad holds NaN or infinity"):
        weights["bad"]
    with pytest.raises(DataError, match=r"x\.pth: there is no none, but bad, half, wide"):
        weights["none"]
    assert set(Weights(TENSORS, "x").under("a.").tensors) == {"weight"}
    assert Weights(TENSORS, "x").numbered("layers") == []
