"""People: a person is a cluster, that is a label >= 0.

`centre.centre` finds the middle of a person's faces and which of them are doubtful, `table.people_table` sums
every person up in one row, `portraits.write_portraits` shows them: a portrait and a contact sheet each, and
`database.write_database_json` writes all faces out.
"""
