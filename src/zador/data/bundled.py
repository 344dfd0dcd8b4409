"""Data that needs no file: pictures inside scikit-learn, and the linear-Gaussian testbed. Nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zador.data.images import to_patches
from zador.data.linear_gaussian import low_rank_gaussian
from zador.data.vectors import Vectors

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BUNDLED"]


def _digits(_patch: int) -> Vectors:
    # 1797 handwritten digits, 8 x 8, 17 levels of ink; whole numbers, so float32 holds them exactly.
    from sklearn.datasets import load_digits

    return Vectors(load_digits().data.astype(np.float32), "digits", picture_shape=(8, 8), value_range=(0.0, 16.0))


def _photos(patch: int) -> Vectors:
    # The two sample photographs, 427 x 640 RGB; with 8 x 8 patches, 8480 vectors of dimension 192.
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images()
    files = [Path(name) for name in photographs.filenames]
    return to_patches(zip(files, photographs.images, strict=True), files[0].parent, "photos", patch)


def _linear_gaussian(_patch: int) -> Vectors:
    # Only the training vectors: a caller who splits them judges on vectors of the same source, and those who want the
    # evaluation vectors of the protocol ask low_rank_gaussian for them.
    array = low_rank_gaussian().train
    return Vectors(array, "linear-gaussian", value_range=(float(array.min()), float(array.max())))


BUNDLED: dict[str, Callable[[int], Vectors]] = {
    "digits": _digits,
    "photos": _photos,
    "linear-gaussian": _linear_gaussian,
}
