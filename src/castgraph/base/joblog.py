"""The log file of one job."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from castgraph.base.text import line

_FAILED = "failed: "
_MARK = f" ERROR {_FAILED}"


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
        When the block raises; `failure` reads from the file why.
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
        logging.exception("the job failed")
        logging.error("%s%s", _FAILED, line(_sentence(error)))
        sys.exit(1)


def failure(path: str | os.PathLike[str]) -> str:
    """Tell in a sentence how a job failed; empty when it did not, as far as its log file tells."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line(each.partition(_MARK)[2]) for each in reversed(lines) if _MARK in each), "")


def _sentence(error: Exception) -> str:
    """Say an error: one that is to be expected says it itself."""
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(filter(None, [str(error.filename or ""), error.strerror]))
    says_itself = isinstance(error, ValueError | LookupError | OSError | RuntimeError)
    if says_itself and not isinstance(error, KeyError | IndexError):
        return str(error)
    return f"{type(error).__name__}: {error}"
