"""The native kernels; there are none where the package was built without a compiler."""

from __future__ import annotations

__all__ = ["kernel", "kernels"]

try:
    from castgraph.faces import _kernel as kernel
except ImportError:
    kernel = None  # type: ignore[assignment]  # a module otherwise


def kernels() -> list[str]:
    """Name the instruction sets that the kernels can use on this machine, the best first."""
    return [] if kernel is None else kernel.kernels()
