"""The log file of one job."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def log_progress() -> Callable[[float], None]:
    """Give what logs the share of the work that is done, from 0 to 1, at each new tenth."""
    logged = 0

    def progress(share: float) -> None:
        nonlocal logged
        if int(share * 10) != logged:
            logged = int(share * 10)
            logging.info("%d %% done", logged * 10)

    return progress


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
