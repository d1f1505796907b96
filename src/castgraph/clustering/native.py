"""The native kernels; there are none where the package was built without a compiler."""

from __future__ import annotations

__all__ = ["kernel"]

try:
    from castgraph.clustering import _kernel as kernel
except ImportError:
    kernel = None  # type: ignore[assignment]  # a module otherwise
