"""What does structure cost at equal rate, and when does it pay? One table against sums, products, grids and scales."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zador.studies.catalogue.bounds import limit_arms
from zador.studies.catalogue.codes.code import DEAD, REAL_BITS, STORED, TRAINING
from zador.studies.catalogue.codes.fitted import Fitted, OneTable, Product, Residual, Scalars
from zador.studies.catalogue.codes.layers import FiniteScalars, LookupFree, ResidualScalars, Stages, Vq
from zador.studies.catalogue.codes.maps import EachPatch, LayerOnMaps, MultiscaleLayer, PatchLayer, TwoLevels
from zador.studies.catalogue.codes.networks import RECIPE, Network
from zador.studies.catalogue.judgement import DISTORTION, EFFECTIVE_BITS, PERPLEXITY
from zador.studies.catalogue.sources import Bundled, Gaussian, PhotoMaps
from zador.studies.design import Arm, Design

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zador.models import Training
    from zador.studies.catalogue.codes.code import Draws
    from zador.studies.catalogue.codes.layers import MakeLayer

__all__ = ["structure", "structure_12_bits", "structure_layers", "structure_maps"]

_REFERENCE, _LAYER_REFERENCE, _PATCH_REFERENCE = "one table", "vq layer", "table a patch"
_SEEDS, _FEWER_SEEDS, _SHORTER = 10, 5, 10
_QUICK_SEEDS = {10: 5, 5: 2}
"""Of the short form, by those of the full one."""
_LAYER_STEPS, _MANY = 600, 82_000
"""Steps of a layer; vectors for 4096 codewords, twenty each."""

_DECAYING = 1.0 / np.arange(1, 17)
_ISOTROPIC = Gaussian((0.125,) * 8)
_DECAY = Gaussian(tuple((_DECAYING / _DECAYING.sum()).tolist()))
_SOURCES: dict[str, Draws] = {
    "isotropic, d = 8": _ISOTROPIC,
    "1/i, d = 16": _DECAY,
    "photos": Bundled("photos", patch=4),
    "digits": Bundled("digits"),
}
_TRAINED = ("isotropic, d = 8", "photos")
"""Where layers are trained."""

_DATA_NOTE = (
    "Gaussian: 8 equal variances, or 16 that fall as 1/i, 20,000 vectors to fit on. Photos: 27,136 patches of 4 × 4 × 3. "
    "Digits: 1438, which are 5.6 for each of 256 codewords, and by the usual rule of 20 too few for one table. Variances "
    "add up to 1."
)
_COUNT_NOTE = "Dead codes and perplexity are those of the combinations of all streams."
_LAYER_NOTE = (
    "Layers stand between linear maps and learn with them from mini-batches, 600 steps of Adam. A layer of finite scalars "
    "keeps one coordinate for each of its numbers of levels, (8, 6, 5) as its paper has it for 8 bits: 240 codes, 7.9 bits."
)
_TWELVE_NOTE = (
    "82,000 Gaussian vectors, 20 for each of 4096 codewords; 27,136 patches of photographs are 6.6, too few for one table "
    "by the usual rule. The table gets at most 15 updates. Five seeds: differences are far larger than what seeds change."
)
_MAPS_NOTE = (
    "Squares of 8 × 8 pixels as 2 × 2 patches of 4 × 4 × 3, 32 bits a square: 4 · 8 for a table a patch, 4 · (4 + 4) in two "
    "stages, 8 + 4 · 6 in two levels, 5 · log2 84 = 31.96 in two scales that share one table."
)
_SHORT_NOTE = "A quick run: fewer settings and seeds, a tenth of the steps. Claims are judged on the full run."
_MEASURES = (DISTORTION, TRAINING, EFFECTIVE_BITS, REAL_BITS, STORED, PERPLEXITY, DEAD)


def structure(*, quick: bool = False) -> Design:
    """Return the study of fitted codes at 8 bits, on four kinds of data."""
    arms: list[Arm] = []
    for setting, source in _SOURCES.items():
        if not quick or setting in {"isotropic, d = 8", "digits"}:
            arms += limit_arms(source, 256, setting)
            arms += _fitted(source, setting, OneTable(256), bits=8)
    return Design(
        name="structure",
        title="What does structure cost against one table of the same rate?",
        question=(
            "Any code of R bits has 2^R values, and the best table may put them anywhere: structure can only lose, if there "
            "are vectors and patience enough to find that table. It pays in numbers stored, and may pay where vectors are "
            "few. How much does each kind lose at 8 bits?"
        ),
        arms=tuple(arms),
        metrics=_MEASURES,
        reference=_REFERENCE,
        factor="data",
        seeds=_seeds(_SEEDS, quick=quick),
        notes=_notes(_DATA_NOTE, _COUNT_NOTE, quick=quick),
        short=quick,
    )


def structure_layers(*, quick: bool = False) -> Design:
    """Return the study of layers at 8 bits, trained in mini-batches."""
    makers: dict[str, tuple[MakeLayer, int]] = {
        _LAYER_REFERENCE: (Vq(256), 8),
        "rvq layer": (Stages(16, 2), 8),
        "fsq layer": (FiniteScalars((8, 6, 5)), 3),
        "rfsq layer": (ResidualScalars((4, 4), 2), 2),
        "lfq layer": (LookupFree(256), 8),
    }
    arms: list[Arm] = []
    for setting in _TRAINED[:1] if quick else _TRAINED:
        source, recipe = _SOURCES[setting], _trained(_LAYER_STEPS, quick=quick)
        arms += limit_arms(source, 256, setting)
        arms += [Arm(name, Network(source, make, latent, recipe=recipe), setting) for name, (make, latent) in makers.items()]
    return Design(
        name="structure-layers",
        title="And trained in mini-batches, as layers?",
        question="The same rate inside a network of two linear maps: which layers lose what, and which leave codes unused?",
        arms=tuple(arms),
        metrics=_MEASURES,
        reference=_LAYER_REFERENCE,
        factor="data",
        seeds=_seeds(_FEWER_SEEDS, quick=quick),
        notes=_notes(_DATA_NOTE, _LAYER_NOTE, _COUNT_NOTE, quick=quick),
        short=quick,
    )


def structure_12_bits(*, quick: bool = False) -> Design:
    """Return the study at 12 bits, fitted codes only."""
    photos = Bundled("photos") if quick else _SOURCES["photos"]
    sources: dict[str, Draws] = {"isotropic, d = 8": replace(_ISOTROPIC, train=_MANY), "photos": photos}
    arms: list[Arm] = []
    for setting, source in sources.items():
        if not quick or setting == "photos":
            arms += limit_arms(source, 1 << 12, setting)
            arms += _fitted(source, setting, OneTable(1 << 12, iterations=3 if quick else 15), bits=12)
    return Design(
        name="structure-12-bits",
        title="And at 12 bits?",
        question="One table now has 4096 codewords to place. Do the differences grow with the rate?",
        arms=tuple(arms),
        metrics=_MEASURES,
        reference=_REFERENCE,
        factor="data",
        seeds=_seeds(_FEWER_SEEDS, quick=quick),
        notes=_notes(_TWELVE_NOTE, _COUNT_NOTE, quick=quick),
        short=quick,
    )


def structure_maps(*, quick: bool = False) -> Design:
    """Return the study of hierarchies: 32 bits for a square of 2 × 2 patches."""
    source, recipe = PhotoMaps(), replace(_trained(RECIPE.steps, quick=quick), warm_up=0)
    return Design(
        name="structure-maps",
        title="Does a hierarchy pay where neighbours are alike?",
        question=(
            "A code of whole squares can spend bits on what its patches share: two levels as VQ-VAE-2 has them, or scales "
            "with one table as in visual autoregressive modelling. Are 32 bits spent better so than as a table a patch?"
        ),
        arms=(
            *limit_arms(source, 1 << 32),
            Arm(_PATCH_REFERENCE, EachPatch(source, OneTable(256))),
            Arm("residual a patch", EachPatch(source, Residual(2, 16, beam=5))),
            Arm("two levels", TwoLevels(source, 256, 64)),
            Arm("vq layer a patch", LayerOnMaps(source, PatchLayer(256), recipe)),
            Arm("multiscale layer", LayerOnMaps(source, MultiscaleLayer(84), recipe)),
        ),
        metrics=(DISTORTION, TRAINING, EFFECTIVE_BITS, REAL_BITS, STORED),
        reference=_PATCH_REFERENCE,
        seeds=_seeds(_SEEDS, quick=quick),
        notes=_notes(_MAPS_NOTE, quick=quick),
        short=quick,
    )


def _fitted(source: Draws, setting: str, table: OneTable, *, bits: int) -> Iterator[Arm]:
    half, quarter = 2 ** (bits // 2), bits // 4
    yield Arm(_REFERENCE, Fitted(source, table), setting)
    yield Arm("residual, greedy", Fitted(source, Residual(2, half)), setting)
    yield Arm("residual, beam 5, re-fit", Fitted(source, Residual(2, half, beam=5, refits=5)), setting)
    yield Arm("residual, 4 stages", Fitted(source, Residual(4, 2**quarter, beam=5, refits=5)), setting)
    yield Arm("product, 2 slices", Fitted(source, Product(2, half, turns=5)), setting)
    yield Arm("scalars", Fitted(source, Scalars(float(bits))), setting)


def _trained(steps: int, *, quick: bool) -> Training:
    if quick:
        return replace(RECIPE, steps=steps // _SHORTER, warm_up=RECIPE.warm_up // _SHORTER)
    return replace(RECIPE, steps=steps)


def _seeds(full: int, *, quick: bool) -> tuple[int, ...]:
    return tuple(range(1, 1 + (_QUICK_SEEDS[full] if quick else full)))


def _notes(*notes: str, quick: bool) -> tuple[str, ...]:
    return (_SHORT_NOTE, *notes) if quick else notes
