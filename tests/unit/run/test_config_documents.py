"""What is written about the configuration is what the models say."""

import json
import re
from pathlib import Path

import pytest
import yaml

from castgraph.run import config as configuration
from castgraph.run.config import LISTS
from castgraph.run.config.documents import GENERATED, demo, json_schema
from castgraph.run.config.messages import rules

KEYS = [path for path, rule in rules().items() if rule.get("type") != "object"]


@pytest.mark.parametrize("path", GENERATED, ids=str)
def test_the_files_are_as_they_are_generated(path: Path, root: Path) -> None:
    """If not: make generate."""
    text = (root / path).read_text(encoding="utf-8")
    assert GENERATED[path](text) == text


def test_every_key_is_in_the_demo_and_in_a_table(root: Path) -> None:
    shown = (root / "config" / "config.yaml").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([^`]+)` \|", (root / "config" / "README.md").read_text("utf-8"), re.MULTILINE)
    assert len(KEYS) > 40
    assert sorted(table) == sorted(KEYS)
    # The keys of a section that may be there, such as an embedder, are in the table alone.
    usual = [key for key in KEYS if key.count(".") < 2]
    assert [key for key in usual if not re.search(rf"^[ #]*{key.rpartition('.')[2]}: ", shown, re.M)] == []


def test_a_changed_text_is_made_anew(root: Path) -> None:
    readme, config = Path("config/README.md"), Path("config/config.yaml")
    for path, old in ((readme, "Seconds between two frames"), (config, "# Seconds between two frames")):
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        assert GENERATED[path](text.replace(old, "# else")) == text


def test_values_of_the_demo_stay(root: Path) -> None:
    given = yaml.safe_load((root / "config" / "config.yaml").read_text(encoding="utf-8"))
    given["clustering"]["eps"] = [0.3, 0.4]
    assert yaml.safe_load(demo(given)) == given


@pytest.mark.parametrize("path", [path for path in KEYS if "examples" in rules()[path]])
def test_examples_are_accepted(path: str) -> None:
    key = path.removeprefix("broadcasts.")
    others = {} if key in LISTS else {"ids": ["NTV_20261001_030000"]}
    for example in rules()[path]["examples"]:
        given = others | {key: example}
        configuration.load({"run": "example", "broadcasts": given})


def test_the_json_schema_allows_what_is_allowed(root: Path) -> None:
    """A single value for a list, too; and its patterns are those that are checked."""
    schema = json.loads(json_schema())
    keys = schema["$defs"]["Clustering"]["properties"]
    single, several, nothing = keys["eps"]["anyOf"]
    assert nothing == {"type": "null"}
    assert (single["type"], several["type"], several["items"]) == ("number", "array", single)
    assert schema["required"] == ["run", "broadcasts"]
    assert "default" not in schema["$defs"]["Broadcasts"]["properties"]["ids"]
    assert schema["$defs"]["Compute"]["properties"]["max_mb_per_s"]["default"] is None
    pattern = schema["properties"]["run"]["pattern"]
    names = {"mine": True, "ledger": False, "ledgers": True, "../x": False, "a" * 80: True, "a" * 81: False}
    assert {name: bool(re.search(pattern, name)) for name in names} == names
    first = (root / "config" / "config.yaml").read_text(encoding="utf-8").splitlines()[0]
    place = first.removeprefix("# yaml-language-server: $schema=")
    assert (root / "config" / place).resolve() in {(root / path).resolve() for path in GENERATED}
