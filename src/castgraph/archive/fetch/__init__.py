"""Getting a file from the archive: from the web, or from a folder that holds a copy of it.

``client`` fetches; ``partial`` keeps the bytes so far, ``transfer`` asks the server for the rest,
``redirects`` tells where it may send us on to, ``pace`` limits the bytes per second of all jobs.
"""

from castgraph.archive.fetch.client import Fetched, FetchOptions, fetch, fetch_options, join
from castgraph.archive.fetch.errors import FetchError, TooLargeError

__all__ = ["FetchError", "FetchOptions", "Fetched", "TooLargeError", "fetch", "fetch_options", "join"]
