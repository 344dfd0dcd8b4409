"""Codes behind maps: what reaches the maps, who counts, and that other machinery of layers still works."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from zador.codebooks import Ema, Gradient
from zador.errors import UsageError
from zador.layers import AdaptiveCommitment, FactorisedBottleneck, LearnedTable, Space
from zador.quantizers.codes import (
    Code,
    DirectionCode,
    Heads,
    MultiScale,
    Product,
    Projected,
    QuantizerDropout,
    Residual,
    TabledCode,
)

D, WIDTH, K = 6, 3, 8


def projected(number=0, *, learner=None, dim=D, kind=DirectionCode):
    torch.manual_seed(number)
    start = torch.randn(K, WIDTH)
    table = LearnedTable(K, WIDTH, Gradient(start=start, revive=None) if learner is None else learner(start), stream=number)
    return Projected(kind(table), nn.Linear(dim, WIDTH), nn.Linear(WIDTH, dim), dim=dim)


def layer_of(code, **options):
    return FactorisedBottleneck(code, Space(code.dim, code.dim), **options)


def residual(**options):
    return Residual([projected(number) for number in range(3)], **options)


def drawn(seed=0, shape=(4, 30, D)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def by_hand(code, x, beta):
    """Return values and loss of a residual code of projected directions, written down as DAC has them."""
    rest, total, loss = x.reshape(-1, D), 0.0, 0.0
    for stage in code.stages:
        z = stage.into(rest)
        codewords = stage.each.table.codewords
        cosines = torch.nn.functional.cosine_similarity(z.detach()[:, None], codewords.detach()[None], dim=2)
        q = codewords[cosines.argmax(dim=1)]
        loss = loss + beta * ((z - q.detach()) ** 2).sum(dim=1).mean() + ((z.detach() - q) ** 2).sum(dim=1).mean()
        y = stage.out(z + (q - z).detach())
        total, rest = total + y, rest - y
    return total.view(x.shape), loss


def test_gradients_are_those_of_autograd():
    """Values, losses, and the gradient of every parameter and of x are those of the same stages written down plainly."""
    layer = layer_of(residual(), commitment=0.3)
    plain = copy.deepcopy(layer.quantizer)
    x = drawn().requires_grad_()
    twin = x.detach().clone().requires_grad_()
    out = layer(x)
    values, loss = by_hand(plain, twin, 0.3)
    torch.testing.assert_close(out.quantized, values)
    torch.testing.assert_close(out.loss, loss)
    (out.quantized.square().sum() + out.loss).backward()
    (values.square().sum() + loss).backward()
    torch.testing.assert_close(x.grad, twin.grad, rtol=1e-4, atol=1e-5)
    for (name, ours), (_, theirs) in zip(layer.quantizer.named_parameters(), plain.named_parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4, msg=name)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Product([projected(0, dim=4), projected(1, dim=2)]),
        lambda: Heads(projected(0, dim=3), 2),
        lambda: Product([Residual([projected(0, dim=4), projected(1, dim=4)]), TabledCode(LearnedTable(K, 2, Ema()))]),
        lambda: Residual([projected(0)], repeats=3),
    ],
    ids=["product", "heads", "mixed", "shared"],
)
def test_codes_of_codes(make):
    """Products, heads and shared stages give what their parts give: values that decode, and learn once a pass."""
    layer, x = layer_of(make()), drawn()
    for seed in range(3):
        layer(drawn(seed)).loss.backward()
    tables = [part for part in layer.modules() if isinstance(part, LearnedTable)]
    assert all(int(table.key[1]) == 3 for table in tables)
    layer.eval()
    out = layer(x)
    assert torch.equal(layer.decode(out.indices), out.quantized)
    assert torch.equal(layer.encode(x), out.indices)
    torch.testing.assert_close(out.info.distortion, ((out.quantized - x) ** 2).sum(dim=-1).mean())


def test_masked_vectors_count_nowhere():
    """Values, losses, gradients of the maps and what tables learn are those of the valid vectors alone."""
    whole, part = (
        layer_of(Residual([projected(0), projected(1, learner=lambda start: Ema(start=start))])) for _ in range(2)
    )
    x, mask = drawn(), torch.rand(4, 30, generator=torch.Generator().manual_seed(1)) < 0.6
    out, alone = whole(x, mask=mask), part(x[mask])
    assert torch.equal(out.indices[mask], alone.indices)
    assert (out.indices[~mask] == -1).all()
    assert (out.quantized[~mask] == 0).all()
    torch.testing.assert_close(out.quantized[mask], alone.quantized)
    torch.testing.assert_close(out.loss, alone.loss)
    torch.testing.assert_close(out.info.distortion, alone.info.distortion)
    for one, other in zip(whole.codebooks, part.codebooks, strict=True):
        torch.testing.assert_close(one, other)
    out.loss.backward()
    alone.loss.backward()
    for one, other in zip(whole.parameters(), part.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)
    assert whole(x, mask=torch.zeros(4, 30, dtype=torch.bool)).loss == 0


def test_a_sample_that_goes_no_further():
    """Under quantizer dropout a sample is the sum of the stages that it reached, offsets of the others left out."""
    layer, x = layer_of(residual(dropout=QuantizerDropout(probability=1.0))), drawn(shape=(60, 5, D))
    out = layer(x.requires_grad_())
    depths = (out.indices >= 0).sum(dim=-1)
    assert (depths == depths[:, :1]).all()
    assert sorted(set(depths.flatten().tolist())) == [1, 2, 3]
    torch.testing.assert_close(layer.decode(out.indices), out.quantized.detach())
    shallow = (depths[:, 0] == 1).nonzero().flatten()
    first = layer.quantizer.stages[0]
    torch.testing.assert_close(
        out.quantized[shallow],
        first.outward(
            first.each.decode(out.indices[shallow, :, :1].reshape(-1, 1)), out.indices[shallow, :, :1].reshape(-1, 1)
        ).view(-1, 5, D),
    )
    (gradients,) = torch.autograd.grad(out.quantized[shallow].sum(), layer.quantizer.stages[2].out.bias, allow_unused=True)
    assert not gradients.any()
    assert (layer.eval()(x).indices >= 0).all()


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_a_checkpoint_repeats_the_pass(use_reentrant):
    """Under gradient checkpointing gradients and codewords are those without, with a β that follows the usage too."""
    code = Residual([projected(0), projected(1, learner=lambda start: Ema(start=start))])
    plain = layer_of(code, commitment=AdaptiveCommitment(high=2.0, low=0.0, target=1.0))
    saving = copy.deepcopy(plain)
    for seed in range(2):
        grads = []
        for layer in (plain, saving):
            x = drawn(seed).requires_grad_()
            run = partial(checkpoint, layer, use_reentrant=use_reentrant) if layer is saving else layer
            values, _, loss, _ = run(x)
            (values.square().sum() + loss).backward()
            grads.append(x.grad)
        assert torch.equal(*grads)
    state = saving.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in plain.state_dict().items())


@pytest.mark.long
def test_one_graph():
    """It compiles into one graph, with the values, losses and gradients of the eager layer."""
    eager = layer_of(residual(dropout=QuantizerDropout(probability=0.5)))
    compiled = copy.deepcopy(eager)
    graph = torch.compile(compiled, fullgraph=True)
    for seed in range(2):
        results = []
        for layer in (eager, graph):
            x = drawn(seed).requires_grad_()
            out = layer(x)
            (out.quantized.square().sum() + out.loss).backward()
            results.append((out.indices, out.quantized, out.loss, x.grad))
        assert torch.equal(results[0][0], results[1][0])
        for one, other in zip(results[0][1:], results[1][1:], strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_model_of_16_bits():
    """Maps follow the model to bfloat16; codewords, the search and the losses stay in float32."""
    layer = layer_of(residual()).bfloat16()
    out = layer(drawn().bfloat16().requires_grad_())
    assert (out.quantized.dtype, out.loss.dtype) == (torch.bfloat16, torch.float32)
    assert {codewords.dtype for codewords in layer.codebooks} == {torch.float32}
    assert layer.quantizer.stages[0].into.weight.dtype == torch.bfloat16


def test_a_code_that_no_gradient_is_known_to_cross():
    """Codes that put projected ones together in a way of their own are refused when they are first used."""
    layer = FactorisedBottleneck(MultiScale(projected(0), [(1, 1), (2, 2)]), Space(4 * D, 4 * D))
    assert isinstance(layer.quantizer, Code)
    with pytest.raises(UsageError, match="MultiScale of projected codes"):
        layer(torch.randn(2, 4 * D))
