"""`torch.compile(fullgraph=True)`: one graph, and in it what happens outside: indices, gradients, buffers."""

from __future__ import annotations

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from conformance.layer_members import ALL, MEMBERS, SHORT, over, same_buffers, train
from zador.errors import NonFiniteError
from zador.layers import vq

# Interpolation is decomposed by the compiler, into sums in another order.
REORDERED = [name for name in ALL if name.startswith("multiscale")]
QUICK = ["vq-ema", "vq-projected", "rvq", "lfq"]
SLOW = [name for name in ALL if name not in QUICK]


@pytest.fixture(autouse=True)
def _fresh_compiler():
    torch.compiler.reset()


def close(one, other):
    """Assert that tensors agree to the rounding of float32 sums in another order."""
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def steps(compiled, plain, inputs, *, exact, **options):
    for x in inputs:
        (gradient, indices), (expected, same) = train(compiled, x, **options), train(plain, x, **options)
        assert indices.equal(same)
        assert gradient.equal(expected) if exact else close(gradient, expected) is None
        for name, value in compiled._orig_mod.state_dict().items():
            other = plain.state_dict()[name]
            assert value.equal(other) if exact else close(value, other) is None


@over(ALL, long=SLOW)
def test_compiled_training_is_plain_training(member):
    """Traced as one graph, three steps give the same indices, gradients and buffers; to the bit, but for interpolation."""
    plain, layer = member.make(), member.make()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    steps(compiled, plain, [member.input(seed) for seed in range(3)], exact=not member.whole)
    x = member.input(9)
    plain.eval()
    out, same = compiled.eval()(x), plain(x)
    assert out.indices.equal(same.indices)
    close(out.quantized, same.quantized)
    close(out.loss, same.loss)


@over(ALL, long=[name for name in ALL if name != "vq-heads"])
def test_compiled_training_under_a_mask_is_plain_training(member):
    """Masks are traced as well."""
    plain, layer = member.make(), member.make()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x = member.input()
    steps(compiled, plain, [x, member.input(1)], exact=not member.whole, mask=member.mask(x))


@over(SHORT, long=[name for name in SHORT if name != "vq-ema"])
def test_what_inductor_makes_is_the_same_to_rounding(member):
    """Generated code chooses the same indices; gradients and statistics differ by the order of sums at most."""
    plain, layer = member.make(), member.make()
    compiled = torch.compile(layer, fullgraph=True)
    steps(compiled, plain, [member.input(seed) for seed in range(2)], exact=False)


@over(SHORT, long=[name for name in SHORT if name != "vq-ema"])
def test_batches_of_many_sizes_are_few_graphs(member):
    """After the second size, sizes are symbols: no further size is compiled for."""
    counter = CompileCounterWithBackend("aot_eager")
    layer = torch.compile(member.make(), fullgraph=True, backend=counter)
    for size in range(8, 14):
        layer(member.input(batch=size))
    assert counter.frame_count <= 2


@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.long)])
def test_a_compiled_model_refuses_what_is_not_finite(backend):
    """The check survives compilation even where a model uses nothing but the values, and no buffer has changed."""
    layer, twin, x = vq(8, 16), vq(8, 16), MEMBERS["vq-ema"].input()
    layer(x)
    twin(x)

    def model(x):
        return layer(x).quantized * 2

    compiled = torch.compile(model, fullgraph=True, backend=backend)
    x[1, 3, 5] = torch.nan
    with pytest.raises(NonFiniteError, match=r"1 of 160 vectors hold NaN or infinity \(rows 43\)"):
        compiled(x.requires_grad_())
    assert same_buffers(layer, twin)


@over(["vq-ema", "fsq-projected"])
def test_codes_are_compiled_too(member):
    """`encode` and `decode` are one graph each, and give what they give outside."""
    layer, x = member.make(), member.input()
    train(layer, x)
    encode, decode = (torch.compile(verb, fullgraph=True, backend="aot_eager") for verb in (layer.encode, layer.decode))
    indices = encode(x)
    assert indices.equal(layer.encode(x))
    assert decode(indices).equal(layer.decode(indices))
