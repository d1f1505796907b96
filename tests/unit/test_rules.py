"""Every rule says what it does, is logged and measured, and gets more memory with every retry."""

import re
from pathlib import Path

import pytest
import yaml
from tests.conftest import ROOT

from castgraph.run.names import CODE_VERSIONS

FILES = [ROOT / "Snakefile", *sorted((ROOT / "workflow" / "rules").glob("*.smk"))]
RULES = [
    (path.name, *match)
    for path in FILES
    for match in re.findall(
        r"^ *(?:rule|checkpoint) (\w+):\n((?:^ {4,}.*\n|\n(?= ))+)", path.read_text(), re.MULTILINE
    )
]
TARGETS = ("all", "encodings", "sweep")  # they run nothing


@pytest.mark.parametrize(("file", "rule", "body"), RULES, ids=[f"{file}-{rule}" for file, rule, _ in RULES])
def test_a_rule_is_complete(file: str, rule: str, body: str) -> None:
    assert re.match(r'\s+"""[A-Z].*\."""\n', body), f"{rule} in {file} has no one-line docstring"
    if rule not in TARGETS:
        for part in ("log:", "benchmark:", "threads:", "conda:", f"/{rule}.py"):
            assert part in body, f"{rule} in {file} lacks {part}"
        assert re.search(r"mem_mb=(growing|with_faces)\(", body), f"{rule} in {file} does not grow"


def test_all_rules_are_seen() -> None:
    rules = {rule for _, rule, _ in RULES}
    assert {"inventory", "select", "download", "unzip", "encode", "merge", "network"} <= rules
    assert {"clustering", "scores", *TARGETS} <= rules
    assert set(CODE_VERSIONS) <= rules | {"recording"}


def test_every_script_is_run_by_a_rule(root: Path) -> None:
    assert {path.stem for path in (root / "scripts").glob("*/*.py")} <= {rule for _, rule, _ in RULES}


@pytest.mark.parametrize(
    "profile", sorted((ROOT / "profiles").glob("*/config.yaml")), ids=lambda p: p.parent.name
)
def test_profiles_name_rules_that_are_there(profile: Path) -> None:
    """Snakemake says nothing of a rule that is not there; also what is commented out has to be right."""
    text = re.sub(r"^  # - ", "  - ", profile.read_text(), flags=re.MULTILINE)
    settings = yaml.safe_load(text)
    named = [
        re.split("[:=]", entry)[0]
        for key in ("set-threads", "set-resources")
        for entry in settings.get(key, [])
    ]
    rules = {rule for _, rule, _ in RULES}
    assert set(named) <= rules
