"""The map of the pictures of a run, ``map.html`` and the folder beside it, which open by a double click.

``data`` makes its tables, ``pictures`` the small pictures, many in one file, and ``folder`` puts all of it
together. Tables are script files as those of the explorer are, see `castgraph.pages.explorer.columns`.
"""
