"""Grouping faces into people by their embeddings."""

from castgraph.clustering.dbscan import dbscan
from castgraph.clustering.labels import label_faces

__all__ = ["dbscan", "label_faces"]
