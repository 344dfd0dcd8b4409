"""The quantizer of the Descript Audio Codec as a layer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zador.codebooks import Gradient
from zador.errors import DataError, UsageError
from zador.estimators import straight_through
from zador.layers.factorised import FactorisedBottleneck
from zador.layers.migration.maps import read_linear, space_behind
from zador.layers.migration.tables import loaded_table
from zador.layers.migration.weights import Source, Weights, chosen_prefix, read_weights
from zador.quantizers.codes import DirectionCode, Projected, Residual
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.codebooks import Learner
    from zador.estimators import Estimator

__all__ = ["from_dac"]

_STAGE = re.compile(r"^((?:.*\.)?)quantizers\.\d+\.codebook\.weight$")
# DAC's own weights of the commitment and of the codebook loss, both means over coordinates.
_COMMITMENT, _CODEBOOK = 0.25, 1.0


def from_dac(
    state: Source,
    *,
    prefix: str | None = None,
    stages: int | None = None,
    axis: int = 1,
    learner: Learner | None = None,
    estimator: Estimator = straight_through,
    commitment: float | None = None,
) -> FactorisedBottleneck:
    """Return the residual quantizer of a DAC model: few coordinates behind maps, chosen by cosine [kumar2023high].

    Reads the names of `descript-audio-codec`, with weight normalisation under torch's old or new names, and those of
    `transformers`. In evaluation it gives the indices and the values that the model's own quantizer gives; gradients and
    losses of a training step are the model's too, but for the normalisation: maps are plain ones from here on.

    Args:
        state: of the whole model, or of its quantizer: the path of a `.safetensors` file or of one that
            `torch.load(weights_only=True)` reads, a state_dict, or a module.
        prefix: where the quantizer is, such as "quantizer"; None: where the only one is.
        stages: S, the first so many; None for all.
        axis: of the coordinates: 1 for the (B, D, T) of the model.
        learner: how codewords go on; `Gradient(weight=1/d, revive=None)` by default, DAC's codebook loss.
        estimator: how the gradient crosses, behind the maps.
        commitment: β, summed over coordinates; 0.25/d by default, DAC's mean with weight 0.25.

    Returns:
        A layer whose indices are (B, T, S), where DAC has (B, S, T).

    Raises:
        DataError: no such file, no quantizer in it, or a map missing.
        FormatError: a file that holds more than tensors.
        UsageError: several quantizers and no prefix, more stages than there are, or stages of several widths and no weights.

    Example:
        >>> import torch
        >>> state = {"codebook.weight": torch.eye(2), "in_proj.weight": torch.eye(2, 3), "in_proj.bias": torch.zeros(2)}
        >>> state |= {"out_proj.weight": torch.eye(3, 2), "out_proj.bias": torch.full((3,), 0.5)}
        >>> layer = from_dac({f"quantizer.quantizers.0.{name}": value for name, value in state.items()}).eval()
        >>> out = layer(torch.tensor([[[0.1], [4.0], [0.0]]]))
        >>> out.indices.tolist(), out.quantized.flatten().tolist()
        ([[1]], [0.5, 1.5, 0.5])
    """
    weights = read_weights(state)
    found = [match[1] for name in weights.tensors if (match := _STAGE.match(name))]
    held = weights.under(chosen_prefix(found, prefix, weights.place, "residual quantizer of DAC")).numbered("quantizers")
    wanted = len(held) if stages is None else as_count(stages, "stages")
    if wanted > len(held):
        raise UsageError(f"stages: the model has {len(held)}, got {stages}")
    widths = {stage["codebook.weight"].shape[1] for stage in held[:wanted]}
    if len(widths) > 1 and (commitment is None or learner is None):
        raise UsageError(f"{weights.place}: stages have {sorted(widths)} coordinates; pass learner= and commitment= for all")
    width = max(widths)
    teacher = Gradient(weight=_CODEBOOK / width, revive=None) if learner is None else learner
    code = Residual([_stage(stage, teacher, number) for number, stage in enumerate(held[:wanted])])
    weight = _COMMITMENT / width if commitment is None else commitment
    return FactorisedBottleneck(code, space_behind(None, None, code.dim, axis), estimator=estimator, commitment=weight)


def _stage(weights: Weights, learner: Learner, number: int) -> Projected:
    into, out = read_linear(weights, "in_proj"), read_linear(weights, "out_proj")
    if into is None or out is None:
        raise DataError(
            f"{weights.place}: a map is missing, in_proj or out_proj; pass the state_dict of the whole quantizer"
        )
    table = loaded_table(weights["codebook.weight"], None, learner, stream=number)
    return Projected(DirectionCode(table), into, out, dim=into.in_features)
