"""The codebook loss: value, closed-form gradient, and what it does not need to keep."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from references.learning import seen_by
from zador.codebooks import Gradient, cell_sums, codebook_loss
from zador.errors import UsageError


def drawn(dtype=torch.float64):
    rng = np.random.default_rng(0)
    x, codewords = torch.from_numpy(rng.standard_normal((40, 3))), torch.from_numpy(rng.standard_normal((6, 3)))
    return x.to(dtype), codewords.to(dtype).requires_grad_(), torch.from_numpy(rng.integers(-1, 5, 40))


def definition(x, codewords, indices):
    """The mean over the vectors that count, differentiated by torch."""
    valid = indices >= 0
    return ((x[valid] - codewords[indices[valid]]) ** 2).sum() / valid.sum()


def ours(x, codewords, indices):
    valid = indices >= 0
    squared = ((x[valid] - codewords.detach()[indices[valid]]) ** 2).sum()
    return codebook_loss(codewords, cell_sums(x, indices, len(codewords)), squared, valid.sum())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradient_are_those_of_the_definition(dtype):
    """Against autograd through N×d differences: the same value and gradient, masked vectors left out."""
    x, codewords, indices = drawn(dtype)
    found, expected = ours(x, codewords, indices), definition(x, codewords, indices)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        torch.autograd.grad(3 * found, codewords), torch.autograd.grad(3 * expected, codewords), rtol=1e-5, atol=1e-6
    )


def test_gradcheck():
    """With frozen indices, numerical differences agree with the closed form, through a linear map too."""
    x, base, indices = drawn()
    weight = torch.eye(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda codewords: ours(x, codewords, indices), (base,))
    assert torch.autograd.gradcheck(lambda weight: ours(x, base.detach() @ weight.T, indices), (weight,))


def test_the_vectors_get_no_gradient():
    """α moves codewords only: vectors that ask for a gradient get none."""
    x, codewords, indices = drawn()
    x.requires_grad_()
    ours(x, codewords, indices).backward()
    assert x.grad is None
    assert codewords.grad is not None


def test_codewords_may_move_before_the_backward_pass():
    """A revival in place between forward and backward changes nothing in the gradient, and raises nothing."""
    x, codewords, indices = drawn()
    expected = torch.autograd.grad(ours(x, codewords, indices), codewords)[0]
    loss = ours(x, codewords, indices)
    with torch.no_grad():
        codewords[2] = 100.0
    loss.backward()
    assert torch.equal(codewords.grad, expected)


def test_nothing_of_the_size_of_the_batch_is_kept():
    """What autograd saves are (K, d) tensors, for 4000 vectors as for one."""
    x, saved = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0)), []
    codewords = torch.zeros(5, 3, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda kept: saved.append(tuple(kept.shape)), lambda kept: kept):
        ours(x, codewords, torch.zeros(4000, dtype=torch.int64))
    assert set(saved) <= {(5, 3), ()}


@pytest.mark.parametrize("indices", [torch.full((4,), -1), torch.empty(0, dtype=torch.int64)], ids=["masked", "empty"])
def test_no_vectors_no_loss(indices):
    """All masked, or empty: the loss is 0 and so is the gradient; not NaN."""
    codewords = torch.ones(3, 2, requires_grad=True)
    x = torch.full((len(indices), 2), torch.nan)
    loss = codebook_loss(codewords, cell_sums(x, indices, 3), torch.zeros(()), 0)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(codewords.grad, torch.zeros(3, 2))


def test_a_compiled_loss_is_the_plain_one():
    """Traced whole, with its backward pass."""
    x, codewords, indices = drawn(torch.float32)

    def both(loss):
        value = loss(x, codewords, indices.clamp(min=0))
        return value.detach(), torch.autograd.grad(value, codewords)[0]

    def masked(x, codewords, indices):
        cells = cell_sums(x, indices, 6)
        return codebook_loss(codewords, cells, ((x - codewords[indices]) ** 2).sum().detach(), 40)

    torch.testing.assert_close(
        both(masked), both(torch.compile(masked, fullgraph=True, backend="aot_eager")), rtol=1e-6, atol=1e-6
    )


def test_the_step_leaves_codewords_to_the_optimiser():
    """`Gradient` moves nothing, and a negative weight is refused."""
    x, codewords, _ = drawn()
    state = Gradient().init(codewords)
    assert not state.codewords.requires_grad
    assert Gradient().step(state, seen_by(x, state.codewords)) is state
    with pytest.raises(UsageError, match="weight >= 0, got -1"):
        Gradient(weight=-1)


def test_a_descent_of_the_loss_at_half_a_step_per_member_is_lloyds_update():
    """Moving by N / (2 n_k) times the gradient puts each codeword on the mean of its members."""
    x, codewords, indices = drawn()
    (gradient,) = torch.autograd.grad(ours(x, codewords, indices), codewords)
    cells = cell_sums(x, indices, 6)
    moved = codewords - gradient * (indices >= 0).sum() / (2 * cells.counts.clamp(min=1)[:, None])
    used = cells.counts > 0
    torch.testing.assert_close(moved[used], (cells.sums / cells.counts[:, None])[used])
