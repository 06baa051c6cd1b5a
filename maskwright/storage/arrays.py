"""NumPy arrays in one file, complete or absent."""

from io import BytesIO
from pathlib import Path

import numpy as np

from .atomic import atomic_write


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write `arrays` by their names, compressed; `np.load` reads them."""
    whole = BytesIO()
    np.savez_compressed(whole, **arrays)  # type: ignore[arg-type]
    atomic_write(path, whole.getvalue())
