"""The table of codewords of an exhibit that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zador.studies.comparison.records import Exhibit

__all__ = ["table"]


def table(exhibit: Exhibit) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return codewords (K, D) and usage (K,); whoever asks has seen that the exhibit holds codewords."""
    return cast("NDArray[np.float64]", exhibit.codewords), cast("NDArray[np.int64]", exhibit.usage)
