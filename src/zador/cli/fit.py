"""`zador fit`: a codebook from vectors, saved to a directory."""

from __future__ import annotations

from typing import Annotated

import typer

from zador.cli.options import AsJson, Key, Patch, Seed, pick
from zador.cli.output import print_json

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
    from zador.codebooks import (
        FromData,
        KMeansPlusPlus,
        LloydMaxGrid,
        RateDistortion,
        Uniform,
        ZadorDensity,
        fit_codebook,
        principal_axes,
    )
    from zador.data import load
    from zador.theory import gaussian
    from zador.units import decibels

    initialisers = {
        "kmeans++": KMeansPlusPlus(),
        "from-data": FromData(),
        "uniform": Uniform(),
        "rate-distortion": RateDistortion(),
        "zador-density": ZadorDensity(),
        "lloyd-max-grid": LloydMaxGrid(),
    }
    start = pick(initialisers, init, "--init")
    vectors = load(data, key=key, patch=patch)
    codebook = fit_codebook(vectors.array, codebook_size, init=start, iterations=iterations, restarts=restarts, seed=seed)
    codebook.save(out)
    distortion = float(codebook.origin["training_distortion"])
    bound = float(gaussian.distortion_rate(principal_axes(vectors.array).eigenvalues, codebook.bits))
    summary = {
        "data": vectors.name,
        "vectors": len(vectors),
        "dim": codebook.dim,
        "codebook_size": codebook.codebook_size,
        "bits": codebook.bits,
        "training_distortion": distortion,
        "gaussian_bound": bound,
        "gap_db": decibels(distortion / bound) if bound > 0 else float("inf"),
        "unused": int((codebook.usage == 0).sum()),
        "iterations": codebook.origin["iterations"],
        "converged": codebook.origin["converged"],
        "saved_to": out,
    }
    if as_json:
        print_json(summary)
        return
    ending = "converged" if summary["converged"] else "stopped"
    typer.echo(
        f"{vectors.name}: {len(vectors)} vectors of {codebook.dim} coordinates -> {codebook.codebook_size} codewords "
        f"({codebook.bits:g} bits), {ending} after {summary['iterations']} updates\n"
        f"training distortion {distortion:.6g}, {summary['gap_db']:.2f} dB above the Gaussian D(R) of the same covariance "
        f"({bound:.6g}); {summary['unused']} codewords unused\n"
        f"Saved to {out}"
    )
