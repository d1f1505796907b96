"""Pictures within a page, which needs no other file."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image


def data_uri(path: Path, most_px: int) -> str:
    """Give a picture as a data URI of WebP, at most `most_px` wide and high; nothing where there is none."""
    if not path.is_file():
        return ""
    with Image.open(path) as picture:
        small = picture.convert("RGB")
    small.thumbnail((most_px, most_px))
    content = io.BytesIO()
    small.save(content, "webp", quality=82)
    return f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}"
