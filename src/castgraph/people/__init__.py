"""People: a person is a cluster, that is a label >= 0.

`centre` finds the middle of a person's faces and which of them are doubtful, `people_table` sums every person
up in one row, and `write_portraits` shows them: a portrait and a contact sheet each.
"""

from castgraph.people.centre import Centre, best_face, centre
from castgraph.people.database import write_database_json
from castgraph.people.portraits import write_portraits
from castgraph.people.table import contact_faces, people_table, portrait_name, rows_by_person

__all__ = [
    "Centre",
    "best_face",
    "centre",
    "contact_faces",
    "people_table",
    "portrait_name",
    "rows_by_person",
    "write_database_json",
    "write_portraits",
]
