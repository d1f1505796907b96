"""The profiles: what they share, that they plan, and what those for Kubernetes and AWS Batch submit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.workflow.conftest import SHORT, Config, Run

PROFILES = {path.parent.name: path for path in (ROOT / "profiles").glob("*/config.yaml")}
ELSEWHERE = sorted(PROFILES.keys() - {"default"})
IDS = ["RUSSIA1_20220519_083000_60_minut", "RUSSIA1_20220520_083000_60_minut"]


def profile(name: str) -> dict[str, Any]:
    return yaml.safe_load(PROFILES[name].read_text())


def test_there_are_profiles_for_slurm_kubernetes_and_cloud_batch() -> None:
    assert ELSEWHERE == ["aws-batch", "kubernetes", "slurm"]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_profiles_share_what_does_not_depend_on_the_place(name: str) -> None:
    shared = ("scheduler", "scheduler-subsample", "keep-going", "retries", "rerun-incomplete")
    shared += ("rerun-triggers", "nolock", "show-failed-logs")
    for key in shared:
        assert profile(name)[key] == profile("default")[key], key
    for key in ("groups", "default-resources", "set-resources", "resources", "latency-wait"):
        assert profile(name)[key] == profile("slurm")[key], key


@pytest.mark.parametrize("name", ELSEWHERE)
def test_profiles_name_rules_that_exist(name: str) -> None:
    files = [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    rules = {rule for file in files for rule in re.findall(r"(?:rule|checkpoint) (\w+):", file.read_text())}
    named = {entry.split("=")[0] for entry in profile(name)["groups"]}
    named |= {entry.split(":")[0] for entry in profile(name)["set-resources"]}
    examples = re.findall(r"^#   - (\w+):\w+=", PROFILES[name].read_text(), re.MULTILINE)
    assert named | set(examples) <= rules | {"cluster_1"}


@pytest.mark.parametrize("name", sorted(set(ELSEWHERE) - {"slurm"}))  # Slurm's is run
def test_profiles_plan_a_chain_as_one_job(name: str, new_run: Callable[..., Run]) -> None:
    run = new_run(
        {"run": "plan", "broadcasts": {"ids": IDS}, "archive": {"base_url": "http://127.0.0.1:9/"}},
        extra=["--workflow-profile", str(PROFILES[name].parent)],
    )
    assert run("-n", cores=200).count("Group job broadcast") == len(IDS)


def test_an_option_that_nobody_knows_is_refused(new_run: Callable[..., Run]) -> None:
    run = new_run({"run": "plan", "broadcasts": {"ids": IDS}})
    wrong = run.folder / "wrong"
    wrong.mkdir()
    text = PROFILES["kubernetes"].read_text() + "cluster-generic-wish: 1\n"
    (wrong / "config.yaml").write_text(text)
    run.extra += ["--workflow-profile", str(wrong)]
    assert "cluster-generic-wish" in run("-n", fails=True)


KUBECTL = f"""\
#!{sys.executable}
# Stands for kubectl: every Job is a process here.
import json, os, subprocess, sys
folder = os.environ["STAND_IN"]
verb, *arguments = sys.argv[1:]
if verb == "create":
    job = json.load(sys.stdin)
    name = f"castgraph-{{len(os.listdir(folder))}}"
    with open(f"{{folder}}/{{name}}", "w") as file:
        json.dump(job, file)
    [container] = job["spec"]["template"]["spec"]["containers"]
    environment = os.environ | {{"TMPDIR": os.environ["NODE"]}}
    script = '"$@"; echo $? > "$0.rc"'
    subprocess.Popen(
        ["sh", "-c", script, f"{{folder}}/{{name}}", *container["command"]],
        cwd=container["workingDir"], env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    print(f"job.batch/{{name}}")
elif verb == "get":
    path = folder + "/" + arguments[-1].split("/")[-1] + ".rc"
    ended = os.path.exists(path) and open(path).read().strip()
    kind = {{"0": "Complete"}}.get(ended, "Failed")
    print(json.dumps({{"status": {{"conditions": [{{"type": kind, "status": "True"}}] if ended else []}}}}))
"""


def stand_in(folder: Path, name: str, text: str, patch: pytest.MonkeyPatch) -> Path:
    """Put a program on the PATH, with a folder to keep what it was told."""
    program = folder / "bin" / name
    program.parent.mkdir()
    program.write_text(text)
    program.chmod(0o755)
    told = folder / "told"
    told.mkdir()
    patch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    patch.setenv("STAND_IN", str(told))
    return told


def test_kubernetes_runs_a_broadcast_in_one_pod(
    small_config: Config, small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = stand_in(tmp_path, "kubectl", KUBECTL, monkeypatch)
    for name, value in (("IMAGE", "castgraph:test"), ("CLAIM", "archive"), ("VOLUME", str(tmp_path))):
        monkeypatch.setenv(f"CASTGRAPH_{name}", value)
    monkeypatch.setenv("NODE", str(tmp_path / "node"))
    (tmp_path / "node").mkdir()
    broadcast = next(iter(SHORT))
    config = {**small_config, "broadcasts": {"ids": [broadcast]}, "compute": {"scratch": "$TMPDIR/castgraph"}}
    (tmp_path / "run").mkdir()
    run = Run(tmp_path / "run", config, extra=["--workflow-profile", str(PROFILES["kubernetes"].parent)])
    run.extra += ["--latency-wait", "20"]
    (run.folder / "profiles").symlink_to(ROOT / "profiles")
    run("encodings", cores=200)

    [submitted] = [json.loads(path.read_text()) for path in told.iterdir() if path.suffix != ".rc"]
    pod = submitted["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["image"] == "castgraph:test"
    assert container["resources"] == {
        "requests": {"cpu": "1", "memory": "1000M"},
        "limits": {"memory": "1000M"},
    }
    assert submitted["spec"]["activeDeadlineSeconds"] == (60 + 20 + 120) * 60
    assert submitted["spec"]["backoffLimit"] == 0
    assert pod["volumes"][0] == {"name": "shared", "persistentVolumeClaim": {"claimName": "archive"}}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts == {"shared": str(tmp_path), "scratch": "/scratch"}
    name = f"faces/fast-hog-up1/{broadcast}.parquet"
    assert run.digests()[name] == small_run.digests()[name]
    assert not [path for path in (tmp_path / "node").rglob("*") if path.is_file() and path.name != ".ses"]


def call(profile_name: str, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = PROFILES[profile_name].parent / f"{program}.py"
    return subprocess.run([path, *arguments], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"status": {"active": 1}}, "running"),
        ({"status": {"conditions": [{"type": "Suspended", "status": "False"}]}}, "running"),
        ({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}, "success"),
        ({"status": {"conditions": [{"type": "Failed", "status": "True"}]}}, "failed"),
        (None, "failed"),
    ],
)
def test_what_kubernetes_says_of_a_job(
    answer: object, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "" if answer is None else json.dumps(answer)
    stand_in(tmp_path, "kubectl", f"#!/bin/sh\necho '{text}'\n", monkeypatch)
    assert call("kubernetes", "status", "job.batch/castgraph-1").stdout.strip() == status


@pytest.mark.parametrize(
    ("answer", "status"),
    [("RUNNABLE", "running"), ("SUCCEEDED", "success"), ("FAILED", "failed"), ("None", "failed")],
)
def test_what_aws_batch_says_of_a_job(
    answer: str, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, "aws", f"#!/bin/sh\necho {answer}\n", monkeypatch)
    assert call("aws-batch", "status", "1-2-3").stdout.strip() == status


@pytest.mark.parametrize(("name", "program"), [("kubernetes", "kubectl"), ("aws-batch", "aws")])
def test_a_controller_that_does_not_answer_ends_no_job(
    name: str, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, program, "#!/bin/sh\nexit 1\n", monkeypatch)
    assert call(name, "status", "1").stdout.strip() == "running"


def test_aws_batch_gets_a_job_with_its_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '#!/bin/sh\nfor word; do last=$word; done\necho "$last" > "$STAND_IN/request"\necho 1-2-3\n'
    told = stand_in(tmp_path, "aws", text, monkeypatch)
    monkeypatch.setenv("CASTGRAPH_QUEUE", "night")
    monkeypatch.setenv("CASTGRAPH_JOB_DEFINITION", "castgraph:7")
    folder = tmp_path / "a folder's name"
    folder.mkdir()
    (folder / "job.sh").write_text('pwd > "$STAND_IN/where"\n')
    monkeypatch.chdir(folder)
    assert call("aws-batch", "submit", "2", "3000", "200", "job.sh").stdout.strip() == "1-2-3"
    request = json.loads((told / "request").read_text())
    assert (request["jobQueue"], request["jobDefinition"]) == ("night", "castgraph:7")
    assert request["timeout"] == {"attemptDurationSeconds": 12000}
    needs = {need["type"]: need["value"] for need in request["containerOverrides"]["resourceRequirements"]}
    assert needs == {"VCPU": "2", "MEMORY": "3000"}
    monkeypatch.chdir("/")
    subprocess.run(request["containerOverrides"]["command"], check=True)
    assert (told / "where").read_text().strip() == str(folder)


@pytest.mark.parametrize(
    ("name", "variable"), [("kubernetes", "CASTGRAPH_IMAGE"), ("aws-batch", "CASTGRAPH_QUEUE")]
)
def test_a_missing_setting_is_named(name: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable, raising=False)
    done = call(name, "submit", "1", "1000", "10", "job.sh")
    assert done.returncode != 0
    assert f"set the environment variable {variable}" in done.stderr
