"""Where vectors come from: `load` reads files, folders of images and bundled data into one record, `Vectors`.

Every vector is finite when it leaves this room. Nothing is downloaded and nothing is unpickled.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import numpy as np

from zador.data import arrays, bundled, images, parquet, tables
from zador.data.images import cut_patches, join_patches
from zador.data.linear_gaussian import LowRankGaussian, low_rank_gaussian
from zador.data.mosaic import Mosaic
from zador.data.motion import Motion, motion
from zador.data.png import write_png
from zador.data.vectors import Picture, Split, Vectors
from zador.errors import DataError, UsageError

__all__ = [
    "BUNDLED_NAMES",
    "LowRankGaussian",
    "Mosaic",
    "Motion",
    "Picture",
    "Split",
    "Vectors",
    "cut_patches",
    "join_patches",
    "load",
    "low_rank_gaussian",
    "motion",
    "write_png",
]

BUNDLED_NAMES = tuple(bundled.BUNDLED)

_READERS = {
    ".npy": arrays.read_npy,
    ".npz": arrays.read_npz,
    ".safetensors": arrays.read_safetensors,
    ".csv": tables.read_csv,
    ".tsv": tables.read_tsv,
    ".parquet": parquet.read_parquet,
}
_LOADABLE = f"can load the names {', '.join(BUNDLED_NAMES)}, files of {', '.join(_READERS)}, images, and folders of images"


def load(source: str | os.PathLike[str], *, key: str | None = None, patch: int = 8) -> Vectors:
    """Return the vectors that `source` names, as one finite (N, D) matrix with its name and how to show it.

    A bundled name means the bundled data in every directory, so that a script keeps its meaning wherever it runs; a file
    or folder of that very name is reached as `./digits` or `Path("digits")`.

    Floats keep their type: a `.npy` file of floats stays memory-mapped (one pass over it checks that it is finite).
    bfloat16 and whole numbers of up to 16 bits (pixels) become float32, exactly; wider whole numbers become float64.

    Args:
        source: a bundled name: "digits" (1797, 64), "photos" (8480, 192), "linear-gaussian" (20000, 64; the training
            vectors of `low_rank_gaussian()`); or the path of a `.npy`, `.npz`, `.safetensors`, `.csv`, `.tsv` or
            `.parquet` file, of an image, or of a folder of images.
        key: which array of a `.npz` or `.safetensors` file, or which column of lists of a `.parquet` file; needed where
            there are several.
        patch: side of the square patches that images, and "photos", are cut into, in pixels.

    Raises:
        UsageError: an unknown name, a key that is missing or means nothing there, a patch that is no size.
        DataError: no such file, or not a non-empty matrix of numbers.
        FormatError: a file that is not what its extension says, or is cut short.
        NonFiniteError: NaN or infinity; the message counts the rows.
        MissingDependencyError: `.parquet` without pyarrow.

    >>> digits = load("digits")
    >>> digits.array.shape, digits.picture_shape, digits.value_range
    ((1797, 64), (8, 8), (0.0, 16.0))
    """
    if not isinstance(source, str | os.PathLike):
        raise UsageError(f"source: expected a name or a path, got {type(source).__name__}; {_LOADABLE}")
    if not isinstance(patch, int | np.integer) or patch < 1:
        raise UsageError(f"patch: expected a side of at least 1 pixel, got {patch!r}; try patch=8")
    path = Path(source)
    extension = path.suffix.lower()
    make = bundled.BUNDLED.get(source) if isinstance(source, str) else None
    if make is None and not os.path.exists(source):  # noqa: PTH110 - Path.exists raises on odd names
        raise _nothing_there(str(source))
    if extension in _READERS and not path.is_dir():
        return _READERS[extension](path, key)
    if key is not None:
        raise UsageError(f"{source}: key={key!r} picks one of several arrays in a file; leave key out here")
    if make is not None:
        return make(patch)
    if path.is_dir():
        return images.read_folder(path, patch)
    if extension in images.EXTENSIONS:
        return images.read_image(path, patch)
    raise DataError(f"{source}: cannot load files of type {extension or '(no extension)'}; {_LOADABLE}")


def _nothing_there(source: str) -> UsageError | DataError:
    close = difflib.get_close_matches(source.lower(), BUNDLED_NAMES, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    if Path(source).suffix or os.sep in source:
        return DataError(f"{source}: no such file or folder; {hint}{_LOADABLE}")
    return UsageError(f"{source!r}: no such name, file or folder; {hint}{_LOADABLE}")
