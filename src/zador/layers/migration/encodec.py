"""EnCodec's quantizer as a layer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

from zador.codebooks import Ema
from zador.errors import UsageError
from zador.estimators import straight_through
from zador.layers.bottleneck import Bottleneck
from zador.layers.factorised import FactorisedBottleneck
from zador.layers.migration.maps import read_linear, space_behind
from zador.layers.migration.tables import loaded_table
from zador.layers.migration.weights import Source, Weights, chosen_prefix, read_weights
from zador.quantizers.codes import Code, Projected, Residual, TabledCode
from zador.validation import as_count

if TYPE_CHECKING:
    from zador.codebooks import Learner
    from zador.estimators import Estimator

__all__ = ["from_encodec"]

_STAGE = re.compile(r"^((?:.*\.)?)layers\.\d+\.(?:_codebook|codebook)\.embed$")


def from_encodec(
    state: Source,
    *,
    prefix: str | None = None,
    stages: int | None = None,
    axis: int = 1,
    learner: Learner = Ema(decay=0.99, smoothing=1e-5, warmup=1, revive=None),  # noqa: B008 - frozen
    estimator: Estimator = straight_through,
    commitment: float | None = None,
) -> Bottleneck:
    """Return the residual quantizer of an EnCodec model, with its codewords and their averages [defossez2022high].

    Reads the names of Meta's `encodec` (also in `audiocraft`) and those of `transformers`. In evaluation it gives the
    indices and values that the model's own quantizer gives.

    Args:
        state: of the whole model, or of its quantizer: the path of a `.safetensors` file or of one that
            `torch.load(weights_only=True)` reads, a state_dict, or a module.
        prefix: where the quantizer is, such as "quantizer.vq"; None: where the only one is.
        stages: S, the first so many; None for all. A bandwidth of b kbit/s is `1000 b / (log2 K · frame rate)` of them.
        axis: of the coordinates: 1 for the (B, D, T) of the model.
        learner: how codewords go on: their EMA by default, which revives none; EnCodec's own has no effect, since the
            average overwrites it in the same step.
        estimator: how the gradient crosses.
        commitment: β, summed over coordinates; 1/d by default, EnCodec's mean with weight 1.

    Returns:
        A layer whose indices are (B, T, S), where EnCodec has (S, B, T) or (B, S, T). A model that has seen no data yet has
        no codewords; the layer then starts as the learner says.

    Raises:
        DataError: no such file, no quantizer in it, or fewer stages.
        FormatError: a file that holds more than tensors.
        UsageError: several quantizers, and no prefix.

    Example:
        >>> names = ("inited", "cluster_size", "embed", "embed_avg")
        >>> values = (torch.ones(1), torch.ones(4), torch.arange(8.0).view(4, 2), torch.arange(8.0).view(4, 2))
        >>> state = {f"quantizer.vq.layers.0._codebook.{name}": value for name, value in zip(names, values)}
        >>> layer = from_encodec(state).eval()
        >>> layer(torch.tensor([[[2.1, 5.8], [3.2, 7.4]]])).indices.tolist()
        [[1, 3]]
    """
    weights = read_weights(state)
    found = [match[1] for name in weights.tensors if (match := _STAGE.match(name))]
    held = weights.under(chosen_prefix(found, prefix, weights.place, "residual quantizer of EnCodec")).numbered("layers")
    wanted = len(held) if stages is None else as_count(stages, "stages")
    if wanted > len(held):
        raise UsageError(f"stages: the model has {len(held)}, got {stages}")
    codes = [_stage(stage, learner, number) for number, stage in enumerate(held[:wanted])]
    code = Residual(codes)
    projected = any(isinstance(each, Projected) for each in codes)
    width = codes[0].each.dim if isinstance(codes[0], Projected) else code.dim
    return (FactorisedBottleneck if projected else Bottleneck)(
        code,
        space_behind(None, None, code.dim, axis),
        estimator=estimator,
        commitment=1.0 / width if commitment is None else commitment,
    )


def _stage(weights: Weights, learner: Learner, number: int) -> Code:
    held = weights.under("_codebook." if "_codebook.embed" in weights else "codebook.")
    started = bool(torch.as_tensor(held["inited"]).all())
    table = loaded_table(held["embed"], held["cluster_size"], learner, stream=number, started=started)
    into, out = read_linear(weights, "project_in"), read_linear(weights, "project_out")
    if into is None or out is None:
        return TabledCode(table)
    return Projected(TabledCode(table), into, out, dim=into.in_features)
