"""`zador limits`: what is possible, from zero rate to Shannon's bound, for a spectrum or for data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zador.cli.options import AsJson, Key, Patch, numbers, whole_numbers
from zador.cli.output import print_json, progress
from zador.cli.rungs import as_rows, print_rungs
from zador.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zador.theory.gap import GapDecomposition
    from zador.theory.limits import Limits, Rung
    from zador.theory.rate_band import RateBand

_LARGEST = 1 << 62
_PARTS = 4
_MOST_VECTORS = 1 << 16


def limits(
    spectrum: Annotated[
        str | None, typer.Option(help="Variances: 4,2,1 or geomspace:FIRST:LAST:COUNT or linspace:FIRST:LAST:COUNT.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Take the variances from these vectors instead.")] = None,
    codebook_size: Annotated[str, typer.Option("--codebook-size", "-k", help="Numbers of codewords.")] = "16,64,256",
    encoder_dim: Annotated[
        int | None, typer.Option(min=1, help="Dimension that a linear encoder keeps in front of the quantizer.")
    ] = None,
    measured: Annotated[
        float | None,
        typer.Option(min=0.0, help="A mean squared error, summed over coordinates, to hold against the ladder."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Closed forms only: no floor, no best known codebook.")] = False,
    book: Annotated[
        str | None,
        typer.Option("--with", help="With --data: where the error of this saved codebook comes from.", metavar="DIR"),
    ] = None,
    curve: Annotated[
        str | None, typer.Option(help="With --data: bound R(D) of these vectors at about these bits, as 0.5,1,2; minutes.")
    ] = None,
    plot: Annotated[str | None, typer.Option(help="Draw the ladder to this .svg, .png or .pdf file.")] = None,
    key: Key = None,
    patch: Patch = 8,
    as_json: AsJson = False,
) -> None:
    """Print the ladder of limits of a Gaussian source: no codebook of K codewords gets below the rungs that are bounds."""
    sizes = whole_numbers(codebook_size, "--codebook-size", least=1, most=_LARGEST)
    _refuse(spectrum, data, {"--curve": curve, "--with": book}, encoder_dim)
    if measured is not None and quick:
        raise UsageError("--measured: is held against the floor, which --quick leaves out; drop one of the two")
    rates = [] if curve is None else numbers(curve, "--curve", least=0.01)
    _check_picture(plot)
    source = _of_text(spectrum) if spectrum is not None else _of_vectors(data or "", key, patch)
    gap = None if book is None else _decomposed(source, data or "", book)
    ladders = _climbed(source, sizes, encoder_dim, searched=not quick)
    band = _band(source, rates) if rates else None
    warnings = source.warnings() + _measured(ladders, measured)
    if plot is not None:
        from zador.studies.limits_picture import draw

        marked = measured if gap is None else gap.measured
        draw(plot, [one.limits for one in ladders], [one.rungs for one in ladders], band=band, measured=marked)
    if as_json:
        parts = {"curve": band and as_rows(band), "gap": gap and [term._asdict() for term in gap.terms()]}
        found = {"eigenvalues": source.eigenvalues.tolist(), "limits": [one.as_json() for one in ladders]}
        print_json(found | {"warnings": warnings} | {name: part for name, part in parts.items() if part})
        return
    print_rungs([(f"K = {one.limits.codebook_size}, {one.limits.rate_bits:.4g} bits", one.rungs) for one in ladders])
    notes = [] if gap is None else [str(gap)]
    if band is not None:
        notes.append(f"R(D) of these vectors, {band.simultaneous_confidence:.0%} confidence for all rows:\n{band}")
    if data is not None:
        notes.append(f"Gaussian rungs: a Gaussian with the covariance of {data}. Other vectors may allow less.")
    for note in notes:
        typer.echo(f"\n{note}")
    for line in warnings:
        typer.echo(f"warning: {line}", err=True)


def _refuse(spectrum: str | None, data: str | None, of_vectors: dict[str, str | None], encoder_dim: int | None) -> None:
    if (spectrum is None) == (data is None):
        raise UsageError("limits: give either --spectrum or --data; try --spectrum geomspace:4:0.25:6")
    for option, value in of_vectors.items():
        if value is not None and data is None:
            raise UsageError(f"{option}: looks at vectors; give them with --data")
    if of_vectors["--with"] is not None and encoder_dim is not None:
        raise UsageError("--with: a saved codebook has no encoder in front; drop --encoder-dim")


def _check_picture(plot: str | None) -> None:
    if plot is not None:
        from zador.files import check_writable
        from zador.studies.limits_picture import check_format

        check_format(plot)
        check_writable(plot)


@dataclass(frozen=True)
class _Source:
    """Variances; where they come from vectors, at most 65,536 of them along their principal axes, and all as they are."""

    eigenvalues: NDArray[np.float64]
    vectors: NDArray[np.float64] | None = None
    original: NDArray[Any] | None = None

    def warnings(self) -> list[str]:
        if self.original is None:
            return []
        from zador.theory.cautions import sample_warnings

        return list(sample_warnings(*self.original.shape))


@dataclass(frozen=True)
class _Ladder:
    limits: Limits
    rungs: tuple[Rung, ...]

    def as_json(self) -> dict[str, object]:
        """Return the closed forms under their own names, and every rung."""
        from dataclasses import asdict

        return asdict(self.limits) | {"rungs": [rung._asdict() for rung in self.rungs]}


def _climbed(source: _Source, sizes: list[int], encoder_dim: int | None, *, searched: bool) -> list[_Ladder]:
    from zador.theory.limits import limits as ladder_of

    found = []
    with progress("limits") as announce:
        for number, size in enumerate(sizes, 1):
            one = ladder_of(source.eigenvalues, codebook_size=size, encoder_dim=encoder_dim)
            if searched:
                announce(f"K = {size}", number, len(sizes))
            rungs = one.rungs(searched=searched)
            if searched and source.vectors is not None:
                rungs = (*rungs, _floor_of(source.vectors, one))
            found.append(_Ladder(one, rungs))
    return found


def _floor_of(vectors: NDArray[np.float64], one: Limits) -> Rung:
    from zador.theory.kpoint import lower_bound_of_samples
    from zador.theory.limits import Rung

    bound = lower_bound_of_samples(vectors[:, : one.encoder_dim], one.codebook_size)
    meaning = "What these vectors, held out, prove of their own law; weak below hundreds of vectors a codeword."
    return Rung("K-point floor of these vectors", one.dropped_energy + bound.distortion, meaning, bound.standard_error)


def _measured(ladders: list[_Ladder], measured: float | None) -> list[str]:
    if measured is None:
        return []
    return [f"K = {one.limits.codebook_size}: {line}" for one in ladders for line in one.limits.warnings_for(measured)]


def _band(source: _Source, rates: list[float]) -> RateBand:
    from zador.theory.sandwich import sandwich

    return sandwich(source.vectors, rates=rates)


def _decomposed(source: _Source, data: str, book: str) -> GapDecomposition:
    from zador.errors import DataError
    from zador.quantizers import VectorQuantizer, load_quantizer
    from zador.theory.gap import decompose
    from zador.theory.kpoint import lower_bound_of_samples

    quantizer = load_quantizer(book)
    if not isinstance(quantizer, VectorQuantizer):
        raise UsageError(f"--with: {book} holds a {type(quantizer).__name__}; an error is taken apart for one table only")
    x = source.original
    if x is None or x.shape[1] != quantizer.dim:
        raise DataError(
            f"{data}: has vectors of another dimension than the {quantizer.dim} that the codebook in {book} takes"
        )
    # The floor of a Gaussian is none for vectors that are not; theirs is estimated from themselves.
    floor = lower_bound_of_samples(source.vectors, len(quantizer.codewords))
    return decompose(x, quantizer.encode(x)[:, 0], quantizer.codewords, floor=floor)


def _of_vectors(data: str, key: str | None, patch: int) -> _Source:
    import numpy as np

    from zador.codebooks import principal_axes
    from zador.data import load

    x = load(data, key=key, patch=patch).array
    axes = principal_axes(x)
    rows = np.arange(len(x))
    if len(x) > _MOST_VECTORS:
        rows = np.sort(np.random.default_rng(0).choice(len(x), _MOST_VECTORS, replace=False))
    return _Source(axes.eigenvalues, axes.coordinates(x[rows]), x)


def _of_text(text: str) -> _Source:
    """Return the variances that `4,2,1`, `geomspace:4:0.25:6` or `linspace:1:0:5` spells out."""
    import numpy as np

    parts = text.split(":")
    try:
        if len(parts) == _PARTS and parts[0] in {"geomspace", "linspace"}:
            space = np.geomspace if parts[0] == "geomspace" else np.linspace
            return _Source(np.asarray(space(float(parts[1]), float(parts[2]), int(parts[3])), np.float64))
        return _Source(np.array([float(part) for part in text.split(",")]))
    except ValueError:
        raise UsageError(f"--spectrum: cannot read {text!r}; write 4,2,1 or geomspace:4:0.25:6 or linspace:1:0:5") from None
