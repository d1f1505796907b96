#!/usr/bin/env python3
"""Tell how a Job is: status.py NAME. Prints running, success or failed."""

import json
import subprocess
import sys

command = ["kubectl", "get", "--ignore-not-found", "--output=json", sys.argv[1]]
done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
if done.returncode:  # the controller cannot be reached: that ends no job
    print("running")
elif not done.stdout.strip():  # somebody deleted it
    print("failed")
else:
    conditions = json.loads(done.stdout).get("status", {}).get("conditions", [])
    true = {condition["type"] for condition in conditions if condition["status"] == "True"}
    print("success" if "Complete" in true else "failed" if "Failed" in true else "running")
