"""Weights made by vector-quantize-pytorch's own code: the layer gives its indices and its values, and trains on."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import torch
from loguru import logger
from safetensors.torch import save_file
from torch import nn
from vector_quantize_pytorch import (
    FSP,
    FSQ,
    LFQ,
    BinaryMapper,
    EvoLFQ,
    GroupedResidualFSQ,
    GroupedResidualLFQ,
    GroupedResidualVQ,
    HierarchicalVQ,
    LatentQuantize,
    RandomProjectionQuantizer,
    ResidualFSQ,
    ResidualLFQ,
    ResidualSimVQ,
    ResidualVQ,
    SimVQ,
    VectorQuantize,
)

from zador.codebooks import Ema, FromBatch, Frozen, Gradient
from zador.errors import DataError, UsageError
from zador.estimators import rotation_trick, straight_through
from zador.layers import FactorisedBottleneck, from_vector_quantize_pytorch

if TYPE_CHECKING:
    from collections.abc import Callable

logger.disable("vector_quantize_pytorch")
D, K, N = 12, 16, 90


@dataclass(frozen=True)
class Case:
    """A quantizer of the peer.

    Attributes:
        make: returns it, as constructed.
        options: what has to be said of it where only its weights are there.
        shape: of a batch.
        axis: what has to be said of the layout even if the module is there, or None.
    """

    make: Callable[[], nn.Module]
    options: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (3, N, D)
    axis: int | None = None


def vq(**options):
    return lambda: VectorQuantize(D, K, **options)


def rvq(**options):
    return lambda: ResidualVQ(dim=D, num_quantizers=3, codebook_size=K, **options)


IMAGE = (3, D, 6, 5)
COSINE = {"use_cosine_sim": True}
CASES = {
    "vq": Case(vq()),
    "vq, k-means": Case(vq(kmeans_init=True, decay=0.9), {"decay": 0.9}),
    "vq, projections": Case(vq(codebook_dim=5)),
    "vq, layer norm": Case(vq(codebook_dim=5, layernorm_after_project_in=True)),
    "vq, cosine": Case(vq(use_cosine_sim=True), COSINE),
    "vq, heads": Case(vq(heads=3, codebook_dim=4), {"heads": 3}),
    "vq, heads, projections": Case(vq(heads=2, codebook_dim=4, use_cosine_sim=True), COSINE),
    "vq, separate heads": Case(vq(heads=3, codebook_dim=4, separate_codebook_per_head=True)),
    "vq, separate heads, projections": Case(vq(heads=2, codebook_dim=5, separate_codebook_per_head=True)),
    "vq, learnable": Case(
        vq(learnable_codebook=True, ema_update=False, rotation_trick=False),
        {"learnable_codebook": True, "ema_update": False, "rotation_trick": False},
    ),
    "vq, channels first": Case(vq(channel_last=False), {"channel_last": False}, (3, D, N)),
    "vq, image": Case(vq(accept_image_fmap=True), {"accept_image_fmap": True}, IMAGE),
    "vq, video": Case(vq(accept_3d_fmap=True, codebook_dim=7), {"accept_3d_fmap": True}, (2, D, 3, 4, 5)),
    "vq, dead codes": Case(vq(threshold_ema_dead_code=2), {"threshold_ema_dead_code": 2}),
    "rvq": Case(rvq()),
    "rvq, projections": Case(rvq(codebook_dim=6)),
    "rvq, shared": Case(rvq(shared_codebook=True)),
    "rvq, sizes": Case(lambda: ResidualVQ(dim=D, codebook_size=(16, 8, 4))),
    "rvq, cosine": Case(rvq(use_cosine_sim=True), COSINE),
    "rvq, dropout": Case(rvq(quantize_dropout=True)),
    "grvq": Case(lambda: GroupedResidualVQ(dim=D, groups=2, num_quantizers=3, codebook_size=K)),
    "grvq, projections": Case(lambda: GroupedResidualVQ(dim=D, groups=3, num_quantizers=2, codebook_size=K, codebook_dim=3)),
    "random projection": Case(lambda: RandomProjectionQuantizer(dim=D, codebook_size=K, codebook_dim=4, num_codebooks=3)),
    "random projection, bare": Case(
        lambda: RandomProjectionQuantizer(dim=D, codebook_size=K, codebook_dim=4, norm=False), {"norm": False}
    ),
    "simvq": Case(lambda: SimVQ(D, K)),
    "simvq, image": Case(lambda: SimVQ(D, K, channel_first=True, rotation_trick=False), {"channel_first": True}, IMAGE),
    "simvq, other width": Case(lambda: SimVQ(D, K, frozen_codebook_dim=7)),
    "simvq, offset": Case(lambda: SimVQ(D, K, codebook_transform=nn.Linear(D, D))),
    "rsimvq": Case(lambda: ResidualSimVQ(dim=D, num_quantizers=3, codebook_size=K)),
    "fsq": Case(lambda: FSQ([8, 5, 5], dim=D), {"levels": [8, 5, 5]}),
    "fsq, symmetric": Case(
        lambda: FSQ([8, 2, 5], dim=D, preserve_symmetry=True, projection_has_bias=False),
        {"levels": [8, 2, 5], "preserve_symmetry": True},
    ),
    "fsq, clamped": Case(
        lambda: FSQ([8, 5, 6], dim=D, bound_hard_clamp=True), {"levels": [8, 5, 6], "bound_hard_clamp": True}
    ),
    "fsq, clamped, symmetric": Case(
        lambda: FSQ([8, 5, 6], dim=D, bound_hard_clamp=True, preserve_symmetry=True),
        {"levels": [8, 5, 6], "bound_hard_clamp": True, "preserve_symmetry": True},
    ),
    "fsq, heads": Case(lambda: FSQ([8, 5], dim=D, num_codebooks=3), {"levels": [8, 5]}),
    "fsq, bare": Case(lambda: FSQ([8, 5, 4]), {"levels": [8, 5, 4]}, (3, N, 3)),
    "fsq, bare heads": Case(lambda: FSQ([7, 4], num_codebooks=2), {"levels": [7, 4], "num_codebooks": 2}, (3, N, 4)),
    "fsq, rotated": Case(lambda: FSQ([5, 5, 5], dim=D, num_codebooks=2, orthogonal_rotation=True), {"levels": [5, 5, 5]}),
    "fsq, rotated, bare": Case(lambda: FSQ([5, 5, 5], orthogonal_rotation=True), {"levels": [5, 5, 5]}, (3, N, 3)),
    "fsq, image": Case(lambda: FSQ([8, 5, 5], dim=D), {"levels": [8, 5, 5]}, IMAGE, axis=1),
    "rfsq": Case(lambda: ResidualFSQ(levels=[5, 4, 3], num_quantizers=3, dim=D), {"levels": [5, 4, 3], "num_quantizers": 3}),
    "rfsq, bare": Case(
        lambda: ResidualFSQ(levels=[5, 4, 3], num_quantizers=2), {"levels": [5, 4, 3], "num_quantizers": 2}, (3, N, 3)
    ),
    "grfsq": Case(
        lambda: GroupedResidualFSQ(dim=D, groups=2, levels=[5, 4, 3], num_quantizers=2),
        {"levels": [5, 4, 3], "num_quantizers": 2},
    ),
    "lfq": Case(lambda: LFQ(dim=D, codebook_size=2**6)),
    "lfq, bare": Case(lambda: LFQ(dim=D, commitment_loss_weight=0.25)),
    "lfq, heads": Case(lambda: LFQ(dim=D, codebook_size=2**4, num_codebooks=2, codebook_scale=0.5), {"codebook_scale": 0.5}),
    "lfq, sphere": Case(lambda: LFQ(dim=D, codebook_size=2**5, spherical=True), {"spherical": True}),
    "lfq, clamp, cosine": Case(
        lambda: LFQ(dim=D, codebook_size=2**5, soft_clamp_input_value=3.0, cosine_sim_project_in=True),
        {"soft_clamp_input_value": 3.0, "cosine_sim_project_in": True},
    ),
    "lfq, rotated": Case(lambda: LFQ(dim=D, codebook_size=2**4, num_codebooks=2, orthogonal_rotation=True)),
    "rlfq": Case(lambda: ResidualLFQ(dim=D, num_quantizers=3, codebook_size=2**6)),
    "grlfq": Case(lambda: GroupedResidualLFQ(dim=D, groups=2, num_quantizers=2, codebook_size=2**4)),
}
PLAIN = ["vq", "vq, cosine", "vq, projections", "vq, learnable"]
LEARN = ["vq", "vq, cosine", "vq, projections", "vq, separate heads", "rvq", "rvq, projections", "grvq"]


def drawn(case, seed=0):
    x = torch.randn(case.shape, generator=torch.Generator().manual_seed(seed)) * 1.5
    return x + 0.3


def trained(case, seed=0):
    """Return the peer after a few steps of its own training."""
    torch.manual_seed(seed)
    peer = case.make()
    moved = [each for each in peer.parameters() if each.requires_grad]
    optimiser = torch.optim.Adam(moved, lr=0.02) if moved else None
    for step in range(4):
        x = drawn(case, 10 + step).requires_grad_()
        out = peer(x)
        if optimiser is not None and isinstance(out, tuple):
            optimiser.zero_grad()
            loss = (out[0] - x.detach()).square().mean()
            sum([part.sum() for part in out[2:] if torch.is_tensor(part)], loss).backward()
            optimiser.step()
    return peer.eval()


def answers(peer, x):
    """Return the peer's indices, as ours are laid out, and its values."""
    with torch.no_grad():
        out = peer(x)
    if torch.is_tensor(out):
        return out, None
    indices = out[1].long()
    if type(peer).__name__.startswith("Grouped"):
        indices = indices.permute(*range(1, indices.ndim - 1), 0, indices.ndim - 1).flatten(-2)
    return indices, out[0]


def agree(layer, peer, x):
    indices, values = answers(peer, x)
    out = layer.eval()(x)
    assert torch.equal(out.indices, indices.view(out.indices.shape))
    assert torch.equal(layer.encode(x), out.indices)
    if values is not None:
        # Sums of a few dozen products, in another order.
        torch.testing.assert_close(out.quantized, values, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(layer.decode(out.indices), values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_a_module_becomes_an_equal_layer(name):
    """A trained module of the peer and its layer give the same indices for new vectors, and the same values."""
    case = CASES[name]
    peer = trained(case)
    agree(from_vector_quantize_pytorch(peer, axis=case.axis), peer, drawn(case, 5))


@pytest.mark.parametrize("name", CASES)
def test_a_state_dict_becomes_an_equal_layer(name):
    """The weights alone are enough, with the options that weights do not tell; wherever they are in a model."""
    case = CASES[name]
    peer = trained(case)
    model = nn.ModuleDict({"encoder": nn.Linear(2, 2), "neck": nn.ModuleDict({"quantizer": peer})})
    if not peer.state_dict():
        model = peer
    layer = from_vector_quantize_pytorch(model.state_dict(), axis=case.axis, **case.options)
    agree(layer, peer, drawn(case, 5))


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("hard", [False, True])
def test_cells_of_fsq_end_where_they_end_there(symmetric, hard):
    """On a fine line through the grid every index is the peer's, whose range is 10⁻³ wider than that of `zador.fsq`."""
    options = {"levels": [2, 16, 9] if symmetric else [3, 16, 9], "preserve_symmetry": symmetric, "bound_hard_clamp": hard}
    peer = FSQ(**options)
    line = torch.linspace(-4.0, 4.0, 30001)[:, None].expand(-1, 3)[None].contiguous()
    agree(from_vector_quantize_pytorch(peer), peer, line)


@pytest.mark.parametrize("spherical", [False, True])
def test_the_sign_of_zero_is_the_peer_s(spherical):
    """Zeros, which a ReLU makes many of, are negative there, and so they are here."""
    peer = LFQ(dim=4, spherical=spherical).eval()
    x = torch.randn(1, 50, 4, generator=torch.Generator().manual_seed(0)).relu()
    x[0, 0] = 0.0
    layer = from_vector_quantize_pytorch(peer)
    agree(layer, peer, x)
    assert layer.encode(x)[0, 0] == 0
    assert layer.decode(torch.tensor([-1])).equal(torch.zeros(1, 4))


def test_random_projections_stay():
    """Nothing of a random-projection quantizer is trained."""
    layer = from_vector_quantize_pytorch(trained(CASES["random projection"])).train()
    assert not any(parameter.requires_grad for parameter in layer.parameters())
    before = [codewords.clone() for codewords in layer.codebooks]
    layer(drawn(CASES["vq"]))
    assert all(map(torch.equal, before, layer.codebooks))
    with pytest.raises(UsageError, match="does not learn"):
        from_vector_quantize_pytorch(trained(CASES["random projection"]), learner=Ema())


@pytest.mark.parametrize("name", LEARN)
def test_averages_go_on(name):
    """One more training step of both moves every codeword to the same place, at the peer's decay."""
    peer = trained(CASES[name]).train()
    layer = from_vector_quantize_pytorch(peer).train()
    x = drawn(CASES[name], 6)
    peer(x)
    layer(x)
    theirs = [part.embed.flatten(0, 1) for part in peer.modules() if type(part).__name__ == "Codebook"]
    if name == "vq, cosine":
        # There the average leaves the sphere between two steps, here it does not: a step of 0.2 differs in its length.
        cosines = torch.nn.functional.cosine_similarity(torch.cat(theirs), torch.cat(layer.codebooks), dim=1)
        assert cosines.min() > 0.9
        return
    # Smoothing by 1e-5 in the division moves a codeword by that share of its few members.
    torch.testing.assert_close(torch.cat(layer.codebooks), torch.cat(theirs), rtol=2e-3, atol=2e-3)
    moved = [part.embed.flatten(0, 1) for part in trained(CASES[name]).modules() if type(part).__name__ == "Codebook"]
    assert (torch.cat(moved) - torch.cat(theirs)).abs().max() > 0.02


@pytest.mark.parametrize("name", [*PLAIN, "simvq", "simvq, image", "simvq, other width"])
def test_a_training_step_has_the_peer_s_loss_and_gradient(name):
    """The sum of the losses, and the gradient of the input, are the peer's: its means over coordinates are converted."""
    peer = trained(CASES[name]).train()
    layer = from_vector_quantize_pytorch(peer).train()
    weight = torch.randn(CASES[name].shape, generator=torch.Generator().manual_seed(1))
    gradients, losses = [], []
    for each in (copy.deepcopy(peer), layer):
        x = drawn(CASES[name], 6).requires_grad_()
        values, _, loss = each(x)[:3]
        ((values * weight).mean() + loss).backward()
        gradients.append(x.grad)
        losses.append(loss.detach())
    # A codebook that learns by gradient has one loss there, and two here of which each says half: alike in gradients only.
    expected = losses[0] * (2 if name == "vq, learnable" else 1)
    torch.testing.assert_close(losses[1], expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("name", ["rvq", "rvq, projections", "grvq", "rvq, cosine"])
def test_stages_are_committed_as_there(name):
    """The losses of all stages together, and their gradient to the input, are those of the peer."""
    peer = trained(CASES[name]).train()
    layer = from_vector_quantize_pytorch(peer).train()
    gradients, losses = [], []
    for each in (copy.deepcopy(peer), layer):
        x = drawn(CASES[name], 6).requires_grad_()
        loss = each(x)[2].sum()
        loss.backward()
        gradients.append(x.grad)
        losses.append(loss.detach())
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-4, atol=1e-6)
    if name != "rvq, cosine":
        # There a stage sees what is left over without the gradient of what was subtracted; here it has both.
        torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("name", ["lfq", "lfq, bare", "lfq, heads", "lfq, clamp, cosine"])
def test_entropy_and_commitment_of_lfq(name):
    """The loss is the peer's, entropies in nats there and in bits here, but for its clamp of logarithms at 10⁻⁵."""
    peer = trained(CASES[name]).train()
    layer = from_vector_quantize_pytorch(peer).train()
    x = drawn(CASES[name], 6)
    # Each of 2^d probabilities is off by 10⁻⁵ log 10⁻⁵ at most, and counts with the weight 0.1.
    allowed = 0.1 * 2 * layer.sizes[0] * 1e-5 * 12
    torch.testing.assert_close(layer(x).loss, peer(x)[2], rtol=0, atol=allowed)


def test_gradients_of_simvq_reach_the_map():
    """The gradient of the map is the peer's, and no offset is learned that is not there."""
    peer = trained(CASES["simvq"]).train()
    layer = from_vector_quantize_pytorch(peer).train()
    x = drawn(CASES["simvq"], 6)
    peer.zero_grad()
    peer(x)[2].backward()
    layer(x).loss.backward()
    parameters = {name.rsplit(".", 1)[1]: each for name, each in layer.named_parameters() if each.requires_grad}
    assert sorted(parameters) == ["weight"]
    torch.testing.assert_close(parameters["weight"].grad, peer.code_transform.weight.grad, rtol=1e-4, atol=1e-6)


def test_options_are_read_off_the_module():
    """Decay, smoothing, estimator, commitment and revival are the peer's; what is passed counts more."""
    layer = from_vector_quantize_pytorch(VectorQuantize(D, K, decay=0.7, eps=1e-4, commitment_weight=0.5))
    table = next(part for part in layer.modules() if hasattr(part, "learner"))
    assert table.learner == Ema(decay=0.7, smoothing=1e-4, warmup=1, revive=None)
    assert (layer.estimator, layer.commitment) == (rotation_trick, pytest.approx(0.5 / D))
    plain = from_vector_quantize_pytorch(VectorQuantize(D, K, rotation_trick=False, threshold_ema_dead_code=2), axis=1)
    assert (plain.estimator, plain.space.axis) == (straight_through, 1)
    assert next(part for part in plain.modules() if hasattr(part, "learner")).learner.revive == FromBatch()
    own = from_vector_quantize_pytorch(VectorQuantize(D, K), learner=Gradient(), estimator=straight_through)
    assert isinstance(next(part for part in own.modules() if hasattr(part, "learner")).learner, Gradient)
    frozen = from_vector_quantize_pytorch(VectorQuantize(D, K), freeze_codebook=True)
    assert isinstance(next(part for part in frozen.modules() if hasattr(part, "learner")).learner, Frozen)


def test_a_shared_codebook_stays_shared():
    """Stages that have one codebook have one table."""
    peer = trained(CASES["rvq, shared"])
    for state in (peer, peer.state_dict()):
        layer = from_vector_quantize_pytorch(state)
        assert (len(layer.codebooks), len(layer.sizes)) == (1, 3)


def test_a_codebook_that_has_not_been_made():
    """Before its k-means has run a quantizer has no codewords: the layer starts from its own first vectors, as any does."""
    layer = from_vector_quantize_pytorch(VectorQuantize(D, K, kmeans_init=True))
    table = next(part for part in layer.modules() if hasattr(part, "started"))
    assert not table.started
    layer.train()(drawn(CASES["vq"]))
    assert table.started


def test_models_with_several_quantizers():
    """Of several quantizers one has to be named, and its own options are read; the module says as much as its weights."""
    model = nn.ModuleDict({"top": trained(CASES["vq, cosine"]), "bottom": nn.Sequential(trained(CASES["vq, image"]))})
    for state in (model, model.state_dict()):
        with pytest.raises(UsageError, match=r"holds 2 quantizers, at 'bottom.0', 'top'; pass one of them as prefix="):
            from_vector_quantize_pytorch(state)
    agree(from_vector_quantize_pytorch(model, prefix="top"), model["top"], drawn(CASES["vq"]))
    agree(from_vector_quantize_pytorch(model, prefix="bottom.0"), model["bottom"][0], drawn(CASES["vq, image"]))
    agree(
        from_vector_quantize_pytorch(model.state_dict(), prefix="top", use_cosine_sim=True), model["top"], drawn(CASES["vq"])
    )
    with pytest.raises(DataError, match="holds no quantizer"):
        from_vector_quantize_pytorch(nn.Linear(2, 2))


def test_a_quantizer_in_a_list_of_layers():
    """A quantizer that is one of a network's own layers is no residual one."""
    network = nn.ModuleDict({"layers": nn.ModuleList([nn.Linear(2, 2), trained(CASES["vq"])])})
    layer = from_vector_quantize_pytorch(network.state_dict())
    assert layer.sizes == (K,)
    agree(layer, network["layers"][1], drawn(CASES["vq"]))


def test_float64_stays_float64():
    """Weights of float64 make a layer of float64."""
    peer = trained(CASES["vq, projections"]).double()
    layer = from_vector_quantize_pytorch(peer)
    assert {each.dtype for each in layer.codebooks} == {torch.float64}
    x = drawn(CASES["vq"]).double()
    assert torch.equal(layer.encode(x), peer(x)[1])


ARRAY = {"dim": D, "num_quantizers": 2, "codebook_size": K}
REFUSED = {
    "affine": (lambda: VectorQuantize(D, K, affine_param=True), "affine_param"),
    "bridge": (lambda: VectorQuantize(D, K, vq_bridge=nn.Linear(D, D)), "vq_bridge"),
    "implicit": (lambda: ResidualVQ(**ARRAY, implicit_neural_codebook=True), "QINCo"),
    "beam": (lambda: ResidualVQ(**ARRAY, beam_size=2), "stage by stage"),
    "deep simvq": (
        lambda: SimVQ(D, K, codebook_transform=nn.Sequential(nn.Linear(D, 5), nn.ReLU(), nn.Linear(5, D))),
        "no linear",
    ),
    "soft fsq": (lambda: ResidualFSQ(levels=[5, 4], num_quantizers=2, bound_hard_clamp=False), "bound_hard_clamp"),
    "many levels": (lambda: FSQ([1001], return_indices=False), "1000 levels"),
    "spherical stages": (lambda: ResidualLFQ(dim=4, num_quantizers=2, codebook_size=16, spherical=True), "spherical"),
    "hierarchical": (lambda: HierarchicalVQ(dim=D, codebook_size=K, scales=(1, 4)), "HierarchicalVQ"),
    "latent": (lambda: LatentQuantize(levels=[4, 4], dim=D), "LatentQuantize"),
    "perturbed": (lambda: FSP([5, 5], dim=D), "FSP"),
    "bits": (lambda: BinaryMapper(bits=4), "BinaryMapper"),
    "evolved": (lambda: EvoLFQ(nn.Linear(D, D), nn.Linear(D, D), dim=D, codebook_size=16), "EvoLFQ"),
}
BY_NAME = ["affine", "bridge", "implicit", "deep simvq", "hierarchical", "latent"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_layer_here_is_equal_to_is_refused(name):
    """Nothing is approximated: the message says which option or class it is."""
    make, why = REFUSED[name]
    with pytest.raises(UsageError, match=why):
        from_vector_quantize_pytorch(make())


@pytest.mark.parametrize("name", BY_NAME)
def test_it_is_refused_by_its_weights_too(name):
    """Where tensors of their own give an option or a class away, its state_dict is refused as well."""
    make, _ = REFUSED[name]
    peer = make()
    if name == "affine":
        peer(torch.randn(2, 50, D))
    with pytest.raises(UsageError, match=r"not here|no layer here|no linear map|QINCo|load its output"):
        from_vector_quantize_pytorch(peer.state_dict())


def test_options_that_do_not_fit():
    """Unknown options, sizes other than those of the weights, and missing options that weights do not tell are refused."""
    peer = trained(CASES["vq"])
    state = peer.state_dict()
    with pytest.raises(UsageError, match="no option codebok_size"):
        from_vector_quantize_pytorch(state, codebok_size=4)
    with pytest.raises(DataError, match="dim=13 was passed, the weights are those of dim=12"):
        from_vector_quantize_pytorch(state, dim=13)
    with pytest.raises(DataError, match="codebook_size=4 was passed"):
        from_vector_quantize_pytorch(state, codebook_size=4)
    assert from_vector_quantize_pytorch(state, dim=D, codebook_size=K, kmeans_init=True).sizes == (K,)
    with pytest.raises(UsageError, match="not of length 1"):
        from_vector_quantize_pytorch(state, use_cosine_sim=True)
    with pytest.raises(UsageError, match="affine_param"):
        from_vector_quantize_pytorch(state, affine_param=True)
    with pytest.raises(DataError, match="holds no quantizer"):
        from_vector_quantize_pytorch(FSQ([8, 5], dim=D).state_dict())
    with pytest.raises(UsageError, match="pass num_quantizers="):
        from_vector_quantize_pytorch(ResidualFSQ(levels=[5, 5], num_quantizers=1), num_quantizers=None)
    with pytest.raises(UsageError, match="pass levels="):
        from_vector_quantize_pytorch(FSQ([5, 5]), levels=None)
    with pytest.raises(UsageError, match="no codebook that could learn"):
        from_vector_quantize_pytorch(LFQ(dim=4), learner=Ema())
    with pytest.raises(UsageError, match="learns by gradient"):
        from_vector_quantize_pytorch(SimVQ(D, K), learner=Ema())


def test_layers_with_maps_in_every_group_train():
    """Groups behind maps of their own get gradients, and reconstruct a batch better after training."""
    case = CASES["grvq, projections"]
    layer, x = from_vector_quantize_pytorch(trained(case)).train(), drawn(case)
    assert isinstance(layer, FactorisedBottleneck)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.01)
    errors = []
    for _ in range(60):
        out = layer(x)
        error = (out.quantized - x).square().mean()
        optimiser.zero_grad()
        (error + out.loss).backward()
        optimiser.step()
        errors.append(error.item())
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in layer.parameters())
    assert errors[-1] < 0.9 * errors[0]


def test_from_a_file(tmp_path):
    """A safetensors file of a whole model is read like its state_dict."""
    peer = trained(CASES["rvq, projections"])
    save_file({f"model.vq.{name}": value for name, value in peer.state_dict().items()}, tmp_path / "model.safetensors")
    agree(from_vector_quantize_pytorch(tmp_path / "model.safetensors"), peer, drawn(CASES["rvq"]))
