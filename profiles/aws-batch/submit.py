#!/usr/bin/env python3
"""Submit one job to AWS Batch: submit.py CORES MEM_MB MINUTES JOBSCRIPT. Prints the ID of the job.

The environment names the queue (CASTGRAPH_QUEUE) and the job definition (CASTGRAPH_JOB_DEFINITION), which
says the image and mounts the shared file system at the path that it has here.
"""

import json
import os
import shlex
import subprocess
import sys

cores, mem_mb, minutes, script = sys.argv[1:]
try:
    queue, definition = os.environ["CASTGRAPH_QUEUE"], os.environ["CASTGRAPH_JOB_DEFINITION"]
except KeyError as error:
    sys.exit(f"profiles/aws-batch: set the environment variable {error.args[0]}; see docs/clusters.md")

request = {
    "jobName": "castgraph",
    "jobQueue": queue,
    "jobDefinition": definition,
    "timeout": {"attemptDurationSeconds": int(minutes) * 60},
    # Snakemake tries again, with more. Only a host that was taken away (spot) is Batch's to replace.
    "retryStrategy": {
        "attempts": 10,
        "evaluateOnExit": [
            {"onStatusReason": "Host EC2*", "action": "RETRY"},
            {"onReason": "*", "action": "EXIT"},
        ],
    },
    "containerOverrides": {
        "command": ["sh", "-c", f"cd {shlex.quote(os.getcwd())} && exec sh {shlex.quote(script)}"],  # noqa: PTH109
        "resourceRequirements": [{"type": "VCPU", "value": cores}, {"type": "MEMORY", "value": mem_mb}],
    },
}
command = [
    "aws",
    "batch",
    "submit-job",
    "--query=jobId",
    "--output=text",
    "--cli-input-json",
    json.dumps(request),
]
sys.exit(subprocess.run(command).returncode)  # noqa: S603
