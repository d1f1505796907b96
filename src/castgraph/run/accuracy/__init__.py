"""How accurate a run is, told by people who judge a sample of it.

``population`` reads what there is to draw from, ``draw`` draws a seeded sample, ``questions`` holds what is
asked of each piece and what may be answered, ``answers`` writes and reads the table to fill in, ``estimate``
is the statistics, ``measures`` says what is told by which answers, and ``score`` puts all that into words.
The sheet with the pictures is `castgraph.pages.accuracy`.
"""
