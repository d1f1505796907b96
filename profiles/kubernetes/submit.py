#!/usr/bin/env python3
"""Submit one job to Kubernetes: submit.py CORES MEM_MB MINUTES JOBSCRIPT. Prints the name of the Job.

The environment names the image (CASTGRAPH_IMAGE), the persistent volume claim that all pods share
(CASTGRAPH_CLAIM) and where it is mounted, here and in the pods (CASTGRAPH_VOLUME, default /castgraph).
"""

import json
import os
import subprocess
import sys

cores, mem_mb, minutes, script = sys.argv[1:]
try:
    image, claim = os.environ["CASTGRAPH_IMAGE"], os.environ["CASTGRAPH_CLAIM"]
except KeyError as error:
    sys.exit(f"profiles/kubernetes: set the environment variable {error.args[0]}; see docs/clusters.md")
volume = os.environ.get("CASTGRAPH_VOLUME", "/castgraph")

container = {
    "name": "job",
    "image": image,
    "command": ["sh", script],
    "workingDir": os.getcwd(),  # noqa: PTH109
    "env": [{"name": "TMPDIR", "value": "/scratch"}],
    "resources": {"requests": {"cpu": cores, "memory": f"{mem_mb}M"}, "limits": {"memory": f"{mem_mb}M"}},
    "volumeMounts": [{"name": "shared", "mountPath": volume}, {"name": "scratch", "mountPath": "/scratch"}],
}
disrupted = {"type": "DisruptionTarget", "status": "True"}
job = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"generateName": "castgraph-", "labels": {"app": "castgraph"}},
    "spec": {
        # Snakemake tries again, with more. Only pods that were pre-empted are Kubernetes' to replace.
        "backoffLimit": 0,
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
            ]
        },
        "activeDeadlineSeconds": int(minutes) * 60,
        "ttlSecondsAfterFinished": 7 * 24 * 3600,
        "template": {
            "metadata": {"labels": {"app": "castgraph"}},
            "spec": {
                "restartPolicy": "Never",
                "containers": [container],
                "volumes": [
                    {"name": "shared", "persistentVolumeClaim": {"claimName": claim}},
                    {"name": "scratch", "emptyDir": {}},
                ],
            },
        },
    },
}
command = ["kubectl", "create", "--output=name", "--filename=-"]
sys.exit(subprocess.run(command, input=json.dumps(job), text=True).returncode)  # noqa: S603
