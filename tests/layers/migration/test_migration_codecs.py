"""Weights made by the code of EnCodec, DAC and transformers: their indices and values, and they train on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from zador.codebooks import Ema, Frozen, Gradient
from zador.errors import DataError, UsageError
from zador.estimators import NoisyEstimator
from zador.layers import Bottleneck, FactorisedBottleneck, Space, from_dac, from_encodec
from zador.layers.table import LearnedTable
from zador.quantizers.codes import DirectionCode, Projected, TabledCode

WEIGHTS = Path(__file__).parent / "weights"
ENCODEC = ["encodec", "encodec_projected", "encodec_transformers"]
DAC = ["dac", "dac_parametrized", "dac_transformers"]


def held(name, part="state."):
    tensors = load_file(WEIGHTS / f"{name}.safetensors")
    return {key.removeprefix(part): value for key, value in tensors.items() if key.startswith(part)}


def loaded(name, **options):
    return (from_dac if name in DAC else from_encodec)(held(name), **options)


@pytest.mark.parametrize("name", ENCODEC + DAC)
def test_it_answers_as_the_codec_does(name):
    """Indices are those that the codec's own code found, values its own, by forward, encode and decode."""
    layer, kept = loaded(name).eval(), held(name, "")
    out = layer(kept["x"])
    assert torch.equal(out.indices, kept["indices"])
    assert torch.equal(layer.encode(kept["x"]), kept["indices"])
    # The maps add up 12 products, in float32.
    torch.testing.assert_close(out.quantized, kept["values"], rtol=1e-5, atol=1e-5)
    assert torch.equal(layer.decode(out.indices), out.quantized)


@pytest.mark.parametrize("name", ENCODEC + DAC)
def test_fewer_stages_are_the_first_ones(name):
    """With `stages` the first so many are read; what they decode to is what all streams with -1 for the rest decode to."""
    whole, part, kept = loaded(name).eval(), loaded(name, stages=2).eval(), held(name, "")
    assert torch.equal(part.encode(kept["x"]), kept["indices"][..., :2])
    coarse = kept["indices"].clone()
    coarse[..., 2:] = -1
    assert torch.equal(whole.decode(coarse), part.decode(kept["indices"][..., :2]))
    with pytest.raises(UsageError, match="stages"):
        loaded(name, stages=len(whole.sizes) + 1)


@pytest.mark.parametrize("name", ["encodec", "encodec_projected"])
def test_encodec_s_averages_go_on(name):
    """One more training step moves every codeword and every count to where EnCodec's own code moves them."""
    layer, after = loaded(name).train(), held(name, "next.")
    layer(after["x"])
    tables = [part for part in layer.modules() if isinstance(part, LearnedTable)]
    for stage, table in enumerate(tables):
        assert bool(table.started)
        torch.testing.assert_close(table.counts, after[f"layers.{stage}._codebook.cluster_size"], rtol=1e-6, atol=1e-6)
        # Smoothing by 1e-5 in the division moves a codeword with few members by that share; ours has none to undo.
        alive = table.counts > 0.1
        assert alive.sum() >= 8
        theirs = after[f"layers.{stage}._codebook.embed"]
        torch.testing.assert_close(table.codewords[alive], theirs[alive], rtol=1e-3, atol=1e-3)


def test_averages_are_warm():
    """A learner that warms up takes counts that were averages already as warm: its first step is at its full decay."""
    after = held("encodec", "next.")
    cold, warm = (
        loaded("encodec", learner=Ema(decay=0.99, smoothing=1e-5, warmup=each, revive=None)) for each in (1.0, 10.0)
    )
    for layer in (cold, warm):
        layer.train()(after["x"])
    for one, other in zip(cold.codebooks, warm.codebooks, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["dac", "dac_transformers"])
def test_dac_trains_as_its_own_code_does(name):
    """Losses of a training step, and gradients of the input, codewords, offsets and maps, are those of DAC's own code."""
    layer, after = loaded(name).train(), held(name, "next.")
    x = after["x"].clone().requires_grad_()
    out = layer(x)
    (out.quantized.square().sum() + out.loss).backward()
    torch.testing.assert_close(out.info.commitment, after["commitment"])
    torch.testing.assert_close(out.info.codebook, after["codebook"])
    torch.testing.assert_close(x.grad, after["gradient.x"], rtol=1e-4, atol=1e-4)
    for number, stage in enumerate(layer.quantizer.stages):
        ours = {
            "in_proj.bias": stage.into.bias,
            "out_proj.bias": stage.out.bias,
            "codebook.weight": stage.each.table.codewords,
        }
        if name == "dac_transformers":
            ours |= {"in_proj.weight": stage.into.weight, "out_proj.weight": stage.out.weight}
        for part, parameter in ours.items():
            theirs = after[f"gradient.quantizers.{number}.{part}"]
            # Sums over 80 vectors of numbers of size 10, in float32.
            torch.testing.assert_close(parameter.grad, theirs.view(parameter.shape), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", ["encodec", "dac"])
def test_training_goes_on(name):
    """After 150 steps of training, the codec's quantizer reconstructs its batch better than the weights it came with."""
    layer, x = loaded(name), held(name, "")["x"]
    moved = list(layer.parameters())
    optimiser = torch.optim.Adam(moved, lr=0.003) if moved else None
    before = (layer.eval()(x).quantized - x).square().mean().item()
    layer.train()
    for _ in range(150):
        out = layer(x)
        if optimiser is not None:
            optimiser.zero_grad()
            ((out.quantized - x).square().mean() + out.loss).backward()
            optimiser.step()
    assert (layer.eval()(x).quantized - x).square().mean().item() < 0.9 * before


def test_where_the_quantizer_is():
    """The only quantizer of a model is found by itself; of two, one has to be named, and the message lists both."""
    state = held("dac")
    both = {f"{side}.{key}": value for side in ("left", "right") for key, value in state.items()}
    with pytest.raises(
        UsageError, match=r"2 quantizers, at 'left.quantizer', 'right.quantizer'; pass one of them as prefix="
    ):
        from_dac(both)
    kept = held("dac", "")
    for prefix in ("right.quantizer", "right.quantizer."):
        assert torch.equal(from_dac(both, prefix=prefix).encode(kept["x"]), kept["indices"])
    bare = {key.removeprefix("quantizer."): value for key, value in state.items()}
    for prefix in (None, ""):
        assert torch.equal(from_dac(bare, prefix=prefix).encode(kept["x"]), kept["indices"])
    with pytest.raises(DataError, match=r"no residual quantizer of DAC at prefix='middle', but at 'left.quantizer'"):
        from_dac(both, prefix="middle")
    with pytest.raises(DataError, match="holds no residual quantizer of EnCodec"):
        from_encodec(state)


def test_a_map_is_missing():
    """Weights without one of the maps, or with a stage left out, are refused by name."""
    state = held("dac")
    with pytest.raises(DataError, match="a map is missing"):
        from_dac({key: value for key, value in state.items() if "out_proj" not in key})
    with pytest.raises(DataError, match=r"numbers \[0, 2\] only"):
        from_dac({key: value for key, value in state.items() if "quantizers.1." not in key})


def test_stages_of_several_widths():
    """Where stages have different numbers of coordinates, one default weight cannot be right for all, and is asked for."""
    state = held("dac_transformers")
    last = "quantizer.quantizers.2."
    state[f"{last}codebook.weight"] = state[f"{last}codebook.weight"][:, :3]
    state[f"{last}in_proj.weight"], state[f"{last}in_proj.bias"] = (
        state[f"{last}in_proj.{each}"][:3] for each in ("weight", "bias")
    )
    state[f"{last}out_proj.weight"] = state[f"{last}out_proj.weight"][:, :3]
    with pytest.raises(UsageError, match=r"\[3, 4\] coordinates"):
        from_dac(state)
    layer = from_dac(state, learner=Gradient(revive=None), commitment=0.1)
    assert [stage.each.dim for stage in layer.quantizer.stages] == [4, 4, 3]
    assert layer(torch.zeros(1, 12, 3)).loss.isfinite()


def test_a_codec_that_has_seen_nothing_starts_here():
    """A model whose k-means has not run has no codewords: the layer starts from its own first vectors."""
    state = {key: torch.zeros_like(value) for key, value in held("encodec").items()}
    layer = from_encodec(state, learner=Ema())
    assert not any(bool(part.started) for part in layer.modules() if isinstance(part, LearnedTable))
    layer(torch.randn(4, 12, 100, generator=torch.Generator().manual_seed(0)))
    assert all(bool(part.started) for part in layer.modules() if isinstance(part, LearnedTable))
    with pytest.raises(UsageError, match="has not been made yet"):
        from_encodec(state, learner=Frozen())


def test_options_of_the_layer():
    """Learner, estimator, commitment and axis are the caller's to choose."""
    kept = held("encodec", "")
    layer = from_encodec(held("encodec"), axis=-1, learner=Frozen(), commitment=0.5)
    assert layer.commitment == 0.5
    assert layer.encode(kept["x"].movedim(1, -1)).equal(kept["indices"])
    before = [codewords.clone() for codewords in layer.codebooks]
    layer.train()(kept["x"].movedim(1, -1))
    assert all(map(torch.equal, before, layer.codebooks))
    assert from_encodec(held("encodec")).commitment == pytest.approx(1 / 12)
    assert from_dac(held("dac")).commitment == pytest.approx(0.25 / 4)


def test_a_checkpoint_of_the_layer(tmp_path):
    """What was loaded is saved and loaded like any layer."""
    layer = loaded("dac")
    save_file(layer.state_dict(), tmp_path / "layer.safetensors")
    other = loaded("dac")
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.load_state_dict(load_file(tmp_path / "layer.safetensors"))
    kept = held("dac", "")
    assert torch.equal(other.eval()(kept["x"]).quantized, layer.eval()(kept["x"]).quantized)


def codes():
    generator = torch.Generator().manual_seed(3)
    table = LearnedTable(16, 3, Gradient(start=torch.randn(16, 3, generator=generator), revive=None))
    return table, torch.randn(50, 5, generator=generator)


def test_a_direction_is_chosen_and_a_length_is_kept():
    """The codeword with the largest cosine is chosen, by brute force, and its value is the codeword itself."""
    table, x = codes()
    code, x = DirectionCode(table), x[:, :3]
    found = code.select(x, None)
    cosines = torch.nn.functional.cosine_similarity(x.double()[:, None], table.codewords.double()[None], dim=2)
    assert torch.equal(found.indices[:, 0], cosines.argmax(dim=1))
    assert torch.equal(found.values, table.codewords[found.indices[:, 0]])
    torch.testing.assert_close(found.squared, ((x - found.values) ** 2).sum(dim=1))
    nearest = TabledCode(table).select(x, None)
    assert (nearest.squared <= found.squared + 1e-6).all()
    assert not torch.equal(nearest.indices, found.indices)


def test_projected_values_are_on_this_side():
    """`out(code(into(x)))` in an ordinary bottleneck too: values, errors, and zeros where nothing was chosen or is valid."""
    table, x = codes()
    into, out = torch.nn.Linear(5, 3), torch.nn.Linear(3, 5)
    code = Projected(TabledCode(table), into, out, dim=5)
    valid = torch.arange(50) % 7 != 0
    found = code.select(x, valid)
    inner = TabledCode(table).select(into(x).detach(), valid)
    assert torch.equal(found.indices, inner.indices)
    expected = torch.where(valid[:, None], out(inner.values), 0.0)
    assert torch.equal(found.values, expected)
    torch.testing.assert_close(found.error, torch.where(valid, ((x - expected) ** 2).sum(dim=1), 0.0))
    assert torch.equal(code.decode(found.indices), expected)
    layers = [kind(code, Space(5, 5)).eval() for kind in (Bottleneck, FactorisedBottleneck)]
    first, second = (layer(x, mask=valid) for layer in layers)
    assert torch.equal(first.quantized, second.quantized)
    torch.testing.assert_close(first.info.distortion, second.info.distortion)


def test_noise_is_refused_behind_maps():
    """An estimator that draws noise for whole vectors has no place behind maps."""
    table, _ = codes()

    class Noise(NoisyEstimator):
        def __call__(self, x, q, noise):
            return x + q + noise

    code = Projected(TabledCode(table), torch.nn.Linear(5, 3), torch.nn.Linear(3, 5), dim=5)
    with pytest.raises(UsageError, match="noise"):
        FactorisedBottleneck(code, Space(5, 5), estimator=Noise())
