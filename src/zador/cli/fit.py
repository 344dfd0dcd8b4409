"""`zador fit`: a codebook from vectors, saved to a directory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zador.cli.options import AsJson, Key, Patch, Seed, pick
from zador.cli.output import print_json

if TYPE_CHECKING:
    from zador.codebooks import Codebook, Initialiser
    from zador.data import Vectors

_LARGEST = 1 << 20


def fit(
    data: Annotated[str, typer.Argument(help="digits, photos, linear-gaussian, or a file or folder of vectors or images.")],
    codebook_size: Annotated[int, typer.Option("--codebook-size", "-k", min=1, max=_LARGEST, help="Number of codewords.")],
    out: Annotated[str, typer.Option("--out", "-o", help="Directory to save the codebook in.")],
    init: Annotated[
        str, typer.Option(help="kmeans++, from-data, uniform, rate-distortion, zador-density or lloyd-max-grid.")
    ] = "kmeans++",
    iterations: Annotated[int, typer.Option(min=0, help="Most Lloyd updates; it stops when they gain nothing.")] = 300,
    restarts: Annotated[int, typer.Option(min=1, help="Independent runs, of which the best is kept.")] = 1,
    seed: Seed = 0,
    key: Key = None,
    patch: Patch = 8,
    as_json: AsJson = False,
) -> None:
    """Fit a codebook to vectors by Lloyd's algorithm and save it.

    Load it with zador.load(DIR). The distortion printed is that of the training vectors.
    """
    from zador.codebooks import fit_codebook
    from zador.data import load
    from zador.files import check_folder

    check_folder(out)  # before the work, not after it
    start = pick(_initialisers(), init, "--init")
    vectors = load(data, key=key, patch=patch)
    codebook = fit_codebook(vectors.array, codebook_size, init=start, iterations=iterations, restarts=restarts, seed=seed)
    codebook.save(out)
    summary = _summary(vectors, codebook, out)
    if as_json:
        print_json(summary)
    else:
        typer.echo(_sentences(summary))


def _initialisers() -> dict[str, Initialiser]:
    from zador.codebooks import FromData, KMeansPlusPlus, LloydMaxGrid, RateDistortion, Uniform, ZadorDensity

    return {
        "kmeans++": KMeansPlusPlus(),
        "from-data": FromData(),
        "uniform": Uniform(),
        "rate-distortion": RateDistortion(),
        "zador-density": ZadorDensity(),
        "lloyd-max-grid": LloydMaxGrid(),
    }


def _summary(vectors: Vectors, codebook: Codebook, out: str) -> dict[str, Any]:
    from zador.codebooks import principal_axes
    from zador.theory import gaussian
    from zador.units import decibels

    distortion = float(codebook.origin["training_distortion"])
    bound = gaussian.distortion_rate(principal_axes(vectors.array).eigenvalues, codebook.bits)
    return {
        "data": vectors.name,
        "vectors": len(vectors),
        "dim": codebook.dim,
        "codebook_size": codebook.codebook_size,
        "bits": codebook.bits,
        "training_distortion": distortion,
        "gaussian_bound": bound,
        "gap_db": decibels(distortion / bound) if bound > 0 else math.inf,
        "unused": int((codebook.usage == 0).sum()),
        "iterations": codebook.origin["iterations"],
        "converged": codebook.origin["converged"],
        "saved_to": out,
    }


def _sentences(summary: dict[str, Any]) -> str:
    ending = "converged" if summary["converged"] else "stopped"
    gap, side = abs(summary["gap_db"]), "above" if summary["gap_db"] >= 0 else "below"
    return (
        f"{summary['data']}: {summary['vectors']} vectors of {summary['dim']} coordinates -> {summary['codebook_size']} "
        f"codewords ({summary['bits']:g} bits), {ending} after {summary['iterations']} updates\n"
        f"training distortion {summary['training_distortion']:.6g}, {gap:.2f} dB {side} the Gaussian D(R) of the same "
        f"covariance ({summary['gaussian_bound']:.6g}); {summary['unused']} codewords unused\n"
        f"Saved to {summary['saved_to']}"
    )
