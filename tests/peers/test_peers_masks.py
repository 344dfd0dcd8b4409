"""Layouts, masks and empty batches, in all combinations that a network needs."""

from __future__ import annotations

import pytest
import torch
from einops import EinopsError
from vector_quantize_pytorch import FSQ, LFQ, GroupedResidualVQ, ResidualVQ, VectorQuantize

import zador
from zador.codebooks import Ema
from zador.errors import DataError

DIM, SIZE = 8, 16


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def started(dim=DIM, **options):
    """Our layer, on codewords of its own."""
    return zador.vq(DIM, SIZE, learner=Ema(start=drawn(SIZE, dim, seed=1)), **options)


def two_thirds(rows, columns):
    return torch.arange(columns).expand(rows, columns) < torch.tensor([columns, columns // 3])[:, None]


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("shape", [(2, DIM, 3, 5), (2, DIM, 15)])
def test_residual_layers_take_channels_first(grouped, shape):
    """Residual layers of the peer crash on images and on channel-first sequences; here they are as channel-last ones."""
    x = drawn(*shape)
    layout = {"accept_image_fmap": True} if x.ndim == 4 else {"channel_last": False}
    sizes = {"dim": DIM, "codebook_size": SIZE, "num_quantizers": 2}
    peer = GroupedResidualVQ(groups=2, **sizes, **layout) if grouped else ResidualVQ(**sizes, **layout)
    with pytest.raises((RuntimeError, EinopsError, AssertionError)):
        peer(x)
    first, last = (
        zador.grvq(DIM, SIZE, stages=2, groups=2, axis=axis) if grouped else zador.rvq(DIM, SIZE, stages=2, axis=axis)
        for axis in (1, -1)
    )
    out, expected = first(x), last(x.movedim(1, -1))
    assert torch.equal(out.quantized.movedim(1, -1), expected.quantized)
    assert torch.equal(out.indices, expected.indices)


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        ({"codebook_dim": 4}, {"codebook_dim": 4}),
        ({"heads": 2, "codebook_dim": 4}, {"heads": 2}),
        ({"heads": 2, "codebook_dim": 4, "separate_codebook_per_head": True}, {"heads": 2}),
    ],
)
def test_a_mask_goes_with_projections_and_heads(theirs, mine):
    """The peer crashes on a mask with projections or heads; here loss and indices are those of the vectors that count."""
    x, mask = drawn(2, 12, DIM), two_thirds(2, 12)
    with pytest.raises((RuntimeError, IndexError)):
        VectorQuantize(DIM, SIZE, **theirs)(x, mask=mask)
    layer, alone = (started(4, **mine) if "codebook_dim" in mine else started_heads(**mine) for _ in range(2))
    out, expected = layer(x, mask=mask), alone(x[mask])
    torch.testing.assert_close(out.loss, expected.loss, rtol=1e-6, atol=0)
    assert torch.equal(out.indices[mask], expected.indices)
    assert (out.indices[~mask] == -1).all()
    assert (out.quantized[~mask] == 0).all()


def started_heads(heads):
    return zador.vq(DIM, SIZE, heads=heads, learner=Ema(start=drawn(SIZE, DIM // heads, seed=1)))


def test_a_mask_of_nothing_changes_no_cosine_loss():
    """With cosine codes the peer's loss under an all-True mask is that of other vectors; here it is the same number."""
    x, mask = 10 * drawn(2, 12, DIM), torch.ones(2, 12, dtype=torch.bool)
    peer = VectorQuantize(DIM, SIZE, use_cosine_sim=True, freeze_codebook=True)
    masked, plain = peer(x, mask=mask)[2], peer(x)[2]
    assert masked > 10 * plain
    layer = started(cosine=True)
    layer.frozen = True
    torch.testing.assert_close(layer(x, mask=mask).loss, layer(x).loss, rtol=1e-6, atol=0)


def test_nothing_that_counts_is_no_nan():
    """A mask without a vector, or a batch without one, gives the peer a NaN loss; here it is 0 and nothing is learnt."""
    x, nothing = drawn(2, 12, DIM), torch.zeros(2, 12, dtype=torch.bool)
    assert torch.isnan(VectorQuantize(DIM, SIZE)(x, mask=nothing)[2])
    assert torch.isnan(VectorQuantize(DIM, SIZE)(x[:0])[2])
    layer = started()
    before = layer.codebooks[0].clone()
    for out in (layer(x, mask=nothing), layer(x[:0])):
        assert out.loss == 0
        assert out.info.distortion == 0
    assert torch.equal(layer.codebooks[0], before)


def test_images_take_masks():
    """The peer refuses a mask for an image with an assertion that says nothing; here a mask has a boolean a pixel."""
    x, mask = drawn(2, DIM, 4, 3), two_thirds(2, 12).reshape(2, 4, 3)
    with pytest.raises(AssertionError, match=r"^$"):
        VectorQuantize(DIM, SIZE, accept_image_fmap=True)(x, mask=mask)
    out, expected = started(axis=1)(x, mask=mask), started()(x.movedim(1, -1)[mask])
    assert torch.equal(out.indices[mask], expected.indices)
    torch.testing.assert_close(out.loss, expected.loss, rtol=1e-6, atol=0)


def test_no_axis_is_guessed():
    """From four axes on, the peer's FSQ takes the second for the channels, wherever they are; here the axis is said."""
    x = drawn(2, 3, 5, 3)
    peer, layer = FSQ([4, 5, 6]), zador.fsq((4, 5, 6))
    rows = peer(x.reshape(1, -1, 3))[0].reshape(x.shape)
    assert not torch.allclose(peer(x)[0], rows)
    assert torch.equal(layer(x).quantized, layer(x.reshape(-1, 3)).quantized.reshape(x.shape))
    first = zador.fsq((4, 5, 6), axis=1)
    assert torch.equal(first(x.movedim(-1, 1)).quantized.movedim(1, -1), layer(x).quantized)


@pytest.mark.parametrize(
    ("peer", "layer"), [(lambda: FSQ([4, 5, 6]), lambda: zador.fsq((4, 5, 6))), (lambda: LFQ(dim=3), lambda: zador.lfq(3))]
)
def test_a_plain_matrix_will_do(peer, layer):
    """FSQ and LFQ of the peer fail on (N, d) inside einops; here any leading axes will do, none as well."""
    x = drawn(7, 3)
    with pytest.raises(EinopsError):
        peer()(x)
    grid = layer()
    assert grid(x).indices.shape == (7,)
    assert torch.equal(grid(x[0]).indices, grid(x).indices[0])


def test_the_index_of_nothing_decodes_to_zeros():
    """The peer decodes -1, its index of a masked vector, to its last codeword; here it is zeros, and K is refused."""
    peer, layer = VectorQuantize(DIM, SIZE), started()
    assert torch.equal(peer.get_codes_from_indices(torch.tensor([-1])), peer.codebook[-1:])
    assert torch.equal(layer.decode(torch.tensor([-1])), torch.zeros(1, DIM))
    for index in (-2, SIZE):
        with pytest.raises(DataError, match=f"no index of this layer .{index}"):
            layer.decode(torch.tensor([index]))
