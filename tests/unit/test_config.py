"""The configuration: defaults, and errors that name the key, what was found and what is allowed."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from castgraph import config as configuration
from castgraph.config import ConfigError

ID = "NTV_20261001_030000"


@pytest.fixture(scope="module")
def schema(root: Path) -> Path:
    return root / "workflow" / "schemas" / "config.schema.yaml"


def minimal(**changes: Any) -> dict[str, Any]:
    return {"run": "test", "broadcasts": {"ids": [ID]}, **changes}


def test_defaults_are_filled_in_and_the_input_is_not_changed(schema: Path) -> None:
    given = minimal()
    config = configuration.load(given, schema)
    assert given == minimal()
    assert config["cluster"] == {
        "algorithm": "dbscan",
        "eps": [0.4],
        "min_samples": 5,
        "share_jobs": 1,
        "share_above": 5_000_000,
    }
    assert config["network"]["top_edges"] == 1000
    assert config["quality"] == {"min_face_px": 0, "min_score": None, "min_sharpness": 0}
    assert config["archive"]["base_url"].startswith("https://")
    assert config["faces"] == {
        "engine": "fast",
        "detector": "hog",
        "upsample": 1,
        "min_size_px": 0,
        "score_threshold": 0,
        "providers": ["CPUExecutionProvider"],
        "threads": 1,
    }


def test_two_configurations_do_not_share_their_defaults(schema: Path) -> None:
    configuration.load(minimal(), schema)["cluster"]["eps"].append(9)
    assert configuration.load(minimal(), schema)["cluster"]["eps"] == [0.4]


@pytest.mark.parametrize("name", ["config.yaml", "year-of-60-minutes.yaml"])
def test_shipped_configurations_are_valid(name: str, root: Path, schema: Path) -> None:
    configuration.load(yaml.safe_load((root / "config" / name).read_text()), schema)


def test_the_demo_configuration_shows_every_key(root: Path, schema: Path) -> None:
    text = (root / "config" / "config.yaml").read_text()
    rules = yaml.safe_load(schema.read_text())["properties"]
    keys = [*rules, *(key for rule in rules.values() for key in rule.get("properties", {}))]
    assert [key for key in keys if f"{key}:" not in text] == []


def test_the_readme_of_the_configuration_explains_every_key(root: Path, schema: Path) -> None:
    text = (root / "config" / "README.md").read_text()
    rules = yaml.safe_load(schema.read_text())["properties"]
    keys = [name for name, rule in rules.items() if "properties" not in rule]
    keys += [f"{name}.{key}" for name, rule in rules.items() for key in rule.get("properties", {})]
    assert [key for key in keys if f"`{key}`" not in text] == []


def test_written_defaults_of_the_demo_are_those_of_the_schema(root: Path, schema: Path) -> None:
    """The demo's file shows every key with its default; only what makes it the demo may differ."""
    given = yaml.safe_load((root / "config" / "config.yaml").read_text())
    default = configuration.load({key: given[key] for key in ("run", "broadcasts")}, schema)
    given_in_full = configuration.load(given, schema)
    different = {
        f"{section}.{key}"
        for section in ("archive", "faces", "quality", "cluster", "people", "network", "export")
        for key in default[section]
        if default[section][key] != given_in_full[section][key]
    }
    assert different == {"archive.base_url"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clutser": {}}, r"clutser: unknown key; did you mean cluster\?"),
        ({"cluster": {"epsilon": [0.4]}}, r"cluster\.epsilon: unknown key"),
        ({"cluster": {"eps": 0.4}}, r"cluster\.eps: found 0\.4; allowed: array"),
        ({"cluster": {"eps": []}}, r"cluster\.eps: found \[\]; allowed: .*at least 1 item"),
        ({"cluster": {"eps": [0.4, 0.4]}}, r"cluster\.eps: found \[0\.4, 0\.4\]; allowed: .*no item twice"),
        ({"cluster": {"eps": [-1]}}, r"cluster\.eps\.0: found -1; allowed: number, above 0"),
        ({"cluster": {"eps": ["0.4"]}}, r"cluster\.eps\.0: found '0\.4'; allowed: number"),
        ({"cluster": {"min_samples": 0}}, r"cluster\.min_samples: found 0; allowed: integer, at least 1"),
        ({"cluster": {"eps": [2.01]}}, r"cluster\.eps\.0: found 2\.01; allowed: number, above 0, at most 2"),
        (
            {"cluster": {"eps": [0.4, 0.30000000000000004]}},
            r"cluster\.eps\.1: found 0\.30000000000000004; allowed: at most 10 decimals",
        ),
        ({"cluster": {"eps": [1e-11]}}, r"cluster\.eps\.0: found 1e-11; allowed: at most 10 decimals"),
        (
            {"cluster": {"algorithm": "optics"}},
            r"cluster\.algorithm: found 'optics'; allowed: 'dbscan', 'hdbscan', 'chinese_whispers', 'it",
        ),
        ({"cluster": {"algorithm": []}}, r"cluster\.algorithm: found \[\]; allowed: .*at least 1 item"),
        ({"cluster": {"algorithm": ["dbscan", "dbscan"]}}, r"cluster\.algorithm: found .*no item twice"),
        ({"cluster": {"algorithm": ["dbscan", "x"]}}, r"algorithm: found \['dbscan', 'x'\]; allowed: 'd"),
        (
            {"cluster": {"algorithm": ["dbscan", "hdbscan"], "min_samples": 1}},
            r"cluster\.min_samples: found 1; allowed: at least 2 with hdbscan",
        ),
        (
            {"cluster": {"algorithm": "hdbscan", "min_samples": 1}},
            r"cluster\.min_samples: found 1; allowed: at least 2 with hdbscan",
        ),
        ({"cluster": {"share_jobs": 0}}, r"cluster\.share_jobs: found 0; allowed: integer, at least 1"),
        ({"cluster": {"share_above": -1}}, r"cluster\.share_above: found -1; allowed: integer, at least 0"),
        ({"cluster": None}, r"cluster: found None; allowed: object"),
        ({"faces": {"upsample": 3}}, r"faces\.upsample: found 3; allowed: integer, .*at most 2"),
        ({"faces": {"detector": "yolo"}}, r"faces\.detector: found 'yolo'; allowed: 'hog', 'cnn'"),
        ({"faces": {"providers": ["CUDA"]}}, r"faces\.providers\.0: found 'CUDA'; allowed: string, matching"),
        ({"faces": {"threads": 0}}, r"faces\.threads: found 0; allowed: integer, at least 1"),
        (
            {"faces": {"engine": "reference", "detector": "cnn", "score_threshold": -0.5}},
            r"faces\.score_threshold: found -0\.5; allowed: at least 0 with faces\.engine reference",
        ),
        ({"quality": {"min_face_px": 12.5}}, r"quality\.min_face_px: found 12\.5; allowed: integer, at le"),
        ({"quality": {"min_face_px": -1}}, r"quality\.min_face_px: found -1; allowed: integer, at least 0"),
        ({"quality": {"min_score": "high"}}, r"quality\.min_score: found 'high'; allowed: number or null"),
        ({"quality": {"min_sharpness": None}}, r"quality\.min_sharpness: found None; allowed: number, at le"),
        ({"quality": {"min_size": 40}}, r"quality\.min_size: unknown key"),
        ({"network": {"top_edges": "some"}}, r"top_edges: found 'some'; allowed: integer, .* or 'all'"),
        ({"network": {"mode": "published"}}, r"network\.mode: found 'published'; allowed: 'standard', 'as_p"),
        ({"archive": {"keep_zips": "yes"}}, r"archive\.keep_zips: found 'yes'; allowed: boolean"),
        ({"archive": {"frame_url": "https://x/{id}"}}, r"archive\.frame_url: found .*matching .*broadcast"),
        ({"archive": {"base_url": "ftp://x/"}}, r"archive\.base_url: found 'ftp://x/'; allowed: .*https"),
        ({"archive": {"base_url": ""}}, r"archive\.base_url: found ''; allowed: string"),
        ({"run": "../x"}, r"run: found '\.\./x'; allowed: string"),
        ({"run": "faces"}, r"run: found 'faces'; allowed: string"),
        ({"run": 5}, r"run: found 5; allowed: string"),
        ({"broadcasts": {}}, r"broadcasts: found none of them; allowed: exactly one of ids, file, stations"),
        ({"broadcasts": {"ids": [ID], "file": "x"}}, r"broadcasts: found ids and file; allowed: exactly one"),
        ({"broadcasts": {"ids": ["../x", ID]}}, r"broadcasts\.ids: .*'\.\./x'"),
        ({"broadcasts": {"ids": [ID], "title": "x"}}, r"broadcasts\.title: goes with broadcasts\.stations"),
        ({"broadcasts": {"stations": ["A"]}}, r"broadcasts\.from: missing.*\n.*broadcasts\.to: missing"),
        (
            {"broadcasts": {"stations": ["A"], "from": "2024-02-30", "to": "2024-03-01"}},
            r"broadcasts\.from: found '2024-02-30'; allowed: string, a valid date",
        ),
        (
            {"broadcasts": {"stations": ["A"], "from": "2024-03-02", "to": "2024-03-01"}},
            r"broadcasts\.to: found 2024-03-01; allowed: 2024-03-02 \(broadcasts\.from\) or later",
        ),
        (
            {"broadcasts": {"stations": ["A"], "from": "2024-03-02", "to": "2024-03-04", "title": "(x"}},
            r"broadcasts\.title: found '\(x'; allowed: string, a valid regex",
        ),
        ({"broadcasts": {"stations": ["A/B"], "from": "2024-03-02"}}, r"stations\.0: found 'A/B'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_the_key(changes: dict[str, Any], message: str, schema: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        configuration.load(minimal(**changes), schema)


@pytest.mark.parametrize(
    "cluster",
    [
        {"algorithm": "dbscan", "min_samples": 1},
        {"algorithm": ["chinese_whispers", "dbscan"], "min_samples": 1},
        {"algorithm": ["hdbscan"], "min_samples": 2},
        {"eps": [0.3, 1e-10, 2, 0.4000000001]},
        {"share_jobs": 3, "share_above": 0},
    ],
)
def test_what_is_right_is_taken(cluster: dict[str, Any], schema: Path) -> None:
    assert configuration.load(minimal(cluster=cluster), schema)["cluster"].items() >= cluster.items()


def test_everything_that_is_wrong_is_told_at_once(schema: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.load({"runs": "x", "cluster": {"eps": 1}}, schema)
    for key in ("runs", "run", "broadcasts", "cluster.eps"):
        assert f"\n  {key}: " in str(caught.value)


def test_days_written_without_quotes_are_dates_to_yaml_and_text_to_us(schema: Path) -> None:
    broadcasts = {"stations": ["B", "A"], "from": date(2024, 2, 28), "to": date(2024, 3, 1)}
    config = configuration.load(minimal(broadcasts=broadcasts), schema)
    assert config["broadcasts"]["from"] == "2024-02-28"
    days = configuration.station_days(config["broadcasts"])
    assert days[0] == ("A", date(2024, 2, 28))
    assert days[-1] == ("B", date(2024, 3, 1))
    assert len(days) == 6
    assert configuration.listed_ids(config["broadcasts"]) is None


def test_ids_are_listed_sorted_and_once(tmp_path: Path) -> None:
    first = "DEMO1_20240102_190000_Evening_Review"
    assert configuration.listed_ids({"ids": [ID, first, ID]}) == [first, ID]
    assert configuration.station_days({"ids": [ID]}) == []
    file = tmp_path / "ids.txt"
    file.write_text(f"\ufeff# my broadcasts\n{ID}   # one\n\n{first}\r\n", encoding="utf-8")
    assert configuration.listed_ids({"file": str(file)}) == [first, ID]


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"\xff\xfe\x00", "cannot be read"), (b"# none\n", "no broadcast ID"),
     (b"../../etc/passwd\n", "not broadcast IDs: .*etc.passwd")],
)  # fmt: skip
def test_a_bad_file_of_ids_is_named(content: bytes | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"broadcasts\.file: .*ids\.txt: .*{message}"):
        configuration.listed_ids({"file": str(file)})


def test_relative_paths_are_found_beside_the_user_before_beside_the_workflow(
    tmp_path: Path, schema: Path
) -> None:
    mine, shipped = tmp_path / "mine", tmp_path / "shipped"
    (shipped / "demo").mkdir(parents=True)
    mine.mkdir()
    config = configuration.load(minimal(archive={"base_url": "demo"}), schema)
    base_url = lambda: configuration.located(config, [mine, shipped])["archive"]["base_url"]  # noqa: E731
    assert base_url() == str(shipped / "demo")
    (mine / "demo").mkdir()
    assert base_url() == str(mine / "demo")
    assert config["archive"]["base_url"] == "demo"
    web = configuration.load(minimal(), schema)
    assert configuration.located(web, [mine]) == web
    nowhere = configuration.load(minimal(archive={"base_url": "nowhere"}), schema)
    with pytest.raises(
        ConfigError, match=r"archive\.base_url: found 'nowhere'; not there, looked for in .*mine"
    ):
        configuration.located(nowhere, [mine, shipped])


def test_a_written_configuration_is_the_same_when_read(tmp_path: Path, schema: Path) -> None:
    config = configuration.load(minimal(), schema)
    configuration.write(tmp_path / "run" / "config.yaml", config)
    assert (
        configuration.load(yaml.safe_load((tmp_path / "run" / "config.yaml").read_text()), schema) == config
    )
