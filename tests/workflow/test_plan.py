"""Planning, and configurations that are refused before any job."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml

from tests.workflow.conftest import Run, jobs

# No listed broadcast can be reached: planning must not try.
NOWHERE = "http://127.0.0.1:9/"


def year() -> list[str]:
    start = datetime(2022, 5, 19, 8, 30)
    return [f"RUSSIA1_{start + timedelta(hours=12 * n):%Y%m%d_%H%M%S}_60_minut" for n in range(342)]


ONE = {"run": "x", "broadcasts": {"ids": year()[:1]}}


def test_the_demo_is_planned(new_run: Callable[..., Run]) -> None:
    run = new_run()
    counts = jobs(run("-n"))
    assert (counts["inventory"], counts["select"]) == (8, 1)
    assert not (run.folder / "results").exists()
    assert not (run.folder / "resources").exists()


def test_a_year_of_listed_broadcasts_is_planned_whole(new_run: Callable[..., Run]) -> None:
    run = new_run({"run": "year", "broadcasts": {"ids": year()}, "archive": {"base_url": NOWHERE}})
    counts = jobs(run("-n"))
    assert {rule: counts[rule] for rule in ("download", "unzip", "encode")} == dict.fromkeys(
        ("download", "unzip", "encode"), 342
    )
    for rule in ("merge", "clustering", "scores", "network", "summary"):
        assert counts[rule] == 1
    assert counts["inventory"] == 0


def test_the_shipped_year_is_planned(root, new_run: Callable[..., Run]) -> None:
    run = new_run(yaml.safe_load((root / "config" / "year-of-60-minutes.yaml").read_text()))
    assert jobs(run("-n"))["inventory"] == 303  # 2022-05-19 to 2023-03-17


def test_a_file_of_ids_lies_beside_the_user(new_run: Callable[..., Run]) -> None:
    run = new_run({"run": "file", "broadcasts": {"file": "ids.txt"}})
    (run.folder / "ids.txt").write_text("\n".join(year()[:7]))
    assert jobs(run("encodings", "-n"))["encode"] == 7


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({**ONE, "clusterings": {}}, "clusterings: unknown key; did you mean clustering?"),
        ({"run": "x", "broadcasts": {"ids": ["../../x"]}}, "broadcasts.ids: "),
        ({**ONE, "broadcasts": {"file": "nowhere.txt"}}, "broadcasts.file: found 'nowhere.txt'; not there"),
        ({**ONE, "clustering": {"eps": "0.4"}}, "clustering.eps: found '0.4'; allowed: a number (above 0"),
        ({**ONE, "cluster": {"eps": [0.4]}}, "cluster: now clustering"),
        ({"broadcasts": {"ids": year()[:1]}}, "run: missing"),
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_refused_before_any_job(
    config: dict[str, Any], message: str, new_run: Callable[..., Run]
) -> None:
    run = new_run(config)
    output = run(fails=True)
    assert f"config/test.yaml: {message}" in output
    assert "Traceback" not in output
    assert not jobs(output)
    assert not (run.folder / "results").exists()


def test_a_configuration_is_not_laid_over_the_demo(new_run: Callable[..., Run]) -> None:
    run = new_run({"run": "mine", "broadcasts": {"ids": year()[:1]}, "compute": {"scratch": "elsewhere"}})
    run("-n")
    assert "demo" not in run.output.replace("/test_a_configuration_is_not_laid_over_the_demo", "")
