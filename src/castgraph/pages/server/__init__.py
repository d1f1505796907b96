"""Local servers: of the explorer with any frame of its run, and of the review page.

`guard` keeps strangers out, `files` gives what is listed and nothing else, `frames` cuts frames out of their
ZIPs, `serving` runs a server until it is stopped; `explore` and `review` are the two servers.
"""
