"""What `zador fit --quantizer` knows by name: which options each quantizer takes, and what fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zador.cli.options import pick
from zador.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zador.codebooks import Codebook, Initialiser
    from zador.quantizers import Quantizer

__all__ = ["ENTROPY_CODED", "TAKES", "check_options", "fit_named"]

TAKES = {
    "vector": ("codebook-size", "init", "iterations", "restarts"),
    "product": ("codebook-size", "slices", "rotation"),
    "residual": ("codebook-size", "stages", "beam"),
    "transform": ("bits",),
    "lattice": ("bits", "lattice"),
    "entropy-constrained": ("bits", "codebook-size", "iterations"),
    "random": ("bits",),
}
# Those whose rate is the entropy of their indices: of fixed length, these would be longer than anybody would store.
ENTROPY_CODED = frozenset({"lattice", "entropy-constrained"})
_EXAMPLES = {"codebook-size": "-k 256", "bits": "--bits 8"}


def check_options(quantizer: str, options: dict[str, Any]) -> None:
    """Raise UsageError unless `options`, by their names on the command line, suit `quantizer`."""
    takes = pick(TAKES, quantizer, "--quantizer")
    foreign = [name for name in options if name not in takes]
    if foreign:
        listed = ", ".join(f"--{name}" for name in takes)
        raise UsageError(f"--{foreign[0]}: means nothing for --quantizer {quantizer}, which takes {listed}")
    needed = "codebook-size" if quantizer == "vector" else "bits"
    if needed in takes and needed not in options:
        raise UsageError(f"--{needed}: --quantizer {quantizer} cannot do without; try {_EXAMPLES[needed]}")


def fit_named(quantizer: str, x: NDArray[Any], options: dict[str, Any], seed: int) -> Codebook | Quantizer:
    """Return `quantizer` fitted to vectors x (N, D) with `options`, which `check_options` has seen."""
    return _fitters()[quantizer](x, seed, {name.replace("-", "_"): value for name, value in options.items()})


def _fitters() -> dict[str, Callable[[NDArray[Any], int, dict[str, Any]], Codebook | Quantizer]]:
    from zador import quantizers

    return {
        "vector": _vector,
        "product": _product,
        "residual": lambda x, seed, options: quantizers.fit_residual(x, seed=seed, **options),
        "transform": lambda x, _, options: quantizers.fit_transform_coding(x, **options),  # without a random choice
        "lattice": _lattice,
        "entropy-constrained": lambda x, seed, options: quantizers.fit_entropy_constrained(x, seed=seed, **options),
        "random": lambda x, seed, options: quantizers.fit_random(x, seed=seed, **options),
    }


def _vector(x: NDArray[Any], seed: int, options: dict[str, Any]) -> Codebook:
    from zador.codebooks import fit_codebook

    if "init" in options:
        options = {**options, "init": pick(_initialisers(), options["init"], "--init")}
    return fit_codebook(x, seed=seed, **options)


def _product(x: NDArray[Any], seed: int, options: dict[str, Any]) -> Quantizer:
    from zador.quantizers import Rotation, fit_product

    return fit_product(x, seed=seed, **{**options, "rotation": Rotation() if "rotation" in options else None})


def _lattice(x: NDArray[Any], _: int, options: dict[str, Any]) -> Quantizer:
    from zador.quantizers import fit_lattice
    from zador.quantizers.lattices import LATTICES

    if "lattice" in options:
        options = {**options, "lattice": pick(LATTICES, options["lattice"], "--lattice")}
    return fit_lattice(x, **options)


def _initialisers() -> dict[str, Initialiser]:
    from zador.codebooks import (
        BestGaussian,
        FromData,
        IsotropicRateDistortion,
        KMeansPlusPlus,
        LloydMaxGrid,
        RateDistortion,
        ReproductionLaw,
        Uniform,
        ZadorDensity,
    )

    return {
        "kmeans++": KMeansPlusPlus(),
        "from-data": FromData(),
        "uniform": Uniform(),
        "rate-distortion": RateDistortion(),
        "isotropic-rate-distortion": IsotropicRateDistortion(),
        "best-gaussian": BestGaussian(),
        "reproduction-law": ReproductionLaw(),
        "zador-density": ZadorDensity(),
        "lloyd-max-grid": LloydMaxGrid(),
    }
