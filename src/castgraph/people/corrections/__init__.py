"""Corrections: what people have decided about the faces of a run, in a file, and applied to every clustering.

A decision is about faces, never about the numbers of groups: an anchor names a place in a frame, and so it
means the same face after another eps, another detector or in a run that has grown.

`read_corrections` reads a file, `apply` applies what it says to the groups of a clustering.
"""

from castgraph.people.corrections.anchors import NOWHERE, Anchor, find_faces, read_anchor
from castgraph.people.corrections.applying import Applied, Problem, apply
from castgraph.people.corrections.decisions import (
    KINDS,
    Decision,
    Different,
    Ignore,
    NotAFace,
    Person,
    Portrait,
    Same,
    Split,
    decide,
)
from castgraph.people.corrections.reading import CorrectionsError, Fault, read_corrections

__all__ = [
    "KINDS",
    "NOWHERE",
    "Anchor",
    "Applied",
    "CorrectionsError",
    "Decision",
    "Different",
    "Fault",
    "Ignore",
    "NotAFace",
    "Person",
    "Portrait",
    "Problem",
    "Same",
    "Split",
    "apply",
    "decide",
    "find_faces",
    "read_anchor",
    "read_corrections",
]
