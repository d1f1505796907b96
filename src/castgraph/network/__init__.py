"""The network of people: who is seen with whom, in which groups, as tables, files for Gephi and a picture."""

from castgraph.network.cooccurrence import as_published, cooccurrences, strongest
from castgraph.network.export import (
    read_graphml,
    write_as_published,
    write_csv,
    write_gexf,
    write_graphml,
)
from castgraph.network.graph import build, communities, layout, pagerank
from castgraph.network.picture import draw

__all__ = [
    "as_published",
    "build",
    "communities",
    "cooccurrences",
    "draw",
    "layout",
    "pagerank",
    "read_graphml",
    "strongest",
    "write_as_published",
    "write_csv",
    "write_gexf",
    "write_graphml",
]
