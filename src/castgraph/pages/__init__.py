"""What a browser shows: the report of a run and the comparison of its clusterings."""
