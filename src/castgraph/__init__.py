"""Who appears with whom on television.

The packages follow the data, and each may import those before it, never those after it: ``base`` →
``archive`` → ``clustering`` → ``faces`` → ``people`` → ``network`` → ``run`` → ``ask`` → ``pages`` →
``cli``.
"""

from importlib.metadata import version

__version__ = version("castgraph")
