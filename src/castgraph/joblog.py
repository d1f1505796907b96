"""The log file of one job."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def joblog(path: str) -> Iterator[None]:
    """Write what the block logs to the file `path`, and how it failed if it does.

    Parameters
    ----------
    path
        The log file; it is begun anew.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        force=True,
    )
    logging.captureWarnings(capture=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        yield
    except Exception as error:
        logging.exception("failed")
        # One line for the person at the terminal; the whole story is in the log.
        print(f"error: {error} (see {path})", file=sys.stderr)
        raise
