"""One number from arrays, its unit in its name: bits are per vector, squared error is summed over coordinates."""

from zador.metrics.distortion import Distortion, distortion, distortion_per_dim, psnr_db, snr_db
from zador.metrics.gap import effective_bits, gap_bits, gap_db
from zador.metrics.rate import RatePoint, cross_entropy_bits, entropy_bits, miller_madow_bits
from zador.metrics.retrieval import recall
from zador.metrics.subspace import mean_angle, principal_angles, subspace_affinity
from zador.metrics.usage import dead_codes, perplexity, usage_counts, utilisation

__all__ = [
    "Distortion",
    "RatePoint",
    "cross_entropy_bits",
    "dead_codes",
    "distortion",
    "distortion_per_dim",
    "effective_bits",
    "entropy_bits",
    "gap_bits",
    "gap_db",
    "mean_angle",
    "miller_madow_bits",
    "perplexity",
    "principal_angles",
    "psnr_db",
    "recall",
    "snr_db",
    "subspace_affinity",
    "usage_counts",
    "utilisation",
]
