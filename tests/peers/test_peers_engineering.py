"""Errors that `python -O` leaves in, graphs without breaks, memory, and numbers to watch."""

from __future__ import annotations

import ast
import tracemalloc
from pathlib import Path

import pytest
import torch
import vector_quantize_pytorch
from torch.utils._python_dispatch import TorchDispatchMode
from vector_quantize_pytorch import ResidualVQ, VectorQuantize

import zador
from zador.codebooks import Ema, Frozen
from zador.errors import DataError

DIM, SIZE = 8, 32


def drawn(count=64, dim=DIM, seed=0):
    return torch.randn(1, count, dim, generator=torch.Generator().manual_seed(seed))


def statements(package, kind):
    """How many statements of a kind the source of a package holds."""
    files = Path(package.__file__).parent.rglob("*.py")
    return sum(isinstance(node, kind) for file in files for node in ast.walk(ast.parse(file.read_text())))


def test_errors_are_raised_not_asserted():
    """The peer checks with some hundred assertions; layers here have none, so `python -O` takes no check away."""
    assert statements(vector_quantize_pytorch, ast.Assert) > 90
    assert statements(vector_quantize_pytorch, ast.Raise) <= 2
    rooms = (zador.layers, zador.quantizers, zador.estimators, zador.codebooks, zador.search)
    assert [statements(room, ast.Assert) for room in rooms] == [0] * len(rooms)


def test_a_wrong_width_is_named():
    """Vectors of 7 coordinates for 8 are an error of einsum in the peer; here the message says which axis and how many."""
    with pytest.raises(RuntimeError, match="einsum"):
        VectorQuantize(DIM, SIZE)(drawn(dim=7))
    with pytest.raises(DataError, match="expected 8 coordinates on axis -1, got 7"):
        zador.vq(DIM, SIZE)(drawn(dim=7))


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("peer", "layer"),
    [
        (lambda: VectorQuantize(DIM, SIZE), lambda: zador.vq(DIM, SIZE)),
        (
            lambda: ResidualVQ(dim=DIM, codebook_size=SIZE, num_quantizers=2),
            lambda: zador.rvq(DIM, SIZE, stages=2),
        ),
    ],
)
def test_a_graph_has_no_breaks(peer, layer, training):
    """The compiler breaks the peer's graph several times, in training and in evaluation; ours is one graph."""

    def breaks(module):
        torch._dynamo.reset()
        return torch._dynamo.explain(module.train(training))(drawn()).graph_break_count

    assert breaks(peer()) > 0
    assert breaks(layer()) == 0


def test_a_layer_can_be_exported():
    """torch.export refuses the peer's layer in evaluation; ours becomes a graph that takes batches of any size."""
    with pytest.raises(Exception, match="Could not guard on data-dependent"):
        torch.export.export(VectorQuantize(DIM, SIZE).eval(), (drawn(),))
    layer = zador.vq(DIM, SIZE, learner=Frozen(start=drawn(SIZE)[0])).eval()
    count = torch.export.Dim("count", min=2)
    graph = torch.export.export(layer, (drawn(),), dynamic_shapes=({1: count},))
    assert torch.equal(graph.module()(drawn(100)).indices, layer(drawn(100)).indices)


class Largest(TorchDispatchMode):
    """The most numbers that a tensor made by an operator of torch holds."""

    def __init__(self):
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for each in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(each, torch.Tensor):
                self.numbers = max(self.numbers, each.numel())
        return made


@pytest.mark.parametrize("training", [True, False])
def test_no_table_of_distances_is_made(training):
    """The peer makes tensors of N x K numbers, in evaluation too; here none is larger than the batch."""
    count, size = 2048, 1024
    peer = VectorQuantize(DIM, size).train(training)
    layer = zador.vq(DIM, size, learner=Ema(start=drawn(size)[0])).train(training)
    layer(drawn(count))
    sizes = []
    for each in (peer, layer):
        with Largest() as largest:
            each(drawn(count))
        sizes.append(largest.numbers)
    assert sizes[0] == count * size
    assert sizes[1] <= count * DIM
    # Arrays of NumPy, inside our operators, are what that mode cannot see.
    tracemalloc.start()
    layer(drawn(count))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < count * size * 4 / 8


def test_usage_and_perplexity_are_reported():
    """The peer returns nothing about the use of the codebook; here every pass does, over a window of vectors."""
    codebook = torch.arange(8.0)[:, None].expand(8, DIM).contiguous()
    half = codebook[:4].repeat(10, 1)
    theirs = VectorQuantize(DIM, 8)(half[None], return_loss_breakdown=True)
    assert set(theirs[3]._fields) == {"commitment", "codebook_diversity", "orthogonal_reg", "inplace_optimize"}
    layer = zador.vq(DIM, 8, learner=Frozen(start=codebook))
    layer(half)
    info = layer(half).info
    assert info.usage.item() == 0.5
    assert info.perplexity.item() == pytest.approx(4.0, rel=1e-6)
    assert layer(codebook[4:].repeat(10, 1)).info.usage.item() == 1.0
