"""The configuration: defaults, and errors that name the key, what was found and what is allowed."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from castgraph.archive import Broadcast
from castgraph.run import config as configuration
from castgraph.run.config import ConfigError

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
    assert config["clustering"] == {
        "algorithm": "dbscan",
        "eps": [0.4],
        "min_samples": 5,
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
        "borrow": True,
    }


def test_two_configurations_do_not_share_their_defaults(schema: Path) -> None:
    configuration.load(minimal(), schema)["clustering"]["eps"].append(9)
    assert configuration.load(minimal(), schema)["clustering"]["eps"] == [0.4]


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
        for section in ("archive", "faces", "quality", "clustering", "people", "network", "export")
        for key in default[section]
        if default[section][key] != given_in_full[section][key]
    }
    assert different == {"archive.base_url"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clutsering": {}}, r"clutsering: unknown key; did you mean clustering\?"),
        ({"clustering": {"epsilon": [0.4]}}, r"clustering\.epsilon: unknown key"),
        ({"clustering": {"eps": 0.4}}, r"clustering\.eps: found 0\.4; allowed: array"),
        ({"clustering": {"eps": []}}, r"clustering\.eps: found \[\]; allowed: .*at least 1 item"),
        ({"clustering": {"eps": [0.4, 0.4]}}, r"clustering\.eps: found \[0\.4, 0\.4\]; .*no item twice"),
        ({"clustering": {"eps": [-1]}}, r"clustering\.eps\.0: found -1; allowed: number, above 0"),
        ({"clustering": {"eps": ["0.4"]}}, r"clustering\.eps\.0: found '0\.4'; allowed: number"),
        ({"clustering": {"min_samples": 0}}, r"clustering\.min_samples: found 0; allowed: integer, at"),
        ({"clustering": {"eps": [2.01]}}, r"clustering\.eps\.0: found 2\.01; .*above 0, at most 2"),
        (
            {"clustering": {"eps": [0.4, 0.30000000000000004]}},
            r"clustering\.eps\.1: found 0\.30000000000000004; allowed: at most 10 decimals",
        ),
        ({"clustering": {"eps": [1e-11]}}, r"clustering\.eps\.0: found 1e-11; allowed: at most 10 decimals"),
        (
            {"clustering": {"algorithm": "optics"}},
            r"clustering\.algorithm: found 'optics'; allowed: 'dbscan', 'hdbscan', 'chinese_whispers', 'it",
        ),
        ({"clustering": {"algorithm": []}}, r"clustering\.algorithm: found \[\]; allowed: .*at least 1 item"),
        ({"clustering": {"algorithm": ["dbscan", "dbscan"]}}, r"clustering\.algorithm: .*no item twice"),
        ({"clustering": {"algorithm": ["dbscan", "x"]}}, r"algorithm: found \['dbscan', 'x'\]; allowed: 'd"),
        (
            {"clustering": {"algorithm": ["dbscan", "hdbscan"], "min_samples": 1}},
            r"clustering\.min_samples: found 1; allowed: at least 2 with hdbscan",
        ),
        (
            {"clustering": {"algorithm": "hdbscan", "min_samples": 1}},
            r"clustering\.min_samples: found 1; allowed: at least 2 with hdbscan",
        ),
        ({"clustering": None}, r"clustering: found None; allowed: object"),
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
        ({"broadcasts": {}}, r"broadcasts: found none of them; allowed: .*folder, or stations with from"),
        ({"broadcasts": {"title": "x"}}, r"broadcasts: found none of them; allowed: exactly one"),
        ({"broadcasts": {"ids": [ID], "file": "x"}}, r"broadcasts: found ids and file; allowed: exactly one"),
        ({"broadcasts": {"file": "x", "folder": "y"}}, r"broadcasts: found file and folder; allowed: "),
        ({"broadcasts": {"folder": ""}}, r"broadcasts\.folder: found ''; allowed: string, not empty"),
        ({"broadcasts": {"ids": ["../x", ID]}}, r"broadcasts\.ids: .*'\.\./x'"),
        (
            {"broadcasts": {"ids": [ID], "from": "2024-03-02", "to": "2024-03-01"}},
            r"broadcasts\.to: found 2024-03-01; allowed: 2024-03-02 \(broadcasts\.from\) or later",
        ),
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
    ("narrowing", "message"),
    [
        ({"weekdays": ["monday"]}, r"broadcasts\.weekdays\.0: found 'monday'; allowed: 'mon', 'tue'"),
        ({"weekdays": []}, r"broadcasts\.weekdays: found \[\]; allowed: .*at least 1"),
        ({"hours": [8]}, r"broadcasts\.hours: found \[8\]; allowed: .*at least 2 item"),
        ({"hours": [1, 2, 3]}, r"broadcasts\.hours: .*; allowed: .*at most 2 item"),
        ({"hours": [8, 8.0]}, r"broadcasts\.hours: .*; allowed: .*no item twice"),
        ({"hours": [8, 25]}, r"broadcasts\.hours\.1: found 25; allowed: number, .*at most 24"),
        (
            {"timezone": "Mars/Olympus"},
            r"broadcasts\.timezone: 'Mars/Olympus' is no time zone; a name of the",
        ),
        ({"exclude": ["NTV"]}, r"broadcasts\.exclude: 1 of the broadcasts .*: 'NTV'"),
        ({"exclude": 5}, r"broadcasts\.exclude: found 5; allowed: string, .* or array"),
        ({"include": ["x.mp4"]}, r"broadcasts\.include: 1 of the broadcasts .*: 'x\.mp4'"),
    ],
)
def test_a_list_cannot_be_narrowed_by_anything(narrowing: dict[str, Any], message: str, schema: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        configuration.load(minimal(broadcasts={"ids": [ID], **narrowing}), schema)


@pytest.mark.parametrize(
    "clustering",
    [
        {"algorithm": "dbscan", "min_samples": 1},
        {"algorithm": ["chinese_whispers", "dbscan"], "min_samples": 1},
        {"algorithm": ["hdbscan"], "min_samples": 2},
        {"eps": [0.3, 1e-10, 2, 0.4000000001]},
    ],
)
def test_what_is_right_is_taken(clustering: dict[str, Any], schema: Path) -> None:
    assert (
        configuration.load(minimal(clustering=clustering), schema)["clustering"].items() >= clustering.items()
    )


def test_everything_that_is_wrong_is_told_at_once(schema: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.load({"runs": "x", "clustering": {"eps": 1}}, schema)
    for key in ("runs", "run", "broadcasts", "clustering.eps"):
        assert f"\n  {key}: " in str(caught.value)


def test_days_written_without_quotes_are_dates_to_yaml_and_text_to_us(schema: Path) -> None:
    broadcasts = {"stations": ["B", "A"], "from": date(2024, 2, 28), "to": date(2024, 3, 1)}
    config = configuration.load(minimal(broadcasts=broadcasts), schema)
    assert config["broadcasts"]["from"] == "2024-02-28"
    days = configuration.station_days(config["broadcasts"])
    assert days[0] == ("A", date(2024, 2, 28))
    assert days[-1] == ("B", date(2024, 3, 1))
    assert len(days) == 6
    assert configuration.listed(config["broadcasts"]) is None


FIRST = "DEMO1_20240102_190000_Evening_Review"


def test_ids_are_listed_sorted_and_once() -> None:
    assert list(configuration.listed({"ids": [ID, FIRST, ID]}).items()) == [(FIRST, ""), (ID, "")]
    assert configuration.station_days({"ids": [ID]}) == []


def test_a_file_and_a_folder_list_broadcasts_and_their_sources(tmp_path: Path) -> None:
    (tmp_path / "tapes").mkdir()
    (tmp_path / "tapes" / f"{ID}.mp4").touch()
    (tmp_path / "list.txt").write_text(f"http://x.example/{FIRST}.zip\ntapes/{ID}.mp4\n")
    for base_url, source in (("http://x.example", ""), ("http://y.example", f"http://x.example/{FIRST}.zip")):
        found = configuration.listed({"file": str(tmp_path / "list.txt")}, base_url, tmp_path)
        assert found == {FIRST: source, ID: f"tapes/{ID}.mp4"}
    assert configuration.listed({"folder": str(tmp_path / "tapes")}, "", tmp_path) == {ID: f"tapes/{ID}.mp4"}


def test_the_folder_of_the_run_is_no_source(tmp_path: Path) -> None:
    """What lies there is overwritten, and removed with archive.keep_zips false."""
    zips = tmp_path / "x" / "resources" / "zips"
    zips.mkdir(parents=True)
    (zips / f"{ID}.zip").touch()
    (tmp_path / "list.txt").write_text(f"x/resources/zips/{ID}.zip\n")
    for given in ({"folder": str(zips)}, {"file": str(tmp_path / "list.txt")}):
        with pytest.raises(ConfigError, match=rf"{ID}\.zip lies in resources/zips, where the run keeps"):
            configuration.listed(given, "", tmp_path)
    # That of a run elsewhere may be one.
    elsewhere = configuration.listed({"folder": str(zips)}, "", tmp_path / "elsewhere")
    assert elsewhere == {ID: str(zips / f"{ID}.zip")}


def test_a_list_is_narrowed_by_all_that_is_given(tmp_path: Path, schema: Path) -> None:
    ids = [FIRST, ID, "DEMO1_20240103_200000_Evening_Review", "DEMO1_20240103_210000_Evening_Review"]
    (tmp_path / "list.txt").write_text("\n".join(ids))
    (tmp_path / "not.txt").write_text("*_20240103_2100*\n")
    (tmp_path / "too.txt").write_text(f"{ID}\n./X_20240101_000000.zip\n")
    given = {
        "file": "list.txt",
        "stations": ["DEMO1"],
        "from": "2024-01-02",
        "to": "2024-01-03",
        "title": "Review",
        "weekdays": ["wed", "thu"],
        "hours": [22, 1],
        "timezone": "Europe/Moscow",
        "exclude": "not.txt",
        "include": "too.txt",
    }
    config = configuration.located(configuration.load(minimal(broadcasts=given), schema), [tmp_path])
    assert configuration.station_days(config["broadcasts"]) == []
    assert configuration.listed(config["broadcasts"], "", tmp_path) == {
        "DEMO1_20240103_200000_Evening_Review": "",
        ID: "",
        "X_20240101_000000": "X_20240101_000000.zip",
    }


def test_nothing_left_of_a_list_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(FIRST)
    for given in ({"ids": [FIRST]}, {"file": str(tmp_path / "list.txt")}):
        message = f"broadcasts: none of broadcasts.{next(iter(given))} is left; narrowed by from, hours"
        with pytest.raises(ConfigError, match=message):
            configuration.listed({**given, "hours": [0, 1], "from": "2024-01-01", "timezone": "UTC"})
        assert configuration.listed({**given, "exclude": ["*"], "include": [ID]}) == {ID: ""}


def test_inventories_are_narrowed_too_but_not_by_days(schema: Path) -> None:
    """An inventory lists what belongs to its day, also what began before midnight."""
    broadcasts = {"stations": ["DEMO1"], "from": "2024-01-03", "to": "2024-01-03", "hours": [18, 20]}
    broadcasts |= {"include": [ID], "exclude": ["*_Weather"], "weekdays": ["tue"], "title": "Review"}
    config = configuration.load(minimal(broadcasts=broadcasts), schema)
    assert configuration.listed(config["broadcasts"]) is None
    assert len(configuration.station_days(config["broadcasts"])) == 1
    choice = configuration.choice(config["broadcasts"])
    ids = (FIRST, ID, f"{FIRST}_Weather", FIRST.replace("0102", "0103"))
    assert [choice.takes(Broadcast.parse(each)) for each in ids] == [True, True, False, False]


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"\xff\xfe\x00", "cannot be read"), (b"# none\n", "no broadcast ID"),
     (b"../../etc/passwd\n", "not broadcast IDs.*etc.passwd")],
)  # fmt: skip
@pytest.mark.parametrize("key", ["file", "include", "exclude"])
def test_a_bad_file_of_ids_is_named(key: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    if content is not None:
        file.write_bytes(content)
    given = {key: str(file)} if key == "file" else {"ids": [ID], key: str(file)}
    if key == "exclude" and content == b"# none\n":
        assert configuration.listed(given) == {ID: ""}
        return
    with pytest.raises(ConfigError, match=rf"broadcasts\.{key}: .*ids\.txt: .*{message}"):
        configuration.listed(given)


def test_a_bad_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "tape 17.mp4").touch()
    with pytest.raises(
        ConfigError, match=rf"broadcasts\.folder: {tmp_path}: the names of 1 .*'tape 17\.mp4'"
    ):
        configuration.listed({"folder": str(tmp_path)})


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
    lists = {"folder": "demo", "exclude": "demo", "include": [ID]}
    found = configuration.located(configuration.load(minimal(broadcasts=lists), schema), [mine, shipped])
    assert found["broadcasts"] == lists | {"folder": base_url(), "exclude": base_url(), "timezone": "UTC"}
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
