"""What may go wrong with a fetch."""

from __future__ import annotations


class FetchError(RuntimeError):
    """A file could not be had, although it may well be in the archive."""


class TooLargeError(FetchError):
    """A file is larger than it may be."""


class PassingError(Exception):
    """A problem that may have gone by the next attempt; the server may ask for some seconds until then."""

    def __init__(self, problem: str, retry_after: float = 0.0) -> None:
        super().__init__(problem)
        self.retry_after = retry_after
