"""The page of a review: nothing but what loads its script."""

from __future__ import annotations

import html
from importlib import resources

from castgraph.pages import theme

COLOURS = "colours.css"
ASSETS = ("review.js", "review.css", COLOURS, "LICENSES.txt")
"""What the page loads, and the licences of what is in it."""

SERVED_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

STATIC_POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src 'self' file: data: blob:; "
    "connect-src 'none'; base-uri 'none'; form-action 'none'"
)


def page(run: str, *, is_served: bool) -> str:
    """Write the page.

    Parameters
    ----------
    run
        The name of the run.
    is_served
        Whether there is a server, or only a folder with ``questions.js`` in it.
    """
    metas = (
        '<meta name="castgraph-review" content="/api">'
        if is_served
        else f'<meta http-equiv="Content-Security-Policy" content="{STATIC_POLICY}">'
    )
    scripts = ["review.js", *([] if is_served else ["questions.js"])]
    tags = "\n".join(f'<script src="{name}"></script>' for name in scripts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{metas}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{html.escape(run)}: review</title>
<link rel="stylesheet" href="{COLOURS}">
<link rel="stylesheet" href="review.css">
<link rel="icon" href="data:,">
</head>
<body>
<noscript>This page needs JavaScript.</noscript>
{tags}
</body>
</html>
"""


def asset(name: str) -> bytes:
    """Read one of `ASSETS`."""
    if name == COLOURS:
        return theme.colour_sheet().encode()
    return resources.files("castgraph.pages").joinpath("web", name).read_bytes()
