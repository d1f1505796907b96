"""Broadcasts that are not what their title says.

The entities of a broadcast are what is seen and heard in it, and how much of it: what a run knows
(``of_run``) or tables from outside (``outside``). ``published`` correlates stations day by day as the
published study did, and ``dips`` finds the runs of days in which a station departs from the others.
``likeness`` compares each broadcast with the others of its title (``titles``), and ``suspects`` says which
are not what their title says, and what they are most like instead.
"""
