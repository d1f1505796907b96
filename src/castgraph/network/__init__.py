"""The network of people: who is seen with whom, in which groups, as tables, files for Gephi and a picture.

``cooccurrence`` counts the pairs in each of the ``layers``, ``significance`` compares them with chance, and
``variants`` chooses the edges of the network and of those that it is compared with. ``graph`` makes the
network of them, and ``places`` tells where everybody stands. ``export`` and ``gexf`` write it for other
programs, ``picture`` draws it, ``weekly`` follows it over time, and ``holds`` tells which edges are there
elsewhere. ``replays`` finds the footage that is on air again.
"""
