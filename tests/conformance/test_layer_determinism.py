"""Same seed, same input, same bits; and nobody else's random numbers are touched."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from conformance.layer_members import ALL, over, same_buffers, train
from zador.codebooks import FromReservoir, ReservoirLloyd  # noqa: F401 - their operators are to be registered
from zador.estimators import rotation_trick  # noqa: F401 - as above
from zador.layers import vq
from zador.layers.sync import World
from zador.noise import new_key


def generators():
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002 - theirs


@over(ALL)
def test_global_generators_neither_matter_nor_change(member):
    """Whatever the global seeds, construction and training give the same bits, and leave those generators alone."""
    layers, gradients = [], []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - that is the point
        random.seed(seed)
        before = generators()
        layers.append(member.make())
        gradients.append([train(layers[-1], member.input(step))[0] for step in range(3)])
        layers[-1].eval().encode(member.input(9))
        assert generators() == before
    assert same_buffers(*layers)
    assert all(one.equal(other) for one, other in zip(*gradients, strict=True))


def test_another_seed_gives_other_projections():
    """The seed of a layer decides its projections."""
    one, same, other = (vq(8, 16, codebook_dim=4, seed=seed).space.into.weight for seed in (1, 1, 2))
    assert one.equal(same)
    assert not one.equal(other)


@over(ALL)
def test_deterministic_algorithms_suffice(member):
    """Under `torch.use_deterministic_algorithms` training works, and gives the same bits as without."""
    layer, strict = member.make(), member.make()
    try:
        for seed in range(2):
            torch.use_deterministic_algorithms(False)
            gradient, _ = train(layer, member.input(seed))
            torch.use_deterministic_algorithms(True)
            again, _ = train(strict, member.input(seed))
            torch.testing.assert_close(again, gradient)
    finally:
        torch.use_deterministic_algorithms(False)
    for name, value in strict.state_dict().items():
        torch.testing.assert_close(value, layer.state_dict()[name])


def numbers(*shape, dtype=torch.float32, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def some(count, below, seed=0):
    return torch.randint(-1, below, (count,), generator=torch.Generator().manual_seed(seed))


WORLD = World()
YES, NO = torch.tensor([True]), torch.tensor([False])
TABLE = vq(8, 16).quantizer.table
OPERATORS = {
    "nearest": [
        (numbers(50, 8), numbers(16, 8, seed=1), True),
        (numbers(500, 8), numbers(300, 8, seed=1), False),
        (numbers(30, 3, dtype=torch.float64), numbers(7, 3), True),
        (numbers(0, 3), numbers(7, 3), True),
    ],
    "cell_sums": [
        (numbers(50, 8), some(50, 16), 16),
        (numbers(20, 3, dtype=torch.float64), some(20, 5), 5),
        (numbers(0, 3), some(0, 5), 5),
    ],
    "refuse_nonfinite": [(numbers(50, 8),), (numbers(50, 8, dtype=torch.bfloat16),), (numbers(0, 8),)],
    "start": [
        (numbers(200, 8), torch.ones(200, dtype=torch.bool), [numbers(16, 8)], started, TABLE._start.number, 0)
        for started in (YES, NO)
    ],
    "turn_back": [(numbers(9, 4), numbers(9, 4, seed=1), numbers(9, 4, seed=2), rescale) for rescale in (True, False)],
    "placed": [
        (numbers(50, 8), numbers(50), new_key(3), numbers(16, 8), torch.arange(16) % dead == 0, 0) for dead in (3, 99)
    ],
    "lloyd": [(numbers(16, 8), numbers(40, 8), torch.tensor(40), due, 2, 0) for due in (YES[0], NO[0])],
    "uniform": [(new_key(3), [4, 5]), (new_key(3, 1), [0])],
    "offered_by_all": [
        (numbers(6, 4), torch.tensor(offered), numbers(9, 4), torch.arange(9) % 2 == 0, new_key(3), 0) for offered in (0, 40)
    ],
    "soft_assignment": [(numbers(9, 4), numbers(5, 4, seed=1), torch.ones(9) / 9, 0.5)],
    "soft_assignment_backward": [
        ([numbers(9, 4), numbers(5, 4, seed=1), torch.ones(9) / 9], 0.5, numbers(5, seed=2), torch.tensor(1.0))
    ],
    "summed": [(numbers(16, 8), WORLD.handle), (numbers(16, 8).requires_grad_(), WORLD.handle)],
    "gathered": [(numbers(9, 4), WORLD.handle), (numbers(0, 4), WORLD.handle)],
    "agreed": [(numbers(9, 4), WORLD.handle)],
}


@pytest.fixture(autouse=True, scope="module")
def _a_group_of_one():
    """Collectives need a process group; one process is enough to check what they declare."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize(("name", "arguments"), [(name, case) for name, cases in OPERATORS.items() for case in cases])
def test_operators_are_what_they_declare(name, arguments):
    """Every operator passes torch's own check of its schema, its fake kernel and its place in autograd and compilers."""
    torch.library.opcheck(getattr(torch.ops.zador, name).default, arguments)


def test_every_operator_is_checked():
    """No operator of the package is missing from the table above."""
    ours = {name.split("::")[1] for name in torch._C._dispatch_get_all_op_names() if name.startswith("zador::")}
    assert {name.split(".")[0] for name in ours} == OPERATORS.keys()
