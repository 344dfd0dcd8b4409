"""What a checkpoint holds, and what evaluation and a smaller float type do to it."""

from __future__ import annotations

import copy
import pickle
from functools import partial

import pytest
import torch
from safetensors.torch import load, save
from vector_quantize_pytorch import LFQ, LatentQuantize, ResidualSimVQ, ResidualVQ, VectorQuantize

import zador
from zador.codebooks import Ema, Gradient

COUNT, DIM, SIZE = 300, 8, 16
OURS = {
    "vq": lambda: zador.vq(DIM, SIZE),
    "vq, gradient": lambda: zador.vq(DIM, SIZE, learner=Gradient()),
    "vq, cosine, heads, projections": lambda: zador.vq(DIM, SIZE, heads=2, codebook_dim=3, cosine=True),
    "rvq": lambda: zador.rvq(DIM, SIZE, stages=3),
    "rvq, shared": lambda: zador.rvq(DIM, SIZE, stages=3, shared_codebook=True),
    "pq": lambda: zador.pq(DIM, SIZE, parts=2),
    "grvq": lambda: zador.grvq(DIM, SIZE, stages=2, groups=2),
    "fsq": lambda: zador.fsq((5, 5, 5), dim=DIM),
    "lfq": lambda: zador.lfq(DIM),
    "bsq": lambda: zador.bsq(DIM),
}


def drawn(seed=0):
    return torch.randn(1, COUNT, DIM, generator=torch.Generator().manual_seed(seed))


def state_of(layer):
    return {name: value.clone() for name, value in layer.state_dict().items()}


def changed(layer, state):
    return [name for name, value in layer.state_dict().items() if not torch.equal(value, state[name])]


@pytest.mark.parametrize("name", OURS)
def test_evaluation_changes_nothing(name):
    """The peer's affine statistics follow the data in evaluation; here no number of any layer changes."""
    layer = OURS[name]()
    layer(drawn())
    layer.eval()
    state = state_of(layer)
    layer(drawn(1))
    layer.encode(drawn(2))
    assert changed(layer, state) == []


def test_the_peers_evaluation_changes_it():
    """What the test above rules out: affine parameters of the peer, trained once, are others after an evaluation."""
    peer = VectorQuantize(DIM, SIZE, affine_param=True)
    peer(drawn())
    peer.eval()
    state = state_of(peer)
    peer(drawn(1))
    assert set(changed(peer, state)) == {"_codebook.batch_mean", "_codebook.batch_variance"}


@pytest.mark.parametrize("name", OURS)
def test_a_checkpoint_fits_a_new_layer(name):
    """After one step the peer's affine checkpoint no longer loads strictly; here every layer's does, via safetensors."""
    layer, fresh = OURS[name](), OURS[name]()
    layer(drawn())
    fresh.load_state_dict(load(save(layer.state_dict())), strict=True)
    assert changed(fresh, state_of(layer)) == []
    assert torch.equal(fresh.eval()(drawn(1)).quantized, layer.eval()(drawn(1)).quantized)


def test_the_peers_checkpoint_does_not_fit():
    """What the test above rules out: two buffers of the peer's affine layer are registered when they are first needed."""
    peer = VectorQuantize(DIM, SIZE, affine_param=True)
    peer(drawn())
    with pytest.raises(RuntimeError, match=r"Unexpected key.*batch_mean"):
        VectorQuantize(DIM, SIZE, affine_param=True).load_state_dict(peer.state_dict())


def test_a_shared_codebook_is_saved_once():
    """The peer saves a shared codebook once a stage, which safetensors refuses; here it is one table, and one entry."""
    peer = ResidualVQ(dim=DIM, codebook_size=SIZE, num_quantizers=3, shared_codebook=True)
    with pytest.raises(RuntimeError, match="share memory"):
        save(peer.state_dict())
    layer = zador.rvq(DIM, SIZE, stages=3, shared_codebook=True)
    assert [name for name in layer.state_dict() if name.endswith(".codewords")] == ["quantizer.stages.0.table.codewords"]
    assert len({value.data_ptr() for value in layer.state_dict().values()}) == len(layer.state_dict())


def test_nothing_that_training_needs_is_left_out():
    """The peer's own optimiser is not in its checkpoint, so resumed training differs; here the state is all there is."""
    make = partial(VectorQuantize, DIM, SIZE, learnable_codebook=True, ema_update=False)
    adam = partial(torch.optim.Adam, lr=0.1)
    peer, resumed = (make(in_place_codebook_optimizer=adam) for _ in range(2))
    peer(drawn())
    resumed.load_state_dict(peer.state_dict())
    for each in (peer, resumed):
        each(drawn(1))
    assert not torch.equal(peer.codebook, resumed.codebook)
    layer, again = (zador.vq(DIM, SIZE) for _ in range(2))
    layer(drawn())
    again.load_state_dict(layer.state_dict())
    for each in (layer, again):
        each(drawn(1))
    assert changed(again, state_of(layer)) == []


@pytest.mark.parametrize("name", OURS)
def test_every_layer_can_be_copied_and_sent(name):
    """The peer's spherical LFQ holds a lambda and cannot be pickled; here all layers can, for other processes."""
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(LFQ(dim=4, spherical=True))
    layer = OURS[name]()
    layer(drawn())
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):  # noqa: S301 - our own bytes
        assert changed(twin, state_of(layer)) == []
        assert torch.equal(twin.eval()(drawn(1)).quantized, layer.eval()(drawn(1)).quantized)
        layer.train()


def test_averages_do_not_stall_in_16_bits():
    """In a bfloat16 model the peer's averages stop half a percent and more from the mean; here they stay in float32."""
    x = drawn().bfloat16()
    mean = x.double().mean(dim=(0, 1))
    peer = VectorQuantize(DIM, 1, decay=0.99).bfloat16()
    layer = zador.vq(DIM, 1, learner=Ema(start=torch.full((1, DIM), 3.0), warmup=1)).bfloat16()
    for _ in range(800):
        peer(x)
        layer(x)
    assert (peer.codebook.double() - mean).abs().max() > 5e-3
    assert (layer.codebooks[0].double() - mean).abs().max() < 1e-6
    assert layer.codebooks[0].dtype == torch.float32


def test_attributes_are_there():
    """Two options of the peer end in an AttributeError; here sizes and codebooks can be asked of every layer."""
    with pytest.raises(AttributeError):
        LatentQuantize(levels=[4] * DIM, dim=DIM, in_place_codebook_optimizer=partial(torch.optim.SGD, lr=0.1))(
            torch.randn(2, DIM, 3, 3)
        )
    with pytest.raises(AttributeError):
        _ = ResidualSimVQ(dim=DIM, num_quantizers=2, codebook_size=SIZE).codebook_dim
    for make in OURS.values():
        layer = make()
        assert layer.bits == pytest.approx(sum(torch.tensor(layer.sizes).double().log2().tolist()))
        assert len(layer.codebooks) == len(list(layer.codebooks))
