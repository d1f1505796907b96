"""Frames of the real sample and of the demo, read without unzipping them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def pictures(folder: Path, n_per_broadcast: int) -> list[np.ndarray]:
    """Frames from the beginning to the end of every broadcast of a folder."""
    found = []
    for path in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(path) as file:
            names = sorted(name for name in file.namelist() if name.endswith(".jpg"))
            for index in np.linspace(0, len(names) - 1, n_per_broadcast + 2).astype(int)[1:-1]:
                image = Image.open(io.BytesIO(file.read(names[index])))
                found.append(np.asarray(image.convert("RGB")))
    return found
