"""What workflow/rules/internals.smk takes from Snakemake is there, and does what the workflow needs of it.

A failure here after an update of Snakemake says which part of it the workflow has to do without.
"""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workflow import warm

INTERNALS = ROOT / "workflow" / "rules" / "internals.smk"
RULE = """
rule made:
    output: "made"
    shell: "touch {output}"
"""


def snakemake(folder: Path, text: str, *options: str, fails: bool = False) -> str:
    """Run a small Snakefile that includes our internals, and give what it printed."""
    snakefile = folder / "Snakefile"
    snakefile.write_text(text.replace("INTERNALS", f'include: "{INTERNALS}"'))
    # Of options that are given twice the last counts.
    return warm.snakemake(folder, "--snakefile", snakefile, "--cores", "1", *options, fails=fails)


def said(output: str) -> list[str]:
    return [line.removeprefix("SAID ") for line in output.splitlines() if line.startswith("SAID ")]


def test_the_folder_of_the_workflow(tmp_path: Path) -> None:
    """workflow.current_basedir; not that of the Snakefile that includes ours."""
    assert said(snakemake(tmp_path, 'INTERNALS\nprint("SAID", HOME)\n' + RULE, "-n")) == [str(ROOT)]


def test_the_prefix_of_a_module(tmp_path: Path) -> None:
    """workflow.modifier.path_modifier; also after another module has been included."""
    (tmp_path / "ours.smk").write_text(
        f'include: "{INTERNALS}"\nrule made:\n    output: "made"\n'
        '    params: late=lambda wildcards: placed("late"), soon=placed("soon")\n'
        '    shell: "echo SAID {params.late} {params.soon}; touch {output}"\n'
    )
    text = 'module ours:\n    snakefile: "ours.smk"\n    prefix: "tv"\nuse rule * from ours\n'
    text += 'rule all:\n    default_target: True\n    input: "tv/made"\n'
    assert said(snakemake(tmp_path, text)) == ["tv/late tv/soon"]
    assert said(snakemake(tmp_path, 'INTERNALS\nprint("SAID", placed("x"))\n' + RULE, "-n")) == ["x"]


def test_a_path_that_is_recorded_under_a_name(tmp_path: Path) -> None:
    """snakemake.workflow.sourcecache_entry: another path is no reason to make anything again."""
    text = """
INTERNALS
rule first:
    output: temp(recorded_as(config["scratch"] + "/x", "scratch"))
    shell: "touch {output}"
rule made:
    input: recorded_as(config["scratch"] + "/x", "scratch")
    output: "made"
    shell: "touch {output}"
"""
    for folder in ("a", "b"):
        output = snakemake(tmp_path, text, "made", "--config", f"scratch={folder}")
        assert ("Nothing to be done" in output) == (folder == "b")
    assert "Nothing to be done" not in snakemake(
        tmp_path, text.replace('"scratch")', '"other")'), "made", "-n", "--config", "scratch=b"
    )


def test_a_refusal(tmp_path: Path) -> None:
    """snakemake.exceptions.WorkflowError: a message and no traceback."""
    output = snakemake(tmp_path, 'INTERNALS\nraise refusal("this cannot be")\n', fails=True)
    assert "this cannot be" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("given", [True, False])
def test_config_files_of_the_user(given: bool, tmp_path: Path) -> None:
    """workflow.configfiles"""
    (tmp_path / "mine.yaml").write_text("run: x\n")
    options = ["--configfile", "mine.yaml"] if given else []
    text = 'INTERNALS\nprint("SAID", bool(given_config_files()))\n' + RULE
    assert said(snakemake(tmp_path, text, "-n", *options)) == [str(given)]


def test_the_main_process(tmp_path: Path) -> None:
    """workflow.is_main_process: a `run` block is executed by another Snakemake, which reads all again."""
    text = (
        'INTERNALS\nprint("SAID", is_main_process())\nrule made:\n    output: touch("made")\n    run: pass\n'
    )
    assert said(snakemake(tmp_path, text)) == ["True", "False"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--cores", "3", "--resources", "mem_mb=700"], "3 700"),
        (["--cores", "1"], "1 None"),
    ],
)
def test_cores_and_limits(options: list[str], expected: str, tmp_path: Path) -> None:
    """workflow.resource_settings.cores, workflow.global_resources"""
    text = 'INTERNALS\nprint("SAID", run_cores(), run_limit("mem_mb"))\n' + RULE
    assert said(snakemake(tmp_path, text, "-n", *options)) == [expected]


def test_the_default_target(tmp_path: Path) -> None:
    """workflow.modifier.is_main_snakefile, workflow.default_target"""
    (tmp_path / "ours.smk").write_text(
        f'include: "{INTERNALS}"\nrule first:\n    shell: "echo SAID first"\n'
        'rule other:\n    shell: "echo SAID other"\nmake_by_default("other")\n'
    )
    for text, expected in (
        ('include: "ours.smk"\nmake_by_default("other")\n', "other"),
        ('module ours:\n    snakefile: "ours.smk"\nuse rule * from ours\n', "first"),
    ):
        assert said(snakemake(tmp_path, text)) == [expected]


def test_nothing_else_is_taken() -> None:
    """All that is not documented stands in that one file."""
    folder = ROOT / "workflow"
    for path in (ROOT / "Snakefile", folder / "Snakefile", *(folder / "rules").glob("*.smk")):
        lines = path.read_text().splitlines()
        taken = [
            line
            for line in lines
            if re.search(r"\bworkflow\.(?!source_path)|import .*\bsnakemake|from snakemake", line)
        ]
        assert path == INTERNALS or taken in ([], ["from snakemake.utils import min_version"]), path
