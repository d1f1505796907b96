"""Who appears with whom on television.

The packages follow the data, and each may import those before it, never those after it: ``base`` →
``archive`` → ``clustering`` → ``faces`` → ``people`` → ``network`` → ``visual`` → ``transcripts`` →
``labelling`` → ``run`` → ``ask`` → ``pages`` → ``cli``.
"""

import os
from importlib.metadata import version

# ONNX Runtime sends its maker what it runs, and keeps a database of that and an ID of the machine in the home
# folder, unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = version("castgraph")
