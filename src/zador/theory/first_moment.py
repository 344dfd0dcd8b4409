"""The first moment ∫ x p(x) dx of a density up to any threshold, tabulated once for the many thresholds of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zador.theory.quadrature import RunningIntegral, log_odds_grid

if TYPE_CHECKING:
    from zador.theory.quadrature import Function

__all__ = ["FirstMoment", "log_odds_grid"]


class FirstMoment(RunningIntegral):
    """Callable x -> ∫_{-∞}^x u p(u) du of a density with zero mean, by Gauss-Legendre panels.

    Args:
        pdf: the density, zero mean, of about unit variance.
        ppf: its quantile function.

    Raises:
        DataError: the density is not finite at some point.
    """

    def __init__(self, pdf: Function, ppf: Function) -> None:
        super().__init__(lambda x: x * pdf(x), ppf, total=0.0)
