"""Getting a file from the archive: from the web, or from a folder that holds a copy of it.

``client`` fetches; ``partial`` keeps the bytes so far, ``transfer`` asks the server for the rest, ``pace``
limits the bytes per second of all jobs.
"""

from castgraph.archive.fetch.client import (
    Fetched,
    FetchError,
    FetchOptions,
    TooLargeError,
    fetch,
    fetch_options,
    join,
)

__all__ = ["FetchError", "FetchOptions", "Fetched", "TooLargeError", "fetch", "fetch_options", "join"]
