"""The native kernels; there are none where the package was built without a compiler."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache

from castgraph.base.models import CPU, check_providers

__all__ = ["kernel", "kernels", "runs", "say_if_missing"]

log = logging.getLogger(__name__)

try:
    from castgraph.faces import _kernel as kernel
except ImportError:
    kernel = None  # type: ignore[assignment]  # a module otherwise


def runs(providers: Sequence[str], name: str | None) -> bool:
    """Tell whether a kernel or onnxruntime runs a network that both can.

    Parameters
    ----------
    providers
        onnxruntime's execution providers, the preferred one first; with the CPU first the kernel runs.
    name
        A name in `kernels`; the best one when empty; None for onnxruntime.

    Raises
    ------
    ValueError
        When a provider is not there.
    """
    check_providers(providers)
    return kernel is not None and name is not None and providers[0] == CPU[0]


@cache
def say_if_missing() -> None:
    """Log, once, that there are no kernels."""
    if kernel is None:
        log.warning(
            "castgraph was built without a compiler: faces are found and embedded by dlib and onnxruntime, "
            "which give the same and take up to three times as long; `make setup` tells what to install"
        )


def kernels() -> list[str]:
    """Name the instruction sets that the kernels can use on this machine, the best first."""
    return [] if kernel is None else kernel.kernels()
