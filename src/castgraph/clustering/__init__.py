"""Grouping faces into people by their embeddings."""

from castgraph.clustering.dbscan import dbscan

__all__ = ["dbscan"]
