"""The profiles: what they share, and that they name what is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.workflow.conftest import Run

YEAR = [f"RUSSIA1_202205{day}_083000_60_minut" for day in (19, 20, 21)]


def profile(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())


def test_profiles_share_what_does_not_depend_on_the_place() -> None:
    shared = ("scheduler", "scheduler-subsample", "keep-going", "retries", "rerun-incomplete")
    shared += ("rerun-triggers", "nolock", "logger")
    default, slurm = profile("default"), profile("slurm")
    assert {key: slurm[key] for key in shared} == {key: default[key] for key in shared}
    assert "clustering_slots=1" in default["resources"]
    assert "clustering_slots=1" in slurm["resources"]


@pytest.mark.usefixtures("plugin")
def test_an_option_that_nobody_knows_is_refused(new_run: Callable[..., Run]) -> None:
    """So what a profile says cannot be misspelt."""
    run = new_run({"run": "plan", "broadcasts": {"ids": YEAR[:1]}}, warm=False)
    wrong = run.folder / "wrong"
    wrong.mkdir()
    (wrong / "config.yaml").write_text(
        (ROOT / "profiles" / "slurm" / "config.yaml").read_text() + "slurm-wish: 1\n"
    )
    run.extra += ["--workflow-profile", str(wrong)]
    assert "unrecognized arguments: --slurm-wish" in run("-n", fails=True)


@pytest.mark.usefixtures("plugin")
def test_slurm_submits_the_chain_of_a_broadcast_as_one_job(root, new_run: Callable[..., Run]) -> None:
    run = new_run(
        {"run": "slurm", "broadcasts": {"ids": YEAR}},
        extra=["--workflow-profile", str(root / "profiles" / "slurm")],
        warm=False,
    )
    output = run("-n", cores=200)
    assert output.count("Group job broadcast") == 3
    assert output.count("    rule encode:") == 3
    assert "\nrule encode:" not in output  # none outside a group
    # A job that takes what there is takes the cores of one machine, not of all.
    threads = dict(re.findall(r"^rule (\w+):\n(?:    .*\n)*?    threads: (\d+)$", output, re.MULTILINE))
    assert threads == dict.fromkeys(("clustering", "explorer", "portraits"), "16")
