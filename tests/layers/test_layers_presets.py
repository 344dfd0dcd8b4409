"""Presets against the quantizers of another room, or against their definition written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

import zador
from zador.codebooks import Ema, Frozen, Gradient
from zador.errors import UsageError
from zador.quantizers import ProductQuantizer, ResidualQuantizer, VectorQuantizer


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def taught(layer: torch.nn.Module, x: torch.Tensor, passes: int = 3) -> torch.nn.Module:
    for _ in range(passes):
        layer(x)
    return layer.eval()


def usage(layer: torch.nn.Module) -> tuple[np.ndarray, ...]:
    return tuple(np.ones(size) for size in layer.sizes)


def test_vq_is_the_vector_quantizer_of_its_codebook():
    """Indices and values are those of `VectorQuantizer` over the same codewords."""
    layer, x = taught(zador.vq(6, 32), vectors(500, 6)), vectors(700, 6, seed=1)
    plain = VectorQuantizer(codewords=layer.codebooks[0].numpy(), usage=usage(layer))
    indices = layer.encode(x)
    np.testing.assert_array_equal(indices[:, None].numpy(), plain.encode(x.numpy()))
    np.testing.assert_array_equal(layer.decode(indices).numpy(), plain.decode(indices[:, None].numpy()))


def test_pq_is_the_product_quantizer_of_its_codebooks():
    """Uneven parts included: 7 coordinates in parts of 3, 2 and 2."""
    layer, x = taught(zador.pq(7, [16, 8, 4], 3), vectors(500, 7)), vectors(300, 7, seed=1)
    columns = tuple(np.array(part) for part in ([0, 1, 2], [3, 4], [5, 6]))
    tables = tuple(table.numpy() for table in layer.codebooks)
    plain = ProductQuantizer(frame=None, columns=columns, codebooks=tables, usage=usage(layer))
    np.testing.assert_array_equal(layer.encode(x).numpy(), plain.encode(x.numpy()))
    np.testing.assert_array_equal(layer(x).quantized.detach().numpy(), plain.decode(layer.encode(x).numpy()))


def test_rvq_is_the_residual_quantizer_of_its_codebooks():
    """With tables of several sizes."""
    layer, x = taught(zador.rvq(6, [32, 16, 8], 3), vectors(500, 6)), vectors(300, 6, seed=1)
    tables = tuple(table.numpy() for table in layer.codebooks)
    plain = ResidualQuantizer(mean=np.zeros(6, np.float32), codebooks=tables, usage=usage(layer))
    np.testing.assert_array_equal(layer.encode(x).numpy(), plain.encode(x.numpy()))
    np.testing.assert_allclose(layer.decode(layer.encode(x)).numpy(), plain.decode(layer.encode(x).numpy()), atol=1e-6)


def test_grvq_quantizes_every_group_as_a_residual_quantizer_of_its_own():
    """Streams 0 to S-1 belong to the first group, and so on."""
    layer, x = taught(zador.grvq(8, 16, stages=2, groups=2), vectors(500, 8)), vectors(300, 8, seed=1)
    tables, indices = layer.codebooks, layer.encode(x)
    for group, part in enumerate(x.split(4, dim=1)):
        plain = ResidualQuantizer(
            mean=np.zeros(4, np.float32),
            codebooks=tuple(table.numpy() for table in tables[2 * group : 2 * group + 2]),
            usage=(np.ones(16),) * 2,
        )
        np.testing.assert_array_equal(indices[:, 2 * group : 2 * group + 2].numpy(), plain.encode(part.numpy()))


def test_a_shared_codebook_of_a_residual_layer_is_one_table():
    """One table in the state, the same at every stage; its tally hears all stages."""
    layer = zador.rvq(6, 16, 3, shared_codebook=True)
    x = vectors(100, 6)
    layer(x)
    assert len(layer.codebooks) == 1
    assert layer.quantizer.stages[0].table.tally.counts.sum() == 300
    layer.eval()
    values = sum(layer.codebooks[0][layer.encode(x)[:, stage]] for stage in range(3))
    torch.testing.assert_close(layer.decode(layer.encode(x)), values, rtol=0, atol=1e-6)


def test_cosine_codes_choose_the_largest_cosine():
    """Vectors of any length choose by direction, and what comes out has length 1."""
    layer, x = taught(zador.vq(6, 32, cosine=True), vectors(500, 6)), vectors(300, 6, seed=1) * 7
    cosines = functional.normalize(x.double(), dim=1) @ layer.codebooks[0].double().T
    assert layer.encode(x).equal(cosines.argmax(dim=1))
    torch.testing.assert_close(layer(x).quantized.norm(dim=1), torch.ones(300))


def test_heads_with_a_shared_codebook_are_vectors_of_their_own():
    """H heads of one table are H times as many vectors through a layer with one head."""
    start = vectors(16, 3, seed=2).numpy()
    shared = zador.vq(6, 16, heads=2, shared_codebook=True, learner=Frozen(start=start)).eval()
    one = zador.vq(3, 16, learner=Frozen(start=start)).eval()
    x = vectors(50, 6)
    assert shared.encode(x).equal(one.encode(x.reshape(50, 2, 3)))


def test_projections_start_as_a_projection_and_its_transpose():
    """What leaves the maps is what enters, seen from the d coordinates that the code sees."""
    space = zador.vq(8, 16, codebook_dim=3).space
    weight = space.into.weight
    torch.testing.assert_close(weight @ weight.T, torch.eye(3))
    torch.testing.assert_close(space.out.weight, weight.T)


def test_simvq_starts_where_a_plain_table_would_and_moves_all_codewords_at_once():
    """The start is that of k-means++; one step on a vector that chooses one codeword moves every one."""
    x = vectors(400, 4) * torch.tensor([3.0, 1.0, 0.5, 0.1]) + 5
    simvq, plain = zador.simvq(4, 16), zador.vq(4, 16, learner=Gradient(revive=None))
    simvq(x)
    plain(x)
    torch.testing.assert_close(simvq.codebooks[0], plain.codebooks[0], rtol=1e-4, atol=1e-4)
    before = simvq.codebooks[0]
    optimiser = torch.optim.SGD(simvq.parameters(), lr=0.1)
    simvq(x[:1] + 0.3).loss.backward()
    optimiser.step()
    assert bool(((simvq.codebooks[0] - before).abs().amax(dim=1) > 0).all())


def test_simvq_learns_as_far_as_a_map_can():
    """The codebook loss falls under Adam, and base vectors stay where they are."""
    x = vectors(2000, 4) @ vectors(4, 4, seed=3) + 5
    layer = zador.simvq(4, 32)
    layer(x)
    base = layer.quantizer.table.codewords.clone()
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        out = layer(x)
        out.loss.backward()
        optimiser.step()
        losses.append(out.info.codebook.item())
    assert losses[-1] < 0.95 * losses[0]
    assert layer.quantizer.table.codewords.equal(base)
    with pytest.raises(UsageError, match="revive=None"):
        zador.simvq(4, 32, learner=Gradient())


def test_rsimvq_subtracts_hard_values():
    """The value is the sum of the codewords of the stages."""
    layer, x = taught(zador.rsimvq(4, 16, 3), vectors(500, 4)), vectors(100, 4, seed=1)
    indices = layer.encode(x)
    values = sum(table[indices[:, stage]] for stage, table in enumerate(layer.codebooks))
    torch.testing.assert_close(layer.decode(indices), values, rtol=0, atol=1e-5)


def test_random_projection_is_fixed_and_chooses_by_cosine():
    """`argmax_k cos(c_k, A x)` for the projection and the codewords that the state holds; training changes neither."""
    layer, x = zador.random_projection(20, 64, 8, codebooks=2), vectors(300, 20)
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items() if "codewords" in name or "into" in name}
    for _ in range(3):
        layer(x)
    assert all(layer.state_dict()[name].equal(tensor) for name, tensor in before.items())
    projected = x.double() @ layer.space.into.weight.double().T
    for head, part in enumerate(projected.split(8, dim=1)):
        cosines = functional.normalize(part, dim=1) @ layer.codebooks[head].double().T
        assert layer.encode(x)[:, head].equal(cosines.argmax(dim=1))
    assert layer(x).quantized.shape == (300, 16)
    assert not layer.encode(x).equal(zador.random_projection(20, 64, 8, codebooks=2, seed=1).encode(x))


def test_one_scale_is_a_plain_layer_of_pixels():
    """A multi-scale layer with the full map alone quantizes every pixel by itself."""
    start = vectors(16, 5, seed=4).numpy()
    x = vectors(3, 5, 4, 6)
    maps = zador.multiscale(5, 16, [(4, 6)], axis=1, learner=Frozen(start=start)).eval()
    plain = zador.vq(5, 16, axis=1, learner=Frozen(start=start)).eval()
    assert maps.encode(x).equal(plain.encode(x).flatten(1))
    assert maps(x).quantized.equal(plain(x).quantized)
    torch.testing.assert_close(maps(x).loss, plain(x).loss)


def test_scales_follow_their_definition():
    """Means over cells, nearest codewords, bicubic interpolation, subtraction: written out scale by scale."""
    start = vectors(16, 5, seed=4).numpy()
    layer = zador.multiscale(5, 16, (1, 2, 4), axis=1, learner=Frozen(start=start)).eval()
    x = vectors(3, 5, 4, 4)
    rest, total, indices = x.clone(), torch.zeros_like(x), []
    for side in (1, 2, 4):
        cells = rest.reshape(3, 5, side, 4 // side, side, 4 // side).mean(dim=(3, 5)).permute(0, 2, 3, 1)
        found = ((cells[..., None, :].double() - torch.from_numpy(start).double()) ** 2).sum(dim=-1).argmin(dim=-1)
        indices.append(found.flatten(1))
        values = torch.from_numpy(start)[found].permute(0, 3, 1, 2)
        full = functional.interpolate(values, (4, 4), mode="bicubic", align_corners=False)
        rest, total = rest - full, total + full
    assert layer.encode(x).equal(torch.cat(indices, dim=1))
    torch.testing.assert_close(layer(x).quantized, total)
    assert layer.bits == pytest.approx(21 * 4)


def test_scales_that_do_not_grow_are_refused():
    """So are maps of another size, and masks of pixels."""
    with pytest.raises(UsageError, match="grow"):
        zador.multiscale(5, 16, (4, 2))
    layer = zador.multiscale(5, 16, (1, 2), axis=1)
    with pytest.raises(zador.errors.DataError, match="maps of"):
        layer(vectors(3, 5, 4, 4))
    with pytest.raises(zador.errors.DataError, match="for each map"):
        layer(vectors(3, 5, 2, 2), mask=torch.ones(3, 2, 2, dtype=torch.bool))


def test_lfq_and_bsq_are_signs():
    """Values ±1, or ±1/√d; with heads an index for each."""
    x = vectors(50, 6)
    assert zador.lfq(6).eval()(x).quantized.equal(torch.where(x >= 0, 1.0, -1.0))
    torch.testing.assert_close(zador.bsq(6).eval()(x).quantized, torch.where(x >= 0, 1.0, -1.0) / 6**0.5)
    assert zador.lfq(6, heads=2).encode(x).shape == (50, 2)
    assert zador.bsq(6, entropy=None)(x).info.entropy == 0


def test_every_table_of_a_layer_may_have_its_own_learner():
    """A list of learners is handed out in order; a list of another length is refused."""
    layer = zador.rvq(4, 8, 2, learner=[Ema(decay=0.5), Gradient()])
    assert [name for name, _ in layer.named_parameters()] == ["quantizer.stages.1.table.codewords"]
    with pytest.raises(UsageError, match="one for each of the 2 tables"):
        zador.rvq(4, 8, 2, learner=[Ema()] * 3)
    with pytest.raises(UsageError, match="learner='ema': expected an object"):
        zador.vq(4, 8, learner="ema")


def test_usage_is_that_of_a_window_not_of_a_batch():
    """Batches that use half the codewords each: the window has seen all of them, and its perplexity says so."""
    layer = zador.vq(1, 8, learner=Frozen(start=np.arange(8.0, dtype=np.float32)[:, None]))
    low, high = torch.arange(4.0)[:, None], torch.arange(4.0, 8.0)[:, None]
    layer(low)
    out = layer(high)
    assert out.info.usage.tolist() == [1.0]
    assert out.info.perplexity.item() == pytest.approx(8.0, abs=0.01)
    for _ in range(200):  # 800 vectors: more than the window of 64 · 8 = 512
        out = layer(high)
    assert out.info.usage.tolist() == [0.5]
    assert out.info.perplexity.item() < 5.5
