"""Constructor options of vector-quantize-pytorch: as passed, as a module remembers them, or the peer's defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from torch import nn

from zador.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["CLASSES", "GROUPED", "REFUSED", "Options", "options_of", "own_name"]

# Classes of 1.32.0 whose options are read here, and the class of their parts.
CLASSES = (
    "VectorQuantize",
    "ResidualVQ",
    "GroupedResidualVQ",
    "RandomProjectionQuantizer",
    "SimVQ",
    "ResidualSimVQ",
    "FSQ",
    "ResidualFSQ",
    "GroupedResidualFSQ",
    "LFQ",
    "ResidualLFQ",
    "GroupedResidualLFQ",
)
GROUPED = ("GroupedResidualVQ", "GroupedResidualFSQ", "GroupedResidualLFQ")

# Classes that no layer here is equal to, and why.
REFUSED = {
    "HierarchicalVQ": "between scales it is linear and convolves, `zador.multiscale` is bicubic and does not",
    "LatentQuantize": "one index counts values learned for every coordinate; train `zador.pq`, 1 coordinate a part",
    "FSP": "in training it disturbs instead of quantizing, and its levels are those of an activation; train `zador.fsq`",
    "BinaryMapper": "it draws bits from logits; take `zador.lfq`, or `zador.gumbel_vq` for draws",
    "EvoLFQ": "it searches bits with a network in the loop; load the LFQ in it",
}

# Options that change what is returned in evaluation, and that no layer here has; with the values that leave it alone.
_CHANGING = {
    "affine_param": "codewords follow the statistics of every batch, in evaluation too",
    "vq_bridge": "codewords pass a network of yours; call it once and load its output as codewords, `Ema(start=...)`",
    "implicit_neural_codebook": "the codewords of a stage depend on those chosen before it (QINCo)",
}
_BEAMS = ("beam_size", "eval_beam_size")

# All options that one of the classes has, with the peer's default where it matters here.
_DEFAULTS: dict[str, Any] = {
    "heads": 1,
    "use_cosine_sim": False,
    "channel_last": True,
    "accept_image_fmap": False,
    "accept_3d_fmap": False,
    "channel_first": None,
    "is_channel_first": False,
    "decay": 0.8,
    "eps": 1e-5,
    "ema_update": None,
    "freeze_codebook": False,
    "threshold_ema_dead_code": 0,
    "commitment_weight": 1.0,
    "learnable_codebook": None,
    "rotation_trick": None,
    "directional_reparam": False,
    "directional_reparam_variance": 5e-3,
    "diveq": False,
    "input_to_quantize_commit_loss_weight": 0.25,
    "norm": True,
    "levels": None,
    "num_quantizers": None,
    "num_codebooks": 1,
    "groups": 1,
    "preserve_symmetry": False,
    "bound_hard_clamp": None,
    "soft_clamp_input_value": None,
    "codebook_scale": 1.0,
    "spherical": False,
    "cosine_sim_project_in": False,
    "cosine_sim_project_in_scale": None,
    "entropy_loss_weight": 0.1,
    "diversity_gamma": 1.0,
    "commitment_loss_weight": 0.0,
    "orthogonal_rotation": False,
    "dim": None,
    "codebook_size": None,
    "affine_param": False,
    "vq_bridge": None,
    "implicit_neural_codebook": False,
    "beam_size": None,
    "eval_beam_size": None,
}
# Options that leave evaluation alone and say how to train or what to return: page docs/migration.md has their counterparts.
_ELSEWHERE = """
    affine_param_batch_decay affine_param_codebook_decay allowed_dtypes beam_score_quantizer_weights codebook_dim
    codebook_diversity_loss_weight codebook_diversity_temperature codebook_transform commitment_use_cross_entropy_loss
    entropy_loss_offset experimental_softplus_entropy_loss force_quantization_f32 frac_per_sample_entropy
    frozen_codebook_dim has_projections in_place_codebook_optimizer init_fn keep_num_codebooks_dim kmeans_init
    kmeans_iters layernorm_after_project_in manual_ema_update manual_in_place_optimizer_update mlp_kwargs
    noise_dropout orthogonal_reg_active_codes_only orthogonal_reg_max_codes orthogonal_reg_weight projection_has_bias
    quant_grad_frac quantize_dropout quantize_dropout_cutoff_index quantize_dropout_multiple_of return_indices
    return_zeros_for_masked_padding route_gradients_to_input sample_codebook_temp scale separate_codebook_per_head
    shared_codebook stochastic_sample_codes straight_through straight_through_activation sync_affine_param
    sync_codebook sync_kmeans sync_update_v
"""


@dataclass(frozen=True)
class Options:
    """Options by the peer's names.

    Attributes:
        given: those that were passed or remembered.
    """

    given: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return an option, or the peer's default."""
        return self.given.get(name, _DEFAULTS[name])

    @property
    def axis(self) -> int:
        """Where the coordinates are."""
        first = self["accept_image_fmap"] or self["accept_3d_fmap"] or self["channel_first"] or self["is_channel_first"]
        return 1 if first or not self["channel_last"] else -1


def options_of(kind: str, module: nn.Module | None, passed: Mapping[str, Any]) -> Options:
    """Return the options of a quantizer of class `kind`.

    Args:
        kind: name of the class.
        module: the quantizer itself, or None.
        passed: what was passed; it counts more than what the module remembers.

    Raises:
        UsageError: no option of the peer, or one that no layer here has.
    """
    unknown = sorted(set(passed) - set(_DEFAULTS) - set(_ELSEWHERE.split()))
    if unknown:
        raise UsageError(
            f"{kind}: vector-quantize-pytorch has no option {', '.join(unknown)}; pass those of its constructor"
        )
    options = Options({**({} if module is None else _remembered(module)), **passed})
    for name, why in _CHANGING.items():
        if options[name]:
            raise UsageError(f"{kind}({name}=...): not here: {why}")
    for name in _BEAMS:
        if (options[name] or 1) > 1:
            raise UsageError(
                f"{kind}({name}={options[name]}): layers here choose stage by stage; pass {name}=1 to load it so"
            )
    return options


def own_name(module: nn.Module) -> str | None:
    """Return the name of the peer's class that a module is, None if it is not the peer's."""
    theirs = [kind for kind in type(module).__mro__ if kind.__module__.split(".")[0] == "vector_quantize_pytorch"]
    names = [kind.__name__ for kind in theirs if kind.__name__ in CLASSES or kind.__name__ in REFUSED]
    return names[0] if names else None


def _remembered(module: nn.Module) -> dict[str, Any]:
    """Return the options that can be read off a module, and off its first part."""
    found: dict[str, Any] = {}
    for name in ("rvqs", "layers"):
        parts = getattr(module, name, None)
        if isinstance(parts, nn.ModuleList) and len(parts):
            found |= _remembered(parts[0])
    vq, inner = getattr(module, "vq", None), getattr(module, "_codebook", None)
    if isinstance(vq, nn.Module):
        found |= _remembered(vq)
    for part in (inner, module):
        found |= {name: getattr(part, name) for name in _DEFAULTS if hasattr(part, name)}
    found |= _renamed(module)
    return {name: value for name, value in found.items() if name not in ("dim", "codebook_size")}


def _renamed(module: nn.Module) -> dict[str, Any]:
    """Return options that a module keeps under another name, or in another form."""
    found: dict[str, Any] = {}
    kind = own_name(module)
    if kind == "FSQ":
        found["levels"] = cast("Tensor", module._levels).tolist()  # noqa: SLF001 - the peer's only record
    if kind == "VectorQuantize" and not module.has_commitment_loss:
        found["commitment_weight"] = 0.0
    if kind == "RandomProjectionQuantizer":
        found["norm"] = type(module.norm).__name__ != "Identity"
    if kind == "LFQ":
        found["cosine_sim_project_in"] = type(module.project_in).__name__ == "CosineSimLinear"
        found["cosine_sim_project_in_scale"] = getattr(module.project_in, "scale", None)
    if kind == "ResidualLFQ":
        found["codebook_scale"] = 1.0
    return found
