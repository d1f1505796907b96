"""The review: questions about the people of a run, and what each answer changes, as it is given.

``results`` reads a run; ``grouping`` tells who is who after the decisions of a file of corrections, by the
code that the workflow applies them with, and what a decision changes; ``questions`` chooses what is asked,
and the faces that are looked at; ``desk`` takes answers; ``pictures`` cuts faces and frames; ``page`` is the
page itself, and ``folder`` writes one that needs no server.
"""
