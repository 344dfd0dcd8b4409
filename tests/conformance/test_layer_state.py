"""State: what a checkpoint holds is all there is."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from conformance.layer_members import ALL, LEARNING, over, same_buffers, train
from zador.codebooks import Gradient
from zador.layers.transformed_table import TransformedTable


@over(ALL)
@pytest.mark.parametrize("steps", [0, 3])
def test_a_state_dict_loads_strictly_into_a_fresh_layer(member, steps):
    """Trained or not, the state goes into a new layer without a missing or unexpected key, and is all of it."""
    layer = member.make()
    for seed in range(steps):
        train(layer, member.input(seed))
    other = member.make()
    other.load_state_dict(layer.state_dict(), strict=True)
    assert same_buffers(layer, other)
    x = member.input(seed=9)
    one, two = layer.eval()(x), other.eval()(x)
    assert all(a.equal(b) for a, b in zip(one[:3], two[:3], strict=True))


@over(ALL)
@pytest.mark.parametrize("assign", [False, True])
def test_training_resumes_bit_for_bit(member, assign):
    """Three more steps after loading give the same indices, gradients and buffers as three more without a break."""
    layer, resumed = member.make(), member.make()
    for seed in range(3):
        train(layer, member.input(seed))
    saved = {name: value.clone() for name, value in layer.state_dict().items()}
    resumed.load_state_dict(saved, assign=assign)
    for seed in range(3, 6):
        (gradient, indices), (again, same) = (train(each, member.input(seed)) for each in (layer, resumed))
        assert gradient.equal(again)
        assert indices.equal(same)
        assert same_buffers(layer, resumed)


@over(LEARNING)
def test_a_loaded_layer_does_not_start_again(member):
    """The initialiser is not called by a layer whose checkpoint says that it has been."""
    layer, other = member.make(), member.make()
    train(layer, member.input())
    train(layer, member.input(1))
    assert all(table.started for table in layer._tables)
    other.load_state_dict(layer.state_dict())
    for table in other._tables:
        if table._start is not None:
            table._start.initialiser = _refuse
    train(other, member.input(2) + 50)


def _refuse(*_):
    pytest.fail("the initialiser was called")


@over(ALL)
def test_a_deepcopy_is_independent(member):
    """A copy trains without the original noticing, and as the original would have."""
    layer = member.make()
    for seed in range(2):
        train(layer, member.input(seed))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    twin = copy.deepcopy(layer)
    assert same_buffers(twin, layer)
    train(twin, member.input(5))
    assert all(before[name].equal(value) for name, value in layer.state_dict().items())
    train(layer, member.input(5))
    assert same_buffers(twin, layer)


@over(ALL)
def test_safetensors_hold_the_state(member, tmp_path):
    """No two tensors of a state share memory, so `safetensors` saves it, and it loads to an equal layer."""
    layer, other = member.make(), member.make()
    train(layer, member.input())
    save_file(layer.state_dict(), tmp_path / "layer.safetensors")
    other.load_state_dict(load_file(tmp_path / "layer.safetensors"), strict=True)
    assert same_buffers(layer, other)


@over(ALL)
def test_a_layer_travels_to_another_process(member):
    """Data-parallel workers get their copy by pickling; it starts and trains as the original does."""
    layer = member.make()
    twin = pickle.loads(pickle.dumps(layer))  # noqa: S301 - our own bytes
    for seed in range(2):
        train(layer, member.input(seed))
        train(twin, member.input(seed))
    assert same_buffers(layer, twin)


@over(LEARNING)
def test_only_what_an_optimiser_moves_is_a_parameter(member):
    """Under `Gradient` the codewords, or the map they are seen through, are parameters; else nothing of a table is."""
    layer = member.make()
    learning = {isinstance(table.learner, Gradient) for table in layer._tables}
    names = {name.rsplit(".", 1)[-1] for name, _ in layer.quantizer.named_parameters()}
    maps = [table.transform for table in layer._tables if isinstance(table, TransformedTable)]
    expected = {"codewords"} if learning == {True} and (not maps or maps[0].learns_base) else set()
    for each in maps:
        expected |= set(each.split(torch.eye(8))._fields) - {"base"}
    assert names == expected
