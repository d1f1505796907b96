"""Who appears with whom on television.

The packages follow the data, and each may import those before it, never those after it:
``archive`` → ``faces`` → ``clustering`` → ``people`` → ``network``. The modules beside them (``files``,
``tables``, ``config``) are for all of them.
"""

from importlib.metadata import version

__version__ = version("castgraph")
