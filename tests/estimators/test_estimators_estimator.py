"""What every estimator promises: the value is q, the gradient goes to x and nowhere else, wherever PyTorch goes."""

from __future__ import annotations

import pytest
import torch

from zador.errors import DataError
from zador.estimators import (
    Estimator,
    householder,
    householder_without_rescaling,
    projection,
    rescaling,
    rotation_trick,
    rotation_trick_without_rescaling,
    straight_through,
)

ESTIMATORS = [
    straight_through,
    rescaling,
    projection,
    rotation_trick,
    rotation_trick_without_rescaling,
    householder,
    householder_without_rescaling,
]
DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]

every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda function: function.__name__)


def draw(*shape, dtype=torch.float32, seed=0):
    """Return x that asks for a gradient, q near it, and g."""
    generator = torch.Generator().manual_seed(seed)
    x, step, g = (torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(3))
    return x.to(dtype).requires_grad_(), (x + 0.5 * step).to(dtype), g.to(dtype)


def gradient(estimator, x, q, g):
    """Return the gradient at x when g arrives at y."""
    (at_x,) = torch.autograd.grad(estimator(x, q), x, g)
    return at_x


@every_estimator
def test_it_is_an_estimator(estimator):
    """The protocol accepts the functions of the room."""
    assert isinstance(estimator, Estimator)


@every_estimator
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_value_is_q_to_the_last_bit(estimator, dtype):
    """Signed zeros, subnormal and huge numbers come through, where x + (q - x) would round."""
    q = torch.tensor([[1.0, 1e-8, -0.0], [6e4, -1e-45, 3.0]]).to(dtype)
    x = torch.full_like(q, 0.3).requires_grad_()
    y = estimator(x, q)
    assert y.dtype == dtype
    assert y.detach().view(torch.uint8).equal(q.view(torch.uint8))


@every_estimator
def test_the_codeword_gets_no_gradient(estimator):
    """A codebook that asks for a gradient gets none; without one asked for at x, y needs none."""
    x, q, g = draw(4, 3)
    q.requires_grad_()
    estimator(x, q).backward(g)
    assert q.grad is None
    assert x.grad is not None
    assert not estimator(x.detach(), q).requires_grad


@every_estimator
@pytest.mark.parametrize("shape", [(3,), (1, 3), (2, 5, 3), (2, 1, 4, 3), (7, 1)], ids=str)
def test_leading_axes_are_vectors_one_by_one(estimator, shape):
    """Any leading shape gives what its rows give alone."""
    x, q, g = draw(*shape)
    whole = gradient(estimator, x, q, g).reshape(-1, shape[-1])
    rows = [t.detach().reshape(-1, shape[-1]) for t in (x, q, g)]
    for n, (x_row, q_row, g_row) in enumerate(zip(*rows, strict=True)):
        assert whole[n].equal(gradient(estimator, x_row.requires_grad_(), q_row, g_row))


@every_estimator
@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3), (4, 0)], ids=str)
def test_nothing_in_gives_nothing_out(estimator, shape):
    """No vectors, or vectors without coordinates: shapes are kept, nothing is divided by their number."""
    x, q, g = draw(*shape)
    assert gradient(estimator, x, q, g).shape == shape


@every_estimator
def test_strides_change_nothing(estimator):
    """Transposed, broadcast and sliced tensors give the gradient of their contiguous copies.

    Sums of five numbers may be taken in another order: float64 keeps that below 1e-14 of gradients of size 1 to 10.
    """
    x, q, g = draw(6, 5, dtype=torch.float64)
    expected = gradient(estimator, x, q, g)
    turned = [t.detach().t().contiguous().t() for t in (x, q, g)]
    assert not turned[0].is_contiguous()
    same = {"rtol": 0, "atol": 1e-13}
    torch.testing.assert_close(gradient(estimator, turned[0].requires_grad_(), *turned[1:]), expected, **same)
    sliced = [torch.stack([t.detach(), t.detach()], -1)[..., 0] for t in (x, q, g)]
    torch.testing.assert_close(gradient(estimator, sliced[0].requires_grad_(), *sliced[1:]), expected, **same)
    one = torch.ones((), dtype=torch.float64)
    spread = gradient(estimator, x, q, one.expand(6, 5))
    torch.testing.assert_close(spread, gradient(estimator, x, q, one.repeat(6, 5)), **same)


@every_estimator
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_is_rounded_once_at_the_end(estimator, dtype):
    """Half-precision vectors get the gradient of the same numbers in float32, rounded."""
    x, q, g = draw(50, 8, dtype=dtype)
    wide = gradient(estimator, x.detach().float().requires_grad_(), q.float(), g.float())
    assert gradient(estimator, x, q, g).equal(wide.to(dtype))


@every_estimator
def test_mixed_precision_keeps_each_dtype(estimator):
    """bfloat16 activations and a float32 codebook, as under autocast: y is float32 and exact, the gradient bfloat16."""
    x, q, g = draw(5, 4)
    half = x.detach().bfloat16().requires_grad_()
    y = estimator(half, q)
    assert y.detach().equal(q)
    y.backward(g)
    assert half.grad.dtype == torch.bfloat16


@every_estimator
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiled_is_eager_even_when_q_is_returned_too(estimator, backend):
    """One graph, no break, that also hands out q and a loss on it: each gradient reaches its own variable.

    Returning two names of one memory goes wrong here: torch restores the second from the first, and swaps gradients.
    """
    torch._dynamo.reset()
    x, q, g = draw(40, 6, seed=1)
    codebook, indices = q.detach().requires_grad_(), torch.arange(40).flip(0)

    def step(x, codebook):
        chosen = codebook[indices]
        y = estimator(x, chosen)
        return y, chosen, ((x.detach() - chosen) ** 2).sum()

    expected = []
    for run in (step, torch.compile(step, fullgraph=True, backend=backend)):
        y, chosen, loss = run(x, codebook)
        assert y.detach().equal(chosen.detach())
        at_y = torch.autograd.grad(y, [x, codebook], g, retain_graph=True, allow_unused=True)
        at_loss = torch.autograd.grad(loss, codebook)[0]
        assert at_y[1] is None or not at_y[1].any()
        expected.append((at_y[0], at_loss))
    # Eager and fused kernels add five numbers in another order: a few units in the last place of gradients of size 1 to 10.
    torch.testing.assert_close(
        expected[1][0], expected[0][0], rtol=0, atol=64 * 2.0**-23 * expected[0][0].norm(dim=-1).max()
    )
    torch.testing.assert_close(expected[1][1], expected[0][1])


@every_estimator
def test_compiled_with_a_dynamic_batch(estimator):
    """One graph serves batches of any size."""
    torch._dynamo.reset()
    compiled = torch.compile(estimator, fullgraph=True, backend="aot_eager", dynamic=True)
    for count in (7, 12, 3):
        x, q, g = draw(count, 4, seed=count)
        torch.testing.assert_close(gradient(compiled, x, q, g), gradient(estimator, x, q, g), rtol=1e-5, atol=1e-5)


@every_estimator
def test_export_holds_plain_operators_only(estimator):
    """torch.export with a dynamic batch traces, and no operator of ours is in the graph."""

    class Model(torch.nn.Module):
        def forward(self, x, q):
            return 2 * estimator(x, q)

    batch = torch.export.Dim("batch")
    x, q, _ = draw(5, 3)
    program = torch.export.export(Model().eval(), (x.detach(), q), dynamic_shapes=({0: batch}, {0: batch}))
    operators = [node.target for node in program.graph.nodes if isinstance(node.target, torch._ops.OpOverload)]
    assert {operator.namespace for operator in operators} == {"aten"}
    assert program.module()(x[:2].detach(), q[:2]).equal(2 * q[:2])


@every_estimator
def test_function_transforms_agree_with_autograd(estimator):
    """torch.func.grad, and vmap over it, give the gradients of backward()."""
    x, q, g = draw(6, 4)
    expected = gradient(estimator, x, q, g)
    one = torch.func.grad(lambda x, q, g: (estimator(x, q) * g).sum())
    torch.testing.assert_close(one(x.detach(), q, g), expected)
    torch.testing.assert_close(torch.vmap(one)(x.detach(), q, g), expected)
    shared = torch.vmap(one, in_dims=(1, None, None))(x.detach()[:, None].expand(6, 2, 4), q, g)
    torch.testing.assert_close(shared, expected.expand(2, 6, 4))


@every_estimator
def test_no_copy_is_made_outside_a_graph(estimator):
    """The result has the memory of q: what a layer holds of N·d does not double."""
    x, q, _ = draw(4, 3)
    assert estimator(x, q).data_ptr() == q.data_ptr()
    with torch.no_grad():
        assert estimator(x, q).data_ptr() == q.data_ptr()


@every_estimator
def test_changing_y_in_place_is_allowed_and_noticed(estimator):
    """An in-place ReLU on y works; whoever saved q for its own gradient gets an error, not a wrong gradient."""
    x, q, _ = draw(4, 3)
    weight = torch.ones(4, 3, requires_grad=True)
    saved = (weight * q).sum()
    y = estimator(x, q)
    y.relu_()
    assert (y >= 0).all()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        saved.backward()


@every_estimator
def test_checkpointing_gives_the_same_gradient(estimator):
    """Recomputed activations change nothing."""
    x, q, g = draw(6, 4)
    checkpointed = torch.utils.checkpoint.checkpoint(estimator, x, q, use_reentrant=False)
    assert torch.autograd.grad(checkpointed, x, g)[0].equal(gradient(estimator, x, q, g))


@every_estimator
def test_shapes_that_differ_are_refused(estimator):
    """Broadcasting a codeword over vectors, and tensors without coordinates, are one-line errors."""
    with pytest.raises(DataError, match=r"one shape \(..., d\), got \(4, 3\) and \(3,\)"):
        estimator(torch.zeros(4, 3), torch.zeros(3))
    with pytest.raises(DataError, match=r"got \(\) and \(\)"):
        estimator(torch.zeros(()), torch.zeros(()))
