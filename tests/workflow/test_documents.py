"""The commands of the README and of the tutorial are given, one after the other, as a reader gives them.

Snakemake only plans, what asks an archive on the web asks the demo's, and make only says what it would do.
All else is done as it is written.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import blocks, configurations
from tests.workflow.conftest import SHORT, Run, frames_of

BIN = Path(sys.executable).parent

PROGRAMS = {
    "uv": 'shift; exec "$@"',
    "python": f'exec {BIN}/python "$@"',
    "make": 'exec /usr/bin/env -i PATH=/usr/bin:/bin HOME="$HOME" make --dry-run --file {root}/Makefile "$@"',
    "snakemake": f'exec {BIN}/snakemake --dry-run --snakefile {{root}}/Snakefile "$@"',
    "castgraph": f"""case "$1" in stations|shows) set -- "$@" --archive {{root}}/resources/demo;; esac
exec {BIN}/castgraph "$@"
""",
}
"""What stands in the place of a program, as shell."""


class Reader:
    """Somebody who gives the commands of a document in a folder."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        programs = folder / ".bin"
        programs.mkdir()
        for name, script in PROGRAMS.items():
            (programs / name).write_text(f"#!/bin/sh\n{script.replace('{root}', str(root))}\n")
            (programs / name).chmod(0o755)
        self._environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "COLUMNS": "120"}

    def gives(self, script: str) -> str:
        """Give a block of commands; tells what they print."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout

    def writes(self, document: str) -> None:
        """Write the configurations of a document, but those that are there."""
        for name, content in configurations(document).items():
            path = self.folder / name
            if not path.exists():
                path.write_text(content)


@pytest.fixture
def reader(tmp_path: Path, root: Path) -> Reader:
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "demo").symlink_to(root / "resources" / "demo")
    return Reader(tmp_path, root)


def test_the_commands_of_the_readme(reader: Reader, demo: Path, small_run: Run) -> None:
    broadcast, numbers = next(iter(SHORT.items()))
    pictures = reader.folder / "pictures" / "MYTV_20240102_190000_Rally"
    # castgraph init takes pictures as it takes videos.
    videos = reader.folder / "videos" / "Evening News 2024-01-02 19.00"
    for folder in (pictures, videos):
        folder.mkdir(parents=True)
        for number, content in enumerate(frames_of(demo, broadcast, numbers), start=1):
            (folder / f"{number:04}.jpg").write_bytes(content)
    printed = []
    for script in blocks("README.md", "console"):
        if "rally.yaml" in script:  # after init has written videos.yaml
            reader.writes("README.md")
        if "summary" in script:  # of the run that was only planned here
            shutil.copytree(small_run.results, reader.folder / "results" / "week", dirs_exist_ok=True)
        printed.append(reader.gives(script))
    told = "\n".join(printed)
    assert "snakemake --cores all --configfile config/config.yaml" in told  # make demo
    assert told.count("1: 1 to encode") >= 4  # plan and snakemake, of videos and of pictures
    assert "7 to fetch" in told  # inventories of a week
    assert "strongest pairs" in told  # summary
    # What the README shows is what init writes.
    shown = configurations("README.md")[Path("videos.yaml")].splitlines()
    assert set(shown[1:]) <= set((reader.folder / "videos.yaml").read_text().splitlines())


def test_the_commands_of_the_tutorial(reader: Reader) -> None:
    first, *others = blocks("docs/tutorial.md", "console")
    reader.gives(first)
    assert len(list((reader.folder / "tapes").glob("*/*.jpg"))) == 225
    init, plan, run, again, clean = others
    told = blocks("docs/tutorial.md", "text")
    # What is shown is what is printed.
    assert reader.gives(init).split() == told[0].split()
    for script in (plan, run):
        assert told[1].splitlines()[1] in reader.gives(script)
    (reader.folder / "tapes.yaml").unlink()
    reader.writes("docs/tutorial.md")
    assert "3: 3 to encode" in reader.gives(again)
    reader.gives(clean)
    assert not (reader.folder / "tapes").exists()


def test_a_command_that_fails_is_found(reader: Reader) -> None:
    for script in (
        "uv run snakemake --cores 1 --configfile none.yaml",
        "uv run castgraph plan none.yaml",
        "false\n:",
    ):
        with pytest.raises(AssertionError):
            reader.gives(script)
