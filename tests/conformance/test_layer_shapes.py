"""What goes in comes out: shapes, layouts, float types, devices."""

from __future__ import annotations

import pytest
import torch

from conformance.layer_members import ALL, PLAIN, over
from zador.layers import LayerOutput, fsq, lfq, rvq, vq

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@over(ALL)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_values_have_the_shape_and_type_of_the_input(member, dtype, training):
    """Quantized has the shape and float type of x, indices are int64 of the positions, the loss is one float32 or better."""
    layer, x = member.make().train(training), member.input(dtype=dtype).requires_grad_()
    out = layer(x)
    assert isinstance(out, LayerOutput)
    assert (out.quantized.shape, out.quantized.dtype) == (x.shape, dtype)
    streams = (len(layer.sizes),) if len(layer.sizes) > 1 else ()
    assert (tuple(out.indices.shape), out.indices.dtype) == (member.lead(x) + streams, torch.int64)
    assert (out.loss.shape, out.loss.dtype.itemsize >= 4) == (torch.Size([]), True)
    (out.quantized.float().sum() + out.loss).backward()
    assert (x.grad.dtype, bool(torch.isfinite(x.grad).all())) == (dtype, True)


@over(ALL)
def test_memory_layout_does_not_matter(member):
    """Transposed, strided and expanded inputs give what their contiguous copies give, gradients included."""
    x = member.input()
    layers = [member.make() for _ in range(3)]
    strided = torch.stack([x, x + 1], dim=-1)[..., 0]
    transposed = x.transpose(0, -1).contiguous().transpose(0, -1)
    assert not strided.is_contiguous()
    results = []
    for layer, given in zip(layers, [x, strided, transposed], strict=True):
        leaf = given.detach().requires_grad_()
        out = layer(leaf)
        (out.quantized.pow(2).sum() + out.loss).backward()
        results.append((out.quantized, out.indices, out.loss, leaf.grad))
    for other in results[1:]:
        assert all(a.equal(b) for a, b in zip(results[0], other, strict=True))


@over([name for name in PLAIN if "multiscale" not in name])
def test_a_layout_is_only_a_layout(member):
    """The same vectors in another order of axes get the same indices and values."""
    layer, x = member.make(), member.input()
    layer(x)
    layer.eval()
    out, other = layer(x), member.make()
    other.load_state_dict(layer.state_dict())
    other.space.axis = 0
    moved = other.eval()(x.movedim(member.axis, 0))
    assert moved.indices.equal(out.indices)
    assert moved.quantized.movedim(0, member.axis).equal(out.quantized)


@pytest.mark.parametrize(
    "make", [lambda: vq(8, 16), lambda: rvq(8, 16, 2, codebook_dim=4), lambda: lfq(8), lambda: fsq([5] * 8)]
)
def test_a_single_vector_is_welcome(make):
    """(D,) gives values (D,) and an index without axes, or one axis of streams, and decodes to its values."""
    layer = make().eval()
    x = torch.linspace(-1, 1, 8)
    out = layer(x)
    assert out.quantized.shape == (8,)
    assert out.indices.shape == ((len(layer.sizes),) if len(layer.sizes) > 1 else ())
    assert layer.decode(layer.encode(x)).equal(out.quantized)
    make()(x.requires_grad_()).quantized.sum().backward()


@over(ALL)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_layer_works_where_it_is_moved(member):
    """On a GPU everything stays there, training works, and certified indices are those of the CPU."""
    here = member.make()
    here(member.input())
    there = member.make().cuda()
    there.load_state_dict(here.state_dict())
    out = there(member.input().cuda().requires_grad_())
    (out.quantized.pow(2).sum() + out.loss).backward()
    assert all(tensor.is_cuda for tensor in (*out[:3], out.info.usage, *there.state_dict().values()))
    there.load_state_dict(here.state_dict())
    x = member.input(seed=1)
    assert (there.eval().encode(x.cuda()).cpu() == here.eval().encode(x)).double().mean() > 0.999
    assert there.decode(there.encode(x.cuda())).is_cuda
