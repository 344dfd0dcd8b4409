"""Further losses of a layer: of its codewords, and of how vectors choose among them. One file each."""

from __future__ import annotations

from zador.layers.regularise.diversity import Diversity
from zador.layers.regularise.maximum_mean_discrepancy import MMD, GaussianKernel, energy_kernel
from zador.layers.regularise.orthogonal import Orthogonal
from zador.layers.regularise.rate import Rate
from zador.layers.regularise.wasserstein import Wasserstein

__all__ = ["MMD", "Diversity", "GaussianKernel", "Orthogonal", "Rate", "Wasserstein", "energy_kernel"]
