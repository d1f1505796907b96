"""One run: its configuration and names, its clusterings and their scores, and what became of it."""
