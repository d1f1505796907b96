"""The network of people: who is seen with whom, in which groups, as tables, files for Gephi and a picture.

``cooccurrence`` counts the pairs, ``graph`` makes the network of them, ``export`` writes it for other
programs, and ``picture`` draws it.
"""
