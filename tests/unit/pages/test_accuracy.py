"""The sheet on which a sample is judged, and the commands around it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from PIL import Image
from tests.judged import CLUSTERING, ORIGIN, Truth, judged, made_up
from typer.testing import CliRunner, Result

from castgraph.base import tables
from castgraph.cli import app
from castgraph.pages.accuracy import SHEET, write_sheet
from castgraph.run.accuracy.answers import ANSWERS, SAMPLE
from castgraph.run.accuracy.draw import draw
from castgraph.run.accuracy.population import read_population
from castgraph.run.accuracy.questions import KINDS, questions

FEW = dict.fromkeys(KINDS, 4)
HOSTILE = '<img src=x onerror="alert(1)">'


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made_up(tmp_path, n_frames=20, n_broadcasts=2)
    return tmp_path / "results" / "made-up"


def cli(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["accuracy", *map(str, arguments)])


def test_the_sheet_holds_every_piece_and_every_picture(run: Path, tmp_path: Path) -> None:
    sample = draw(read_population(run, CLUSTERING), FEW, seed=1)
    assert write_sheet(tmp_path / "sheet", run, sample) == []
    assert {path.name for path in (tmp_path / "sheet").iterdir()} == {SHEET, ANSWERS, SAMPLE}
    page = Page((tmp_path / "sheet" / SHEET).read_text(encoding="utf-8"))
    asked = [each.id for item in sample.items for each in questions(item.written())]
    assert [tag["data-question"] for tag in page.of("fieldset")] == asked
    assert [tag["id"] for tag in page.of("article")] == [item.id for item in sample.items]
    pictures = page.of("img")
    faces = sum(len(strip) for item in sample.items for strip in item.strips)
    assert len(pictures) == faces + sum(len(item.shown) for item in sample.items)
    for tag in pictures:
        kind, _, content = str(tag["src"]).partition(",")
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
            assert picture.size == (int(tag["width"]), int(tag["height"]))
    n_boxes = sum(len(shown.boxes) for item in sample.items for shown in item.shown)
    assert len(page.of("rect")) == 2 * n_boxes
    assert not [tag for tag in page.tags if {"href", "src", "action"} & tag[1].keys() and _leads_out(tag[1])]


def _leads_out(attributes: dict[str, str | None]) -> bool:
    links = [attributes.get(name) or "#" for name in ("href", "src", "action")]
    return not all(link.startswith(("#", "data:image/jpeg;")) for link in links)


def test_only_the_scripts_own_hash_is_allowed(run: Path, tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet", run, draw(read_population(run, CLUSTERING), FEW, seed=1))
    text = (tmp_path / "sheet" / SHEET).read_text(encoding="utf-8")
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    )


def test_names_are_escaped(run: Path, tmp_path: Path) -> None:
    path = run / CLUSTERING / "people.parquet"
    people = tables.read(path, tables.PEOPLE)
    people = people.set_column(
        people.schema.get_field_index("name"), "name", pa.array([HOSTILE] * len(people))
    )
    tables.write(path, people, {}, tables.PEOPLE)
    write_sheet(tmp_path / "sheet", run, draw(read_population(run, CLUSTERING), FEW, seed=1))
    text = (tmp_path / "sheet" / SHEET).read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;" in text


def test_the_same_sample_gives_the_same_files(run: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_sheet(tmp_path / name, run, draw(read_population(run, CLUSTERING), FEW, seed=1))
    for name in (SHEET, ANSWERS, SAMPLE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_photograph_that_was_made_smaller_has_its_boxes_in_place(run: Path, tmp_path: Path) -> None:
    """Boxes are in pixels of the frame, whatever size it is shown in."""
    write_sheet(tmp_path / "sheet", run, draw(read_population(run, CLUSTERING), FEW, seed=1))
    page = Page((tmp_path / "sheet" / SHEET).read_text(encoding="utf-8"))
    assert {tag["viewbox"] for tag in page.of("svg")} == {"0 0 320 180"}


# ---- what cannot be shown --------------------------------------------------------------------------------


def test_what_cannot_be_shown_is_told_and_leaves_a_grey_square(run: Path, tmp_path: Path) -> None:
    zips = tmp_path / "resources" / "zips" / ORIGIN
    [gone, *_] = sorted(zips.iterdir())
    gone.unlink()
    sample = draw(read_population(run, CLUSTERING), FEW, seed=1)
    [problem] = write_sheet(tmp_path / "sheet", run, sample)
    assert problem.startswith(gone.stem)
    assert "is not there; --fetch fetches the ZIP again" in problem
    page = Page((tmp_path / "sheet" / SHEET).read_text(encoding="utf-8"))
    assert [tag["id"] for tag in page.of("article")] == [item.id for item in sample.items]
    assert all(str(tag["src"]).startswith("data:image/jpeg") for tag in page.of("img"))


def test_without_any_picture_there_is_no_sheet(run: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "resources")
    found = cli("sample", run, "--to", tmp_path / "sheet")
    assert found.exit_code == 1
    assert "no picture can be had" in found.stderr
    assert "--fetch" in found.stderr
    assert not (tmp_path / "sheet").exists()


def test_zips_that_were_not_kept_are_fetched_for_the_time_of_need(run: Path, tmp_path: Path) -> None:
    """From the archive that the configuration names, here a folder beside the results."""
    zips = tmp_path / "resources" / "zips" / ORIGIN
    zips.rename(tmp_path / "archive")
    kept = {path.name: path.read_bytes() for path in (tmp_path / "archive").iterdir()}
    config = {
        "run": "made-up",
        "broadcasts": {"ids": [name.removesuffix(".zip") for name in kept]},
        "archive": {"base_url": "archive"},
    }
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    assert "no picture can be had" in cli("sample", run, "--to", tmp_path / "sheet").stderr
    found = cli("sample", run, "--to", tmp_path / "sheet", "--fetch")
    assert (found.exit_code, found.stderr) == (0, "")
    assert not list((tmp_path / "resources").rglob("*.zip"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "archive").iterdir()} == kept
    (run / "config.yaml").write_text("run: [made-up")
    broken = cli("sample", run, "--to", tmp_path / "other")
    assert broken.exit_code == 1
    assert f"{run / 'config.yaml'}: " in broken.stderr


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\xff\xd8\xff nothing", b"GIF89a"])
def test_frames_may_be_anything(content: bytes, run: Path, tmp_path: Path) -> None:
    import zipfile

    for path in (tmp_path / "resources" / "zips" / ORIGIN).iterdir():
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, content)
    found = cli("sample", run, "--to", tmp_path / "sheet")
    assert found.exit_code == 1
    assert "no picture can be had" in found.stderr


# ---- the commands ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    folder = tmp_path_factory.mktemp("whole")
    truth = made_up(folder)
    return folder / "results" / "made-up", truth


def test_from_a_run_to_a_sentence(whole: tuple[Path, Truth], tmp_path: Path) -> None:
    run, truth = whole
    drawn = cli("sample", run, "--seed", 4, "--pairs", 10, "--noise", 20)
    assert drawn.exit_code == 0, drawn.output
    folder = run / CLUSTERING / "accuracy-4"
    assert str(folder / SHEET) in drawn.stdout
    assert "They show faces" in drawn.stdout
    assert f"castgraph accuracy score {folder}" in drawn.stdout

    items = draw(read_population(run, CLUSTERING), {"pair": 10, "noise": 20}, seed=4).items
    answers = judged(items, truth)
    saved = tmp_path / "download.csv"  # as the sheet saves them
    saved.write_text("sample,question,answer\n" + "".join(f",{n},{a}\n" for n, a in answers.items()))
    sample = json.loads((folder / SAMPLE).read_text())["sample"]
    saved.write_text(saved.read_text().replace("\n,", f"\n{sample},"))
    scored = cli("score", folder, "--answers", saved)
    assert scored.exit_code == 0, scored.output
    found = json.loads((folder / "accuracy.json").read_text())
    for each in found["measures"].values():
        assert each["title"] in scored.stdout
        assert 0 <= each["low"] <= each["value"] <= each["high"] <= 1
    assert "too few" in scored.stdout  # ten pairs
    assert found["faults"][0]["id"] in scored.stdout
    assert " ".join(found["sentence"].split()) in " ".join(scored.stdout.split())

    # In the folder itself, by the folder and by the table.
    with (folder / ANSWERS).open(newline="") as file:
        rows = [row | {"answer": answers[row["question"]]} for row in csv.DictReader(file)]
    with (folder / ANSWERS).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for given in (folder, folder / ANSWERS):
        assert cli("score", given).exit_code == 0
        assert json.loads((folder / "accuracy.json").read_text()) == found


def test_a_folder_with_answers_is_never_replaced(run: Path, tmp_path: Path) -> None:
    assert cli("sample", run, "--to", tmp_path / "sheet").exit_code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "sheet").iterdir()}
    found = cli("sample", run, "--to", tmp_path / "sheet", "--seed", 2)
    assert found.exit_code == 1
    assert "is there already, perhaps with answers; name another folder with --to" in found.stderr
    assert {path.name: path.read_bytes() for path in (tmp_path / "sheet").iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("sample", "nowhere"), "no nowhere/summary.json; the run is not finished"),
        (("sample", "RUN", "--clustering", "eps-0.99"), "has no clustering 'eps-0.99'; there are: eps-0.40"),
        (("sample", "RUN", "--clustering", "../made-up"), "has no clustering"),
        (("score", "nowhere"), "castgraph accuracy sample writes it"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(arguments: tuple[str, ...], problem: str, run: Path) -> None:
    found = cli(*(str(run) if argument == "RUN" else argument for argument in arguments))
    assert found.exit_code == 1
    assert found.stderr.startswith("error: ")
    assert problem in found.stderr
    assert found.stderr.count("\n") == 1
