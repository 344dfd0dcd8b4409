"""`zador limits`: what is possible, from zero rate to Shannon's bound, for a spectrum or for data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from zador.cli.options import AsJson, Key, Patch, whole_numbers
from zador.cli.output import print_json, print_table
from zador.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LARGEST = 1 << 62
_PARTS = 4


def limits(
    spectrum: Annotated[
        str | None, typer.Option(help="Variances: 4,2,1 or geomspace:FIRST:LAST:COUNT or linspace:FIRST:LAST:COUNT.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Take the variances from these vectors instead.")] = None,
    codebook_size: Annotated[str, typer.Option("--codebook-size", "-k", help="Numbers of codewords.")] = "16,64,256",
    encoder_dim: Annotated[
        int | None, typer.Option(min=1, help="Dimension that a linear encoder keeps in front of the quantizer.")
    ] = None,
    key: Key = None,
    patch: Patch = 8,
    as_json: AsJson = False,
) -> None:
    """Print the ladder of limits of a Gaussian source: no codebook of K codewords gets below the rungs that are bounds."""
    sizes = whole_numbers(codebook_size, "--codebook-size", least=1, most=_LARGEST)
    if (spectrum is None) == (data is None):
        raise UsageError("limits: give either --spectrum or --data; try --spectrum geomspace:4:0.25:6")
    variances = _of_data(data, key, patch) if data is not None else _of_text(spectrum or "")
    from zador.theory.limits import limits as ladder

    ladders = [ladder(variances, codebook_size=size, encoder_dim=encoder_dim) for size in sizes]
    if as_json:
        from dataclasses import asdict

        print_json({"eigenvalues": variances.tolist(), "limits": [asdict(one) for one in ladders]})
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    for one in ladders:
        title = f"{one.codebook_size} codewords, {one.rate_bits:g} bits per vector"
        table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("limit")
        table.add_column("distortion", justify="right", no_wrap=True)
        table.add_column("meaning")
        for label, distortion, meaning in one.rungs():
            table.add_row(label, f"{distortion:.6g}", meaning)
        print_table(table)
    if data is not None:
        typer.echo(f"For a Gaussian with the covariance of {data}. Vectors that are not Gaussian may allow less.")


def _of_data(data: str, key: str | None, patch: int) -> NDArray[np.float64]:
    from zador.codebooks import principal_axes
    from zador.data import load

    return principal_axes(load(data, key=key, patch=patch).array).eigenvalues


def _of_text(text: str) -> NDArray[np.float64]:
    """Return the variances that `4,2,1`, `geomspace:4:0.25:6` or `linspace:1:0:5` spells out."""
    import numpy as np

    parts = text.split(":")
    try:
        if len(parts) == _PARTS and parts[0] in {"geomspace", "linspace"}:
            space = np.geomspace if parts[0] == "geomspace" else np.linspace
            return np.asarray(space(float(parts[1]), float(parts[2]), int(parts[3])), np.float64)
        return np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise UsageError(f"--spectrum: cannot read {text!r}; write 4,2,1 or geomspace:4:0.25:6 or linspace:1:0:5") from None
