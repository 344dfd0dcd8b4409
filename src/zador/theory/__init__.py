"""What is possible: limits on rate and distortion, in NumPy float64."""

from zador.theory import densities, gaussian, high_rate, limits, scalar, spectrum

__all__ = ["densities", "gaussian", "high_rate", "limits", "scalar", "spectrum"]
