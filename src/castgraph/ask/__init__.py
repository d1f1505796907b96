"""Questions over the results of a run.

``results`` finds the tables of a run and one of its clusterings; ``views`` lets SQL be asked of them, and
nothing else. ``who`` tells who is meant by a name or an ID; ``questions`` are those that are asked often,
and ``diff`` is what two results differ in. ``find`` finds the faces that are near to one; ``photo`` gives the
face of a photo. ``export`` writes tables out for spreadsheets.
"""
