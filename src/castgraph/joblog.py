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

    Raises
    ------
    SystemExit
        When the block raises.
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
        # The whole story is in the log; one line is for the person at the terminal.
        logging.exception("failed")
        sys.exit(f"error: {error} (see {path})")
