"""Getting a file from the archive: from the web, or from a folder that holds a copy of it.

``client`` fetches, from a server by ``web``; ``partial`` keeps the bytes so far, ``transfer`` asks for the
rest, ``redirects`` tells where a server may send us on to, ``pace`` limits the bytes per second of all jobs.
"""

from castgraph.archive.fetch.client import Fetched, FetchOptions, fetch, fetch_options, join
from castgraph.archive.fetch.errors import FetchError, TooLargeError

__all__ = ["FetchError", "FetchOptions", "Fetched", "TooLargeError", "fetch", "fetch_options", "join"]
