"""Grouping faces into people by their embeddings."""

from typing import TYPE_CHECKING

from castgraph.clustering.dbscan import dbscan, kernels, predicted_memory_mb, sweep

if TYPE_CHECKING:
    from castgraph.clustering.estimator import ExactDBSCAN

__all__ = ["ExactDBSCAN", "dbscan", "kernels", "predicted_memory_mb", "sweep"]


def __getattr__(name: str) -> object:
    # It takes scikit-learn along, which nothing else here needs.
    if name == "ExactDBSCAN":
        from castgraph.clustering.estimator import ExactDBSCAN

        return ExactDBSCAN
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
