"""`zador fit`: a codebook or another quantizer from vectors, saved to a directory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zador.cli.fitters import ENTROPY_CODED, TAKES, check_options, fit_named
from zador.cli.options import AsJson, Data, Key, Patch, Seed, given
from zador.cli.output import print_json

if TYPE_CHECKING:
    from zador.data import Vectors
    from zador.quantizers import Quantizer

_LARGEST = 1 << 20


def fit(
    data: Data,
    out: Annotated[str, typer.Option("--out", "-o", help="Directory to save to.", metavar="DIR")],
    quantizer: Annotated[str, typer.Option(help=f"{', '.join(TAKES)}.")] = "vector",
    codebook_size: Annotated[
        int | None,
        typer.Option(
            "--codebook-size",
            "-k",
            min=1,
            max=_LARGEST,
            help="Codewords, of each slice or stage: all but those with --bits alone.",
        ),
    ] = None,
    bits: Annotated[
        float | None, typer.Option(help="Bits per vector: transform, random; as entropy: lattice, entropy-constrained.")
    ] = None,
    slices: Annotated[int | None, typer.Option(min=1, help="product: parts of a vector.", show_default="8")] = None,
    rotation: Annotated[bool, typer.Option("--rotation", help="product: learn the axes along which to cut.")] = False,
    stages: Annotated[int | None, typer.Option(min=1, help="residual: codebooks that add up.", show_default="8")] = None,
    beam: Annotated[
        int | None, typer.Option(min=1, help="residual: sums carried from stage to stage.", show_default="5")
    ] = None,
    lattice: Annotated[str | None, typer.Option(help="lattice: Z, D4, E8 or BW16.", show_default="E8")] = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="vector: kmeans++, from-data, uniform, rate-distortion, isotropic-rate-distortion, best-gaussian, "
            "reproduction-law, zador-density or lloyd-max-grid.",
            show_default="kmeans++",
        ),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(min=0, help="vector, entropy-constrained: most updates; they stop when they gain nothing."),
    ] = None,
    restarts: Annotated[
        int | None, typer.Option(min=1, help="vector: independent runs, of which the best is kept.", show_default="1")
    ] = None,
    seed: Seed = 0,
    key: Key = None,
    patch: Patch = 8,
    as_json: AsJson = False,
) -> None:
    """Fit a codebook, or another quantizer, to vectors and save it.

    A codebook is fitted by Lloyd's algorithm and needs -k; lattice, transform, entropy-constrained and random need --bits.
    Load it with zador.load(DIR), or encode with it: zador encode. The distortion printed is that of the training vectors.
    """
    options = given(
        codebook_size=codebook_size,
        bits=bits,
        slices=slices,
        rotation=rotation or None,
        stages=stages,
        beam=beam,
        lattice=lattice,
        init=init,
        iterations=iterations,
        restarts=restarts,
    )
    check_options(quantizer, options)
    from zador.codebooks import Codebook
    from zador.data import load
    from zador.files import check_folder
    from zador.quantizers import VectorQuantizer

    check_folder(out)  # before the work, not after it
    vectors = load(data, key=key, patch=patch)
    fitted = fit_named(quantizer, vectors.array, options, seed)
    fitted.save(out)
    plain = VectorQuantizer.of(fitted) if isinstance(fitted, Codebook) else fitted
    summary = _summary(quantizer, vectors, plain) | {"saved_to": out}
    if as_json:
        print_json(summary)
    else:
        typer.echo(_sentences(summary))


def _summary(name: str, vectors: Vectors, quantizer: Quantizer) -> dict[str, Any]:
    from zador.codebooks import principal_axes
    from zador.metrics import entropy_bits
    from zador.theory import gaussian
    from zador.units import decibels

    distortion = _training_distortion(vectors, quantizer)
    entropy = math.fsum(entropy_bits(counts) for counts in quantizer.usage)
    rate = entropy if name in ENTROPY_CODED else quantizer.bits
    bound = gaussian.distortion_rate(principal_axes(vectors.array).eigenvalues, rate)
    summary = {
        "data": vectors.name,
        "vectors": len(vectors),
        "dim": quantizer.dim,
        "quantizer": name,
        "streams": len(quantizer.sizes),
        "codewords": sum(quantizer.sizes),
        "bits": quantizer.bits,
        "entropy_bits": entropy,
        "rate_bits": rate,
        "training_distortion": distortion,
        "gaussian_bound": bound,
        "gap_db": decibels(distortion / bound) if bound > 0 else math.inf,
        "unused": int(sum((counts == 0).sum() for counts in quantizer.usage)),
    }
    if name == "vector":
        summary["codebook_size"] = quantizer.sizes[0]
    return summary | {key: quantizer.origin[key] for key in ("iterations", "converged") if key in quantizer.origin}


def _training_distortion(vectors: Vectors, quantizer: Quantizer) -> float:
    known = quantizer.origin.get("training_distortion")
    if known is not None:
        return float(known)
    from zador.cli.tally import Tally

    tally = Tally(quantizer)
    for block in tally.blocks(vectors.array):
        tally.add(block, quantizer.encode(block))
    return tally.distortion


def _sentences(summary: dict[str, Any]) -> str:
    gap, side = abs(summary["gap_db"]), "above" if summary["gap_db"] >= 0 else "below"
    return (
        f"{summary['data']}: {summary['vectors']} vectors of {summary['dim']} coordinates -> {_what(summary)}\n"
        f"training distortion {summary['training_distortion']:.6g}, {gap:.2f} dB {side} the Gaussian D(R) of the same "
        f"covariance ({summary['gaussian_bound']:.6g}); {summary['unused']} codewords unused\n"
        f"Saved to {summary['saved_to']}"
    )


def _what(summary: dict[str, Any]) -> str:
    if summary["quantizer"] == "vector":
        ending = "converged" if summary["converged"] else "stopped"
        size = f"{summary['codebook_size']} codewords ({summary['bits']:g} bits)"
        return f"{size}, {ending} after {summary['iterations']} updates"
    streams = f"{summary['streams']} indices a vector" if summary["streams"] > 1 else f"{summary['codewords']} codewords"
    if summary["quantizer"] in ENTROPY_CODED:
        return f"{summary['quantizer']} quantizer, {streams}, {summary['entropy_bits']:.5g} bits of entropy"
    return f"{summary['quantizer']} quantizer, {streams}, {summary['bits']:.5g} bits (entropy {summary['entropy_bits']:.5g})"
