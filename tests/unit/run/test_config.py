"""The configuration: defaults, and errors that name the key, what was found and what is allowed."""

import hashlib
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from castgraph.archive import Broadcast
from castgraph.network.layers import LAYERS, exported, weights
from castgraph.run import config as configuration
from castgraph.run.config import ConfigError

ID = "NTV_20261001_030000"
FOLDERS = (
    *("faces", "frames", "logs", "benchmarks", "inventory", "download", "unzip", "encode"),
    *("fetched", "unzipped", "encoded", "ledger"),
)


def minimal(**changes: Any) -> dict[str, Any]:
    return {"run": "test", "broadcasts": {"ids": [ID]}, **changes}


def embedder(**changes: Any) -> dict[str, Any]:
    """Give sections with an embedder, and an eps for it."""
    section = {"onnx": "models/my.onnx", "name": "mine"} | changes
    return {"faces": {"embedder": section}, "clustering": {"eps": 1}}


@pytest.mark.parametrize("given", [8, 8.0, "8s", "8.0s"])
def test_seconds_are_a_number_or_say_so(given: object) -> None:
    network = configuration.load(minimal() | {"network": {"within": given, "layers": "same_frame"}})[
        "network"
    ]
    assert (network["within"], network["layers"]) == (8, ["same_frame"])


def test_the_published_network_does_not_look_at_layers() -> None:
    section = {"mode": "as_published", "layers": ["within"]}
    network = configuration.load(minimal() | {"network": section})["network"]
    assert weights(network) == {"same_frame": 2, "adjacent": 1}
    assert exported(network) == LAYERS


def test_defaults_are_filled_in_and_the_input_is_not_changed() -> None:
    given = minimal()
    config = configuration.load(given)
    assert given == minimal()
    assert config["clustering"] == {"algorithm": ["linkage"], "eps": None, "min_samples": None, "adapt": None}
    assert config["network"]["top_edges"] == 1000
    assert config["quality"] == {
        "min_face_px": 0,
        "min_score": None,
        "min_sharpness": 0,
        "founding_min_face_px": None,
        "founding_min_score": None,
        "founding_min_sharpness": None,
        "founding_max_turn": None,
    }
    assert config["archive"]["base_url"].startswith("https://")
    assert config["faces"] == {
        "engine": "fast",
        "detector": "centerface",
        "upsample": 0,
        "min_size_px": 0,
        "score_threshold": 0.5,
        "embedder": None,
    }
    assert config["compute"] == {
        "scratch": "scratch",
        "threads": 1,
        "providers": ["CPUExecutionProvider"],
        "borrow": True,
        "attempts": 6,
        "timeout": 60,
        "max_mb_per_s": None,
        "keep_zips": True,
    }


def test_two_configurations_do_not_share_their_defaults() -> None:
    configuration.load(minimal())["clustering"]["algorithm"].append("x")
    assert configuration.load(minimal())["clustering"]["algorithm"] == ["linkage"]


@pytest.mark.parametrize("name", ["config.yaml", "year-of-60-minutes.yaml"])
def test_shipped_configurations_are_valid(name: str, root: Path) -> None:
    configuration.load(yaml.safe_load((root / "config" / name).read_text()))


def test_written_defaults_of_the_demo_are_those_of_the_models(root: Path) -> None:
    """The demo's file shows every key with its default; only what makes it the demo may differ."""
    given = yaml.safe_load((root / "config" / "config.yaml").read_text())
    default = configuration.load({key: given[key] for key in ("run", "broadcasts")})
    given_in_full = configuration.load(given)
    different = {
        f"{section}.{key}"
        for section in default.keys() - {"run", "broadcasts"}
        for key in default[section]
        if default[section][key] != given_in_full[section][key]
    }
    # Four days are one week; its transcripts are there, in English; of one broadcast frames are wholes; one
    # is not what its title says.
    assert different == {
        *("archive.base_url", "network.period", "transcripts.fetch", "transcripts.language"),
        *("visual.embedder", "visual.broadcasts", "labelling.enabled"),
    }


EPS = r"a number \(above 0, at most 2, at most 10 decimals\)"
WHICH = r"allowed: 'linkage', 'dbscan', 'hdbscan', 'chinese_whispers' or 'iterative'"
RUN = (
    r"allowed: letters, digits, '\.', '_' and '-', beginning with a letter or digit, at most 80 characters; "
    "not faces, frames, "
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clutsering": {}}, r"clutsering: unknown key; did you mean clustering\?"),
        ({"clustering": {"epsilon": [0.4]}}, r"clustering\.epsilon: unknown key"),
        ({"clustering": {"eps": []}}, rf"clustering\.eps: found \[\]; allowed: {EPS}, or a list .*1 or more"),
        ({"clustering": {"eps": [0.4, 0.4]}}, r"eps: found \[0\.4, 0\.4\]; allowed: .*none twice"),
        ({"clustering": {"eps": [-1]}}, rf"clustering\.eps\.0: found -1; allowed: {EPS}$"),
        ({"clustering": {"eps": -1}}, rf"clustering\.eps: found -1; allowed: {EPS}"),
        ({"clustering": {"eps": ["0.4"]}}, rf"clustering\.eps\.0: found '0\.4'; allowed: {EPS}"),
        ({"clustering": {"eps": "0.4"}}, rf"clustering\.eps: found '0\.4'; allowed: {EPS}"),
        ({"clustering": {"eps": [0.4, True]}}, rf"clustering\.eps\.1: found True; allowed: {EPS}"),
        ({"clustering": {"eps": {"a": 0.4}}}, rf"clustering\.eps: found \{{'a': 0\.4\}}; allowed: {EPS}"),
        ({"faces": {"embedder": "my.onnx"}}, r"embedder: found 'my\.onnx'; allowed: a section .* or null$"),
        ({"faces": {"embedder": {"name": "a"}}}, r"faces\.embedder\.onnx: missing; The ONNX file"),
        (embedder(nam="a"), r"faces\.embedder\.nam: unknown key; did you mean name\? Allowed here: onnx,"),
        (embedder(name="a/b"), r"faces\.embedder\.name: found 'a/b'; allowed: letters, digits and '-'"),
        (embedder(name="..-.."), r"faces\.embedder\.name: found '\.\.-\.\.'"),
        (embedder(size=8), r"faces\.embedder\.size: found 8; allowed: a whole number \(16 to 1024\)"),
        (embedder(mean=[1, 2]), r"embedder\.mean: found \[1, 2\]; allowed: a number, or a list of .*\(3\)"),
        (embedder(std=[1, 0, 1]), r"faces\.embedder\.std: found \[1, 0, 1\]; allowed: a number \(above 0\)"),
        (embedder(channels="RGB"), r"faces\.embedder\.channels: found 'RGB'; allowed: 'rgb' or 'bgr'"),
        (embedder(sha256="ab"), r"faces\.embedder\.sha256: found 'ab'; allowed: 64 digits"),
        (
            embedder() | {"clustering": {}},
            r"clustering\.eps: found null; allowed: .* with faces\.embedder, .* \[0\.7,",
        ),
        (
            {"faces": {"engine": "reference", **embedder()["faces"]}, "clustering": {"eps": 1}},
            r"faces\.embedder: found one of your own; allowed: null with faces\.engine reference",
        ),
        ({"clustering": {"min_samples": 0}}, r"min_samples: found 0; allowed: a whole number \(at least 1\)"),
        ({"clustering": {"min_samples": "5"}}, r"min_samples: found '5'; allowed: a whole number"),
        ({"clustering": {"min_samples": True}}, r"min_samples: found True; allowed: a whole number"),
        ({"clustering": {"eps": [2.01]}}, rf"eps\.0: found 2\.01; allowed: {EPS}"),
        ({"clustering": {"eps": [0.4, 0.30000000000000004]}}, rf"eps\.1: found 0\.30{{15}}4; allowed: {EPS}"),
        ({"clustering": {"eps": [1e-11]}}, rf"clustering\.eps\.0: found 1e-11; allowed: {EPS}"),
        ({"clustering": {"algorithm": "optics"}}, rf"clustering\.algorithm: found 'optics'; {WHICH}"),
        ({"clustering": {"algorithm": []}}, r"clustering\.algorithm: found \[\]; allowed: .*1 or more"),
        ({"clustering": {"algorithm": ["dbscan", "dbscan"]}}, r"algorithm: found .*none twice"),
        ({"clustering": {"algorithm": ["dbscan", "x"]}}, rf"algorithm\.1: found 'x'; {WHICH}"),
        (
            {"clustering": {"algorithm": ["dbscan", "hdbscan"], "min_samples": 1}},
            r"clustering\.min_samples: found 1; allowed: at least 2 with hdbscan",
        ),
        (
            {"clustering": {"algorithm": "hdbscan", "min_samples": 1}},
            r"clustering\.min_samples: found 1; allowed: at least 2 with hdbscan",
        ),
        ({"clustering": None}, r"clustering: found None; allowed: a section with the keys alg"),
        ({"faces": {"upsample": 3}}, r"faces\.upsample: found 3; allowed: a whole number \(0 to 2\)"),
        ({"faces": {"detector": "yolo"}}, r"detector: found 'yolo'; allowed: 'centerface', 'blazeface', "),
        (
            {"faces": {"engine": "reference", "detector": "centerface"}},
            r"faces\.detector: found 'centerface'; allowed: hog or cnn with faces\.engine reference",
        ),
        (
            {"faces": {"detector": "blazeface", "score_threshold": 0}},
            r"score_threshold: found 0\.0; allowed: a number above 0 and below 1 .*blazeface, or null .*0\.5",
        ),
        ({"compute": {"providers": ["CUDA"]}}, r"providers\.0: found 'CUDA'; allowed: a name like CUDAEx"),
        ({"compute": {"threads": 0}}, r"compute\.threads: found 0; allowed: a whole number \(1 to 64\)"),
        (
            {"faces": {"engine": "reference", "detector": "cnn", "score_threshold": -0.5}},
            r"faces\.score_threshold: found -0\.5; allowed: at least 0 with faces\.engine reference",
        ),
        # 0.2 and 0.20000000001 would write into one folder.
        ({"faces": {"score_threshold": 0.20000000001}}, r"score_threshold: found 0\.20000000001; .*10 dec"),
        ({"quality": {"min_face_px": 12.5}}, r"quality\.min_face_px: found 12\.5; allowed: a whole number"),
        ({"quality": {"min_face_px": -1}}, r"min_face_px: found -1; allowed: a whole number \(at least 0\)"),
        ({"quality": {"min_score": "high"}}, r"quality\.min_score: found 'high'; allowed: a number or null"),
        ({"quality": {"min_sharpness": None}}, r"min_sharpness: found None; allowed: a number \(at lea"),
        ({"quality": {"min_size": 40}}, r"quality\.min_size: unknown key"),
        ({"network": {"top_edges": "some"}}, r"top_edges: found 'some'; allowed: a whole number .* or 'all'"),
        ({"network": {"top_edges": 0}}, r"top_edges: found 0; allowed: a whole number \(at least 1\) or 'a"),
        ({"network": {"mode": "published"}}, r"mode: found 'published'; allowed: 'standard' or 'as_p"),
        ({"network": {"layers": ["same_shot"]}}, r"layers\.0: found 'same_shot'.*'adjacent'"),
        ({"network": {"layers": []}}, r"layers: found \[\]; allowed: .*1 or more"),
        ({"network": {"within": "8 seconds"}}, r"within: found '8 seconds'; allowed: a number .* as '8s'"),
        ({"network": {"within": "99s"}}, r"within: found '99s'; allowed: a number \(0 to 60\)"),
        ({"network": {"significant": 1.5}}, r"significant: found 1\.5; allowed: a number .*at most 1"),
        (
            {"network": {"layers": "within"}},
            r"network\.within_weight: found 0; allowed: above 0",
        ),
        (
            {"network": {"same_frame_weight": 0, "significant": 0.05}},
            r"network\.significant: found 0\.05, where the weight is of adjacent alone; allowed: null",
        ),
        (
            {"network": {"same_frame_weight": 0, "adjacent_weight": 0.0}},
            r"network\.same_frame_weight: found 0, as adjacent_weight; allowed: one of them above 0",
        ),
        ({"compute": {"keep_zips": "yes"}}, r"compute\.keep_zips: found 'yes'; allowed: true or false"),
        ({"compute": {"keep_zips": 1}}, r"compute\.keep_zips: found 1; allowed: true or false"),
        ({"archive": {"frame_url": "https://x/{id}"}}, r"archive\.frame_url: found .*with \{broadcast\}"),
        ({"archive": {"frame_url": "FILE:///{broadcast}{frame}"}}, r"frame_url: found .*on the web"),
        ({"archive": {"base_url": "ftp://x/"}}, r"archive\.base_url: found 'ftp://x/'; allowed: .*https"),
        ({"archive": {"base_url": "https://x/\n"}}, r"base_url: found 'https://x/\\n'; allowed: .*https"),
        ({"archive": {"base_url": ""}}, r"archive\.base_url: found ''; allowed: https"),
        ({"archive": {"base_url": "https://x/?a=1"}}, r"base_url: found .*; allowed: .*without '\?'"),
        ({"archive": {"frame_seconds": float("nan")}}, r"frame_seconds: found nan; allowed: a number"),
        ({"archive": {"max_frame_mb": float("inf")}}, r"archive\.max_frame_mb: found inf; allowed: a number"),
        ({"run": "../x"}, rf"run: found '\.\./x'; {RUN}"),
        ({"run": "x\n"}, rf"run: found 'x\\n'; {RUN}"),
        ({"run": "x" * 81}, rf"run: found 'x+'; {RUN}"),
        *(({"run": name}, rf"run: found '{name}'; {RUN}.* folders of results") for name in FOLDERS),
        ({"run": 5}, rf"run: found 5; {RUN}"),
        ({5: {}}, r"5: unknown key"),
        ({"broadcasts": {}}, r"broadcasts: found none of them; allowed: .*folder, or stations with from"),
        ({"broadcasts": {"title": "x"}}, r"broadcasts: found none of them; allowed: exactly one"),
        ({"broadcasts": {"ids": [ID], "title": None}}, r"title: found None; allowed: a regular exp"),
        ({"broadcasts": {"ids": [ID], "file": "x"}}, r"broadcasts: found ids and file; allowed: exactly one"),
        ({"broadcasts": {"file": "x", "folder": "y"}}, r"broadcasts: found file and folder; allowed: "),
        ({"broadcasts": {"folder": ""}}, r"broadcasts\.folder: found ''; allowed: a path"),
        ({"broadcasts": {"ids": ["../x", ID]}}, r"broadcasts\.ids: .*'\.\./x'"),
        ({"broadcasts": {"ids": [5] * 30}}, r"\.9: found 5; allowed: a b.*\n +broadcasts\.ids: 20 more$"),
        (
            {"broadcasts": {"ids": [ID], "from": "2024-03-02", "to": "2024-03-01"}},
            r"broadcasts\.to: found 2024-03-01; allowed: 2024-03-02 \(broadcasts\.from\) or later",
        ),
        ({"broadcasts": {"stations": ["A"]}}, r"broadcasts\.from: missing.*\n.*broadcasts\.to: missing"),
        (
            {"broadcasts": {"stations": ["A"], "from": "2024-02-30", "to": "2024-03-01"}},
            r"broadcasts\.from: found '2024-02-30'; allowed: a day, YYYY-MM-DD",
        ),
        ({"broadcasts": {"ids": [ID], "from": "20240301"}}, r"from: found '20240301'; allowed: a day"),
        ({"broadcasts": {"ids": [ID], "from": "2024-03-01\n"}}, r"from: found '2024-03-01\\n'; allowed: a d"),
        (
            {"broadcasts": {"stations": ["A"], "from": "2024-03-02", "to": "2024-03-01"}},
            r"broadcasts\.to: found 2024-03-01; allowed: 2024-03-02 \(broadcasts\.from\) or later",
        ),
        (
            {"broadcasts": {"stations": ["A"], "from": "2024-03-02", "to": "9999-12-31"}},
            r"broadcasts\.to: found 9999-12-31, which makes 2,913,113 inventories.*at most 100,000",
        ),
        (
            {"broadcasts": {"stations": ["A"], "from": "9999-12-31", "to": "9999-12-31"}},
            r"broadcasts\.to: found 9999-12-31; allowed: a day before the year 9999",
        ),
        (
            {"broadcasts": {"stations": ["A"], "from": "2024-03-02", "to": "2024-03-04", "title": "(x"}},
            r"broadcasts\.title: found '\(x'; allowed: a regular expression",
        ),
        ({"broadcasts": {"stations": ["A/B"], "from": "2024-03-02"}}, r"stations\.0: found 'A/B'"),
        ({"broadcasts": {"stations": ["A\n"], "from": "2024-03-02"}}, r"stations\.0: found 'A\\n'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_the_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.load(minimal(**changes) if 5 not in changes else minimal() | changes)
    assert re.search(message, str(caught.value), re.MULTILINE), str(caught.value)


@pytest.mark.parametrize(
    ("narrowing", "message"),
    [
        ({"weekdays": ["monday"]}, r"broadcasts\.weekdays\.0: found 'monday'; allowed: 'mon', 'tue'"),
        ({"weekdays": []}, r"broadcasts\.weekdays: found \[\]; allowed: .*1 or more"),
        ({"hours": [8]}, r"broadcasts\.hours: found \[8\]; allowed: a list \(2, none twice\)"),
        ({"hours": [1, 2, 3]}, r"broadcasts\.hours: .*; allowed: a list \(2, none twice\)"),
        ({"hours": [8, 8.0]}, r"broadcasts\.hours: .*; allowed: .*none twice"),
        ({"hours": [8, 25]}, r"broadcasts\.hours\.1: found 25; allowed: a number \(0 to 24\)"),
        ({"hours": 8}, r"broadcasts\.hours: found 8; allowed: a list \(2, none twice\)"),
        ({"timezone": "Mars/Olympus"}, r"timezone: found 'Mars/Olympus'; allowed: a name of the IANA"),
        ({"exclude": ["NTV"]}, r"broadcasts\.exclude: 1 of the broadcasts .*: 'NTV'"),
        ({"exclude": 5}, r"broadcasts\.exclude: found 5; allowed: a path or a list, each"),
        ({"include": ["x.mp4"]}, r"broadcasts\.include: 1 of the broadcasts .*: 'x\.mp4'"),
    ],
)  # fmt: skip
def test_a_list_cannot_be_narrowed_by_anything(narrowing: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        configuration.load(minimal(broadcasts={"ids": [ID], **narrowing}))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"algorithm": "dbscan", "min_samples": 1}, {"algorithm": ["dbscan"], "min_samples": 1}),
        ({"algorithm": ["chinese_whispers", "dbscan"], "min_samples": 1}, {}),
        ({"algorithm": ["hdbscan"], "min_samples": 2}, {}),
        ({"eps": [0.3, 1e-10, 2, 0.4000000001]}, {}),
        ({"eps": 0.4}, {"eps": [0.4]}),
        ({"min_samples": 7.0}, {"min_samples": 7}),
    ],
)
def test_what_is_right_is_taken(given: dict[str, Any], taken: dict[str, Any]) -> None:
    assert configuration.load(minimal(clustering=given))["clustering"].items() >= (taken or given).items()


def test_a_single_value_is_taken_for_a_list_of_one() -> None:
    config = configuration.load(
        {
            "run": "single",
            "broadcasts": {"ids": ID, "stations": "NTV", "weekdays": "thu"},
            "compute": {"providers": "CUDAExecutionProvider"},
        }
    )
    assert config["broadcasts"] == {"stations": ["NTV"], "ids": [ID], "weekdays": ["thu"], "timezone": "UTC"}
    assert config["compute"]["providers"] == ["CUDAExecutionProvider"]


def test_numbers_stay_as_a_person_writes_them() -> None:
    """What follows from them is made again when they are written otherwise."""
    for number in (4, 4.0):
        config = configuration.load(minimal(archive={"frame_seconds": number}, quality={"min_score": number}))
        assert repr((config["archive"]["frame_seconds"], config["quality"]["min_score"])) == "(4, 4)"
    assert configuration.load(minimal(archive={"frame_seconds": 0.5}))["archive"]["frame_seconds"] == 0.5


def test_everything_that_is_wrong_is_told_at_once_with_the_file() -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.load({"runs": "x", "clustering": {"eps": 3, "min_samples": 0}}, "config/mine.yaml")
    for key in ("runs", "run", "broadcasts", "clustering.eps", "clustering.min_samples"):
        assert f"\n  config/mine.yaml: {key}: " in str(caught.value)


@pytest.mark.parametrize(
    ("old", "told"),
    [
        ({"cluster": {"eps": [0.4]}}, ["cluster: now clustering"]),
        ({"cluster": None}, ["cluster: now clustering"]),
        ({"scratch": "x"}, ["scratch: now compute.scratch"]),
        (
            {"faces": {"threads": 2, "providers": ["CPUExecutionProvider"], "borrow": False}},
            [f"faces.{key}: moved to compute.{key}" for key in ("threads", "providers", "borrow")],
        ),
        (
            {"archive": {"attempts": 2, "timeout": 9, "max_mb_per_s": 1, "keep_zips": False}},
            [
                f"archive.{key}: moved to compute.{key}"
                for key in ("attempts", "timeout", "max_mb_per_s", "keep_zips")
            ],
        ),
        (
            {"cluster": {"share_jobs": 3, "share_above": 0}},
            [
                "cluster: now clustering",
                *(f"cluster.{key}: taken out: one job makes" for key in ("share_jobs", "share_above")),
            ],
        ),
        ({"clustering": {"share_jobs": 3}}, ["clustering.share_jobs: taken out: one job makes a clustering"]),
    ],
)
def test_an_old_key_is_answered_with_the_new_one(old: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        configuration.load(minimal(**old))
    lines = [line.strip() for line in str(caught.value).splitlines()[1:]]
    assert len(lines) == len(told)
    assert all(line.startswith(each) for line, each in zip(lines, told, strict=True))


@pytest.mark.parametrize(
    "address",
    [
        "https://me:secret@archive.example/zips/",
        "https://secret@archive.example/",
        "https://me:secret@@archive.example/",
        "https://me:se cret@archive.example/",
        "ftp://me:secret@archive.example/",
        "me:secret@archive.example/",
        f"https://me:secret{'x' * 300}@archive.example/",
    ],
)
@pytest.mark.parametrize("key", ["base_url", "frame_url"])
def test_a_password_is_refused_and_not_shown(key: str, address: str) -> None:
    address += "?{broadcast}&{frame}" if key == "frame_url" else ""
    if key == "frame_url" and "://" not in address:
        return  # no address, but a page's own one
    with pytest.raises(ConfigError, match=rf"archive\.{key}: found .*; allowed: .*~/\.netrc") as caught:
        configuration.load(minimal(archive={key: address}))
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize("key", ["file", "include"])
@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"https://me:secret@archive.example/{ID}.zip", r"holds a user name or password; .*~/\.netrc"),
        (f"https://me:secret@archive.example/{ID}.mp4", "not broadcast IDs"),
        (f"https://me:secret{'x' * 300}@archive.example/{ID}.mp4", "not broadcast IDs"),
        (f"broadcast,source\n{ID},https://me:secret@archive.example/{ID}.zip", r"~/\.netrc"),
    ],
)
def test_a_password_in_a_list_is_refused_and_not_shown(
    key: str, line: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text(f"{line}\n")
    given = {key: str(tmp_path / "list.txt")} | ({"ids": [ID]} if key == "include" else {})
    with pytest.raises(ConfigError, match=rf"broadcasts\.{key}: .*{message}") as caught:
        listed(given, "", tmp_path)
    assert "secret" not in str(caught.value)


def test_an_address_with_an_at_sign_in_its_path_is_taken() -> None:
    address = "https://archive.example:8080/a@b/"
    assert configuration.load(minimal(archive={"base_url": address}))["archive"]["base_url"] == address


def test_days_written_without_quotes_are_dates_to_yaml_and_text_to_us() -> None:
    broadcasts = {"stations": ["B", "A"], "from": date(2024, 2, 28), "to": date(2024, 3, 1)}
    config = configuration.load(minimal(broadcasts=broadcasts))
    assert config["broadcasts"]["from"] == "2024-02-28"
    days = configuration.station_days(config["broadcasts"])
    assert days[0] == ("A", date(2024, 2, 28))
    assert days[-1] == ("B", date(2024, 3, 1))
    assert len(days) == 6
    assert configuration.chosen(config["broadcasts"]).sources is None


FIRST = "DEMO1_20240102_190000_Evening_Review"


def listed(broadcasts: dict[str, Any], base_url: str = "", here: Path | None = None) -> dict[str, str]:
    return dict(configuration.chosen(broadcasts, base_url, here).sources or {})


def test_ids_are_listed_sorted_and_once() -> None:
    assert list(listed({"ids": [ID, FIRST, ID]}).items()) == [(FIRST, ""), (ID, "")]
    assert configuration.station_days({"ids": [ID]}) == []


def test_a_file_and_a_folder_list_broadcasts_and_their_sources(tmp_path: Path) -> None:
    (tmp_path / "tapes").mkdir()
    (tmp_path / "tapes" / f"{ID}.mp4").touch()
    (tmp_path / "list.txt").write_text(f"http://x.example/{FIRST}.zip\ntapes/{ID}.mp4\n")
    for base_url, source in (("http://x.example", ""), ("http://y.example", f"http://x.example/{FIRST}.zip")):
        found = listed({"file": str(tmp_path / "list.txt")}, base_url, tmp_path)
        assert found == {FIRST: source, ID: f"tapes/{ID}.mp4"}
    assert listed({"folder": str(tmp_path / "tapes")}, "", tmp_path) == {ID: f"tapes/{ID}.mp4"}


def test_what_is_left_alone_of_all_lists_comes_with_the_broadcasts(tmp_path: Path) -> None:
    tapes = tmp_path / "tapes"
    tapes.mkdir()
    for name in (f"{ID}.mp4", "tape 17.mp4", f"{FIRST}.zip"):
        (tapes / name).touch()
    (tmp_path / "too.csv").write_text(f"broadcast;source;note\n{FIRST};tapes/tape 17.mp4;\n")
    given = {"folder": str(tapes), "include": str(tmp_path / "too.csv"), "stations": ["NTV"]}
    chosen = configuration.chosen(given, "", tmp_path)
    assert chosen.sources == {ID: f"tapes/{ID}.mp4", FIRST: "tapes/tape 17.mp4"}
    assert [tuple(each) for each in chosen.left_alone] == [
        ("too.csv, column note", "not read; those are broadcast and source"),
        ("tapes/tape 17.mp4", "its name is no broadcast ID; castgraph init gives IDs"),
    ]
    # Beside inventories, too.
    days = {"stations": ["NTV"], "from": "2024-01-01", "to": "2024-01-01", "include": given["include"]}
    chosen = configuration.chosen(days, "", tmp_path)
    assert (chosen.sources, chosen.choice.include) == (None, {FIRST: "tapes/tape 17.mp4"})
    assert len(chosen.left_alone) == 1


@pytest.mark.parametrize("key", ["file", "include"])
def test_jobs_do_not_ask_whether_sources_are_there(key: str, tmp_path: Path) -> None:
    """One that has gone since the run was planned is missing, and no other job fails for it."""
    (tmp_path / "list.csv").write_text(f"broadcast,source\n{ID},tapes/17.mp4\n")
    given = {key: str(tmp_path / "list.csv")} | ({"ids": [FIRST]} if key == "include" else {})
    with pytest.raises(
        ConfigError, match=rf"broadcasts\.{key}: .*list\.csv: 1 of the sources cannot be taken"
    ):
        configuration.chosen(given, "", tmp_path)
    assert configuration.chosen(given, "", tmp_path, check=False).sources[ID] == "tapes/17.mp4"


def test_the_folder_of_the_run_is_no_source(tmp_path: Path) -> None:
    """What lies there is overwritten, and removed with compute.keep_zips false."""
    zips = tmp_path / "x" / "resources" / "zips"
    zips.mkdir(parents=True)
    (zips / f"{ID}.zip").touch()
    (tmp_path / "list.txt").write_text(f"x/resources/zips/{ID}.zip\n")
    for given in ({"folder": str(zips)}, {"file": str(tmp_path / "list.txt")}):
        with pytest.raises(ConfigError, match=rf"{ID}\.zip lies in resources/zips, where the run keeps"):
            listed(given, "", tmp_path)
    # That of a run elsewhere may be one.
    elsewhere = listed({"folder": str(zips)}, "", tmp_path / "elsewhere")
    assert elsewhere == {ID: str(zips / f"{ID}.zip")}


def test_a_list_is_narrowed_by_all_that_is_given(tmp_path: Path) -> None:
    ids = [FIRST, ID, "DEMO1_20240103_200000_Evening_Review", "DEMO1_20240103_210000_Evening_Review"]
    (tmp_path / "list.txt").write_text("\n".join(ids))
    (tmp_path / "not.txt").write_text("*_20240103_2100*\n")
    (tmp_path / "too.txt").write_text(f"{ID}\n./X_20240101_000000.zip\n")
    (tmp_path / "X_20240101_000000.zip").touch()
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
    config = configuration.located(configuration.load(minimal(broadcasts=given)), [tmp_path])
    assert configuration.station_days(config["broadcasts"]) == []
    assert listed(config["broadcasts"], "", tmp_path) == {
        "DEMO1_20240103_200000_Evening_Review": "",
        ID: "",
        "X_20240101_000000": "X_20240101_000000.zip",
    }


def test_nothing_left_of_a_list_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(FIRST)
    for given in ({"ids": [FIRST]}, {"file": str(tmp_path / "list.txt")}):
        message = f"broadcasts: none of broadcasts.{next(iter(given))} is left; narrowed by from, hours"
        with pytest.raises(ConfigError, match=message):
            listed({**given, "hours": [0, 1], "from": "2024-01-01", "timezone": "UTC"})
        assert listed({**given, "exclude": ["*"], "include": [ID]}) == {ID: ""}


def test_inventories_are_narrowed_too_but_not_by_days() -> None:
    """An inventory lists what belongs to its day, also what began before midnight."""
    broadcasts = {"stations": ["DEMO1"], "from": "2024-01-03", "to": "2024-01-03", "hours": [18, 20]}
    broadcasts |= {"include": [ID], "exclude": ["*_Weather"], "weekdays": ["tue"], "title": "Review"}
    config = configuration.load(minimal(broadcasts=broadcasts))
    assert configuration.chosen(config["broadcasts"]).sources is None
    assert len(configuration.station_days(config["broadcasts"])) == 1
    choice = configuration.chosen(config["broadcasts"]).choice
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
        assert listed(given) == {ID: ""}
        return
    with pytest.raises(ConfigError, match=rf"broadcasts\.{key}: .*ids\.txt: .*{message}"):
        listed(given)


def test_a_bad_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "tape 17.mp4").touch()
    with pytest.raises(
        ConfigError, match=rf"broadcasts\.folder: {tmp_path}: holds no broadcast: .*tape 17\.mp4: its name"
    ):
        listed({"folder": str(tmp_path)})


def test_relative_paths_are_found_beside_the_user_before_beside_the_workflow(
    tmp_path: Path,
) -> None:
    mine, shipped = tmp_path / "mine", tmp_path / "shipped"
    (shipped / "demo").mkdir(parents=True)
    mine.mkdir()
    config = configuration.load(minimal(archive={"base_url": "demo"}))
    base_url = lambda: configuration.located(config, [mine, shipped])["archive"]["base_url"]  # noqa: E731
    assert base_url() == str(shipped / "demo")
    (mine / "demo").mkdir()
    assert base_url() == str(mine / "demo")
    assert config["archive"]["base_url"] == "demo"
    web = configuration.load(minimal())
    assert configuration.located(web, [mine]) == web
    lists = {"folder": "demo", "exclude": "demo", "include": [ID]}
    found = configuration.located(configuration.load(minimal(broadcasts=lists)), [mine, shipped])
    assert found["broadcasts"] == lists | {"folder": base_url(), "exclude": base_url(), "timezone": "UTC"}
    nowhere = configuration.load(minimal(archive={"base_url": "nowhere"}))
    with pytest.raises(
        ConfigError, match=r"archive\.base_url: found 'nowhere'; not there, looked for in .*mine"
    ):
        configuration.located(nowhere, [mine, shipped])
    (mine / "other").mkdir()
    compared = configuration.load(minimal(network={"compare": ["other", "nowhere"]}))
    with pytest.raises(ConfigError, match=r"network\.compare: found 'nowhere'; not there, looked for in"):
        configuration.located(compared, [mine, shipped])
    outside = configuration.load(minimal(labelling={"entities": ["other", "nowhere"]}))
    with pytest.raises(ConfigError, match=r"labelling\.entities: found 'nowhere'; not there, looked for in"):
        configuration.located(outside, [mine, shipped])
    outside["labelling"]["entities"].pop()
    assert configuration.located(outside, [mine])["labelling"]["entities"] == [str(mine / "other")]
    compared["network"]["compare"].pop()
    assert configuration.located(compared, [shipped, mine])["network"]["compare"] == [str(mine / "other")]


def test_suspects_are_not_left_out_where_nobody_looks_for_them() -> None:
    with pytest.raises(
        ConfigError, match=r"labelling\.exclude_suspects: found true; allowed: false, or true"
    ):
        configuration.load(minimal(labelling={"exclude_suspects": True}))
    found = configuration.load(minimal(labelling={"enabled": True, "exclude_suspects": True}))
    assert found["labelling"]["weekdays"] == ["mon", "tue", "wed", "thu", "fri"]


def test_an_embedder_is_found_and_told_by_its_checksum(tmp_path: Path) -> None:
    given = minimal(**embedder(mean=[123.7, 116.3, 103.5]))
    config = configuration.load(given)
    with pytest.raises(ConfigError, match=r"faces\.embedder\.onnx: found 'models/my\.onnx'; not there"):
        configuration.located(config, [tmp_path])
    path = tmp_path / "models" / "my.onnx"
    path.mkdir(parents=True)
    with pytest.raises(
        ConfigError, match=r"faces\.embedder\.onnx: .*my\.onnx cannot be read \(Is a directory"
    ):
        configuration.located(config, [tmp_path])
    path.rmdir()
    path.write_bytes(b"some network")
    found = configuration.located(config, [tmp_path])
    checksum = hashlib.sha256(b"some network").hexdigest()
    assert found["faces"]["embedder"] == {
        "onnx": str(path),
        "name": "mine",
        "size": 112,
        "mean": [123.7, 116.3, 103.5],
        "std": 127.5,
        "channels": "rgb",
        "alignment": "arcface",
        "sha256": checksum,
    }
    assert configuration.located(found, [tmp_path]) == found
    path.write_bytes(b"another network")
    with pytest.raises(
        ConfigError, match=rf"faces\.embedder\.sha256: found {checksum}; .*my\.onnx has [0-9a-f]"
    ):
        configuration.located(found, [tmp_path])


def test_hdbscan_needs_no_eps_with_an_embedder_either() -> None:
    config = configuration.load(minimal(**embedder() | {"clustering": {"algorithm": "hdbscan"}}))
    assert config["clustering"]["eps"] is None


def test_a_written_configuration_is_the_same_when_read(tmp_path: Path) -> None:
    config = configuration.load(minimal())
    configuration.write(tmp_path / "run" / "config.yaml", config)
    assert configuration.load(yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())) == config


def test_an_error_of_a_path_names_the_file_of_the_configuration(tmp_path: Path) -> None:
    config = configuration.load(minimal(archive={"base_url": "nowhere"}))
    with pytest.raises(ConfigError) as caught:
        configuration.located(config, [tmp_path])
    assert "\n  mine.yaml: archive.base_url: found 'nowhere'; not there" in str(
        caught.value.within("mine.yaml")
    )


def test_it_is_imported_without_anything_heavy() -> None:
    """Every planning and every job imports it."""
    code = "import castgraph.run.config, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"castgraph.run.config", "pydantic"} <= set(loaded)
    heavy = {"pyarrow", "onnxruntime", "matplotlib", "numpy", "PIL", "av", "igraph", "sklearn"}
    assert heavy & set(loaded) == set()
