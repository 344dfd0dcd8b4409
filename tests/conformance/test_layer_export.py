"""Export: in eval a layer is a graph of standard operators, which runs where nobody has heard of zador."""

from __future__ import annotations

import warnings

import onnxruntime
import torch

from conformance.layer_members import ALL, MEMBERS, SHORT, over, train

QUICK = ["vq-ema", "vq-shared-projected", "rvq", "bsq"]
VECTORS = 100_000


class Verb(torch.nn.Module):
    """What an exporter takes: a module whose pass returns tensors alone."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        out = self.layer(x)
        return out.quantized, out.indices


def settled(member):
    layer = member.make()
    for seed in range(2):
        train(layer, member.input(seed))
    return layer.eval()


def batch_sizes(low, high):
    return ({0: torch.export.Dim("batch", min=low, max=high)},)


def agree(found, expected, indices):
    """Assert that two evaluations chose alike, and say the same of it to rounding."""
    assert indices[0].equal(indices[1])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@over(ALL, long=[name for name in ALL if name not in QUICK])
def test_an_exported_layer_is_made_of_standard_operators(member):
    """`torch.export` with a dynamic batch: aten only, no operator of ours, and at other sizes the same results."""
    layer, x = settled(member), member.input(3)
    program = torch.export.export(layer, (x,), dynamic_shapes=batch_sizes(2, 512), strict=False)
    called = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert not [name for name in called if "zador" in name]
    for size in (2, 7):
        x = member.input(4, batch=size)
        out, expected = program.module()(x), layer(x)
        agree(out.quantized, expected.quantized, (out.indices, expected.indices))
        torch.testing.assert_close(out.loss, expected.loss, rtol=1e-5, atol=1e-6)


@over(["vq-ema", "rvq-projected"], long=["rvq-projected"])
def test_masks_are_exported_too(member):
    """A mask is one more input of the graph."""
    layer, x = settled(member), member.input(3)
    batch = torch.export.Dim("batch", min=2, max=512)
    program = torch.export.export(layer, (x, member.mask(x)), dynamic_shapes=({0: batch}, {0: batch}), strict=False)
    x = member.input(4, batch=7)
    mask = member.mask(x)
    out, expected = program.module()(x, mask), layer(x, mask)
    agree(out.quantized, expected.quantized, (out.indices, expected.indices))


def test_an_untrained_layer_can_be_exported():
    """What has not started is exported as it is; nothing asks whether it has."""
    layer, x = MEMBERS["vq-ema"].make().eval(), MEMBERS["vq-ema"].input()
    assert torch.export.export(layer, (x,), strict=False).module()(x).indices.equal(layer(x).indices)


@over(SHORT, long=[name for name in SHORT if name != "vq-ema"])
def test_onnx_chooses_the_same_indices(member, tmp_path):
    """`torch.onnx.export(dynamo=True)`: the indices of 100 000 vectors in onnxruntime are those of the layer."""
    layer = settled(member)
    with warnings.catch_warnings():
        # torch's exporter still copies trees in a way that torch itself warns of; its notices are not about the layer.
        warnings.filterwarnings("ignore", module="torch")
        warnings.filterwarnings("ignore", module="onnxscript")
        warnings.filterwarnings("ignore", module="copyreg")
        program = torch.onnx.export(
            Verb(layer).eval(), (member.input(3),), dynamo=True, dynamic_shapes=batch_sizes(2, 1 << 20), verbose=False
        )
    program.save(tmp_path / "layer.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "layer.onnx")
    x = member.input(5, batch=VECTORS // (member.vectors(member.input()) // member.shape[0]) + 1)
    assert member.vectors(x) >= VECTORS
    quantized, indices = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with torch.no_grad():
        expected = layer(x)
    agree(torch.from_numpy(quantized), expected.quantized, (torch.from_numpy(indices), expected.indices))


def test_decoding_is_exported():
    """Indices in, vectors out, for whoever receives tokens."""

    class Decoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = settled(MEMBERS["rvq-projected"])

        def forward(self, indices):
            return self.layer.decode(indices)

    decoder, indices = Decoder(), torch.randint(16, (5, 3), generator=torch.Generator().manual_seed(0))
    program = torch.export.export(decoder, (indices,), dynamic_shapes=batch_sizes(2, 512), strict=False)
    assert program.module()(indices[:3]).equal(decoder(indices[:3]))
