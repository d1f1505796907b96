"""What the documents say is true."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import castgraph
import castgraph.run.config
from castgraph.base import tables
from castgraph.base.statuses import STATUSES
from castgraph.base.tables.documents import generate

# Names in README.md of what a user or a run makes.
MADE = (
    "results",
    "resources/zips",
    "resources/inventories",
    "scratch",
    "config/mine.yaml",
)
# What is in the output table and no rule lists as its output: it is written at the start of a run.
AT_START = {"results/{run}/config.yaml"}
CONDA_NAMES = {
    "dlib-bin": "dlib",
    "duckdb": "python-duckdb",
    "face-recognition-models": "face_recognition_models",
    "igraph": "python-igraph",
    "matplotlib": "matplotlib-base",
    "snakemake": "snakemake-minimal",
    "tzdata": "python-tzdata",
}
ONLY_CONDA = {"cxx-compiler", "imagemagick", "pip", "python"}


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return text(root / "README.md")


@pytest.fixture(scope="module")
def rules(root: Path) -> str:
    """The text of all rules."""
    return "\n".join(text(path) for path in sorted((root / "workflow" / "rules").glob("*.smk")))


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document, flags=re.MULTILINE | re.DOTALL)


def output_table(readme: str) -> list[str]:
    """The first column of the table of outputs."""
    section = readme.split("## What comes out", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)


def test_every_path_that_the_readme_names_exists(root: Path, readme: str) -> None:
    folders = ("config", "docs", "envs", "profiles", "resources", "scripts", "src", "tests", "workflow")
    named = set(re.findall(rf"(?<![\w./-])(?:{'|'.join(folders)})/[\w./-]+", readme))
    # Beside the paths in folders: targets of links, and files of the first level in backticks.
    named |= {link for link in re.findall(r"\]\(([^)#]+)\)", readme) if "://" not in link}
    named |= set(re.findall(r"`((?:pyproject|uv)\.\w+|Makefile|Snakefile)`", readme))
    checked = {path for path in (name.rstrip(".") for name in named) if not path.startswith(MADE)}
    assert len(checked) > 20
    assert [path for path in sorted(checked) if not (root / path).exists()] == []


def test_links_within_the_readme_lead_to_a_heading(readme: str) -> None:
    headings = re.findall(r"^#+ (.+)$", readme, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", readme)) <= anchors


@pytest.mark.parametrize("name", ["README.md", "config/README.md"])
def test_configurations_in_the_documents_are_accepted(root: Path, name: str) -> None:
    whole = {"run": "example", "broadcasts": {"ids": ["RUSSIA1_20220519_083000_60_minut"]}}
    examples = [yaml.safe_load(block) for block in blocks(text(root / name), "yaml")]
    assert examples
    for example in examples:  # some show one section only
        castgraph.run.config.load(whole | example)


def test_every_output_in_the_readme_is_made_by_a_rule(readme: str, rules: str) -> None:
    listed = output_table(readme)
    assert len(listed) == len(set(listed)) > 20
    made = set(re.findall(r'"((?:results|resources)/[^"]+)"', rules))
    unknown = [
        path
        for path in listed
        if path not in made | AT_START
        and not (path.endswith("/") and any(name.startswith(path) for name in made))
    ]
    assert unknown == []


def test_every_output_of_a_rule_is_in_the_readme(readme: str, rules: str) -> None:
    made = set(re.findall(r'"(results/(?!logs/|benchmarks/|ledger\b)[^"]+)"', rules))
    # Several paths in one.
    patterns = {path for path in made if any(part in path for part in ("{config[", "{name}", "{{run}}"))}
    assert made - patterns <= set(output_table(readme))


def test_what_is_told_of_the_tables_is_what_the_registry_says(root: Path) -> None:
    for path, expected in generate(root).items():
        assert text(path) == expected, f"{path}: run `make generate`"


def test_the_tables_are_where_the_rules_write_them(rules: str) -> None:
    made = set(re.findall(r'"(results/[^"]+)"', rules.replace("{{run}}", "{run}")))
    assert {kind.path for kind in tables.TABLES.values()} <= made


def test_the_readme_tells_what_the_status_words_mean(readme: str) -> None:
    section = readme.split("### What the status words mean", 1)[1].split("| frame |", 1)[0]
    told = re.findall(r"^\| (?:broadcast )?\| `(\w+)` \| (.+) \|$", section, flags=re.MULTILINE)
    assert told == [(word, status.meaning) for word, status in reversed(STATUSES.items())]


def test_the_citation_names_the_version(root: Path) -> None:
    citation = yaml.safe_load(text(root / "CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == "castgraph"
    assert citation["version"] == castgraph.__version__
    assert citation["license"] == project(root)["license"]
    assert all(author["name"] for author in citation["authors"])


def test_the_changelog_begins_with_the_version(root: Path) -> None:
    versions = re.findall(r"^## \[([^]]+)\]", text(root / "CHANGELOG.md"), flags=re.MULTILINE)
    assert versions[0] == castgraph.__version__


def test_the_conda_environment_is_that_of_the_project(root: Path) -> None:
    conda = bounds(yaml.safe_load(text(root / "envs" / "environment.yaml"))["dependencies"])
    ours = bounds(project(root)["dependencies"])
    assert {name: bound for name, bound in conda.items() if name not in ONLY_CONDA} == {
        CONDA_NAMES.get(name, name): bound for name, bound in ours.items()
    }
    assert conda["python"] == project(root)["requires-python"]
    assert set(conda) >= ONLY_CONDA


def project(root: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(text(root / "pyproject.toml"))["project"]
    return table


def bounds(requirements: list[str]) -> dict[str, str]:
    """Name → version bound, as written."""
    found = {}
    for requirement in requirements:
        name, bound = re.fullmatch(r"([\w.-]+?)\s*([<>=!~].*)?", requirement).groups(default="")
        found[name] = bound.replace(" ", "")
    assert len(found) == len(requirements)
    return found
