#!/usr/bin/env python3
"""Tell how a job is: status.py ID. Prints running, success or failed."""

import subprocess
import sys

command = ["aws", "batch", "describe-jobs", "--query=jobs[0].status", "--output=text", "--jobs", sys.argv[1]]
done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
# Where Batch cannot be reached, that ends no job; one that it has forgotten is None.
status = "RUNNING" if done.returncode else done.stdout.strip()
print({"SUCCEEDED": "success", "FAILED": "failed", "None": "failed"}.get(status, "running"))
