"""Another workflow uses castgraph as a module, with a configuration and a folder of its own."""

import copy
import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.workflow.conftest import SHORT, Config, Run, jobs
from tests.workflow.warm import snakemake

OUTER = """
configfile: "config.yaml"

module castgraph:
    snakefile: "{snakefile}"
    config: config["television"]
    prefix: "tv"

use rule * from castgraph as castgraph_*

rule all:
    default_target: True
    input:
        rules.castgraph_all.input,
        "people.txt",

rule people:
    input:
        "tv/results/small/summary.json",
    output:
        "people.txt",
    shell:
        "cp {{input}} {{output}}"
"""


def outer(folder: Path, config: Config, snakefile: str) -> list[str]:
    (folder / "Snakefile").write_text(OUTER.format(snakefile=ROOT / snakefile))
    (folder / "config.yaml").write_text(yaml.safe_dump({"television": config}))
    return ["--cores", "2"]


def test_a_run_as_a_module_gives_what_a_run_gives(
    small_run: Run, small_config: Config, tmp_path: Path
) -> None:
    """Encodings are taken over, so that the test is about all the rest; the path has the module's prefix."""
    options = outer(tmp_path, small_config, "Snakefile")
    for kind in ("faces", "frames", "encoded", "fetched", "ledger"):
        shutil.copytree(small_run.folder / "results" / kind, tmp_path / "tv" / "results" / kind)
    (tmp_path / "tv" / "resources").mkdir()
    shutil.copytree(small_run.folder / "resources" / "zips", tmp_path / "tv" / "resources" / "zips")
    output = snakemake(tmp_path, *options, "--rerun-triggers", "mtime")
    assert jobs(output)["castgraph_encode"] == 0
    assert jobs(output)["people"] == 1
    expected = {name: digest for name, digest in small_run.digests().items() if name != "small/config.yaml"}
    assert Run(tmp_path / "tv").digests() == expected
    assert {path.name for path in tmp_path.iterdir()} == {
        ".snakemake", "Snakefile", "config.yaml", "people.txt", "tv",
    }  # fmt: skip
    assert "Nothing to be done" in snakemake(tmp_path, *options, "--rerun-triggers", "mtime", "params")


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_stations_are_planned_in_a_module(snakefile: str, demo: Path, tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    config["run"] = "small"
    counts = jobs(snakemake(tmp_path, *outer(tmp_path, config, snakefile), "-n"))
    assert (counts["castgraph_inventory"], counts["castgraph_select"]) == (8, 1)


def test_the_catalogs_snakefile_is_the_workflow(small_config: Config, tmp_path: Path) -> None:
    run = Run(tmp_path, copy.deepcopy(small_config))
    command = run.command("-n")
    command[command.index("--snakefile") + 1] = str(ROOT / "workflow" / "Snakefile")
    assert jobs(snakemake(tmp_path, *command[1:]))["encode"] == len(SHORT)


def test_the_catalog_finds_what_it_asks_for(root: Path) -> None:
    """The rules of the catalog for workflows of standardized usage."""
    usage = yaml.safe_load((root / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert {"mandatory-flags", "software-stack-deployment"} <= set(usage)
    assert (root / "workflow" / "Snakefile").is_file()
    assert (root / "config" / "README.md").is_file()
    assert list((root / "workflow" / "rules").glob("*.smk"))
    readme = (root / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
