"""People: groups of faces that keep an ID, and what is told of them.

`record.write_people` goes from labels to people: `corrections` applies what was decided, `identify` gives
each group the ID of whom it was before by the `register`, `gallery` the name of whom it looks like, `table`
sums everybody up. `sightings` and `screen_time` tell when each is seen, `suggest` what a look could put
right, `portraits` and `sheets` show them, `database` writes all faces out. `centre` finds the middle of a
person's faces, `who` whom an ID or a name means.
"""
