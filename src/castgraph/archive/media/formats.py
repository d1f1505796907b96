"""Which videos are read: formats that cannot name other files, and how the names of such files end."""

from __future__ import annotations

from collections.abc import Mapping

FORMATS: Mapping[str, tuple[str, ...]] = {
    "mov": (".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4v"),
    "matroska": (".mkv", ".webm"),
    "mpegts": (".ts", ".mts", ".m2ts", ".m2t"),
    "mpeg": (".mpg", ".mpeg", ".vob"),
    "mpegvideo": (".m2v",),
    "avi": (".avi",),
    "asf": (".wmv", ".asf"),
    "flv": (".flv",),
    "ogg": (".ogv", ".ogm"),
    "mxf": (".mxf",),
}
"""Format, as libav calls it → endings of names, in small letters. What a file is, its content says."""
