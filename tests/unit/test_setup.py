"""`make setup` on machines that lack something; stand-ins for uv and system commands record the calls."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

# `uv run … import` of the kernel fails until castgraph was built beside a compiler.
UV = """#!/bin/sh
echo "uv $*" >> "$CALLS"
case "$*" in
  sync*) if command -v c++ >/dev/null && test -e "$CALLS.headers"; then touch "$CALLS.kernel"; fi ;;
  *_kernel*) test -e "$CALLS.kernel" ;;
  *Python.h*) test -e "$CALLS.headers" ;;
esac
"""
APT = """#!/bin/sh
echo "apt-get $*" >> "$CALLS"
case "$*" in
  *install*python3-venv*) touch "$CALLS.venv" ;;
  *install*"g++ python3-dev"*) ln -s /bin/true "$(dirname "$0")/c++"; touch "$CALLS.headers" ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path):
    """A machine with hardly anything on its PATH; give it commands and run the set-up."""
    folder = tmp_path / "bin"
    folder.mkdir()
    calls = tmp_path / "calls"
    calls.touch()
    for name in ("bash", "sh", "dirname", "env", "touch", "test", "mkdir", "ln"):
        (folder / name).symlink_to(shutil.which(name))

    def run(root: Path, **commands: str) -> tuple[subprocess.CompletedProcess[str], str]:
        for name, text in commands.items():
            path = folder / name.replace("_", "-")
            path.write_text(text)
            path.chmod(0o755)
        process = subprocess.run(
            ["bash", root / "envs" / "setup.sh"],
            env={"PATH": str(folder), "HOME": str(tmp_path), "CALLS": str(calls)},
            capture_output=True,
            text=True,
        )
        return process, calls.read_text()

    return run


def user(number: int) -> str:
    return f"#!/bin/sh\necho {number}\n"


def test_root_gets_a_compiler_through_apt(machine, root: Path) -> None:
    process, calls = machine(root, uv=UV, apt_get=APT, id=user(0))
    assert process.returncode == 0, process.stderr
    assert "apt-get update" in calls
    assert "apt-get install -y -qq --no-install-recommends g++ python3-dev" in calls
    assert calls.index("g++") < calls.index("--reinstall-package castgraph")
    assert "more slowly" not in process.stdout


def test_nothing_is_installed_where_nothing_is_missing(machine, root: Path, tmp_path: Path) -> None:
    Path(f"{tmp_path / 'calls'}.headers").touch()
    process, calls = machine(root, uv=UV, apt_get=APT, id=user(0), **{"c++": ""})
    assert process.returncode == 0, process.stderr
    assert "apt-get" not in calls
    assert "reinstall" not in calls
    assert not process.stdout


def test_without_a_compiler_it_goes_on_and_says_what_that_costs(machine, root: Path) -> None:
    process, _ = machine(root, uv=UV, id=user(1000))
    assert process.returncode == 0, process.stderr
    assert "without a C++ compiler and Python's headers faces are found several times" in process.stdout
    assert "sudo apt-get install -y g++ python3-dev" in process.stdout


def test_a_compiler_that_came_later_is_used(machine, root: Path, tmp_path: Path) -> None:
    """uv does not build what it has built: the kernel is missing though a compiler is there."""
    Path(f"{tmp_path / 'calls'}.headers").touch()
    stale = UV.replace("sync*)", "*reinstall*)")
    process, calls = machine(root, uv=stale, id=user(1000), **{"c++": ""})
    assert process.returncode == 0, process.stderr
    assert "uv sync --frozen --quiet --compile-bytecode --reinstall-package castgraph" in calls
    assert not process.stdout


PYTHON = """#!/bin/sh
echo "python $*" >> "$CALLS"
case "$*" in
  *ensurepip*) test -e "$CALLS.venv" ;;
  *"-m venv"*) mkdir -p "$3/bin"; ln -s "$0" "$3/bin/python"; ln -s "$(dirname "$0")/make-uv" "$3/bin/uv" ;;
esac
"""


@pytest.mark.parametrize("with_apt", [True, False])
def test_where_venv_is_missing_others_are_told_the_exact_command(with_apt: bool, machine, root: Path) -> None:
    commands = {"python3": PYTHON, "id": user(1000)} | ({"apt_get": APT} if with_apt else {})
    process, calls = machine(root, **commands)
    assert process.returncode == 1
    for command in (
        "sudo apt-get update && sudo apt-get install -y python3-venv",
        "sudo dnf install -y python3-pip",
        "brew install python",
    ):
        assert command in process.stderr
    assert "apt-get" not in calls


def test_a_user_with_sudo_gets_it_through_sudo_and_then_uv(machine, root: Path) -> None:
    sudo = '#!/bin/sh\nshift\necho "sudo $*" >> "$CALLS"\ncase "$1" in true) exit 0 ;; esac\nexec "$@"\n'
    process, calls = machine(root, python3=PYTHON, make_uv=UV, apt_get=APT, sudo=sudo, id=user(1000))
    assert process.returncode == 0, process.stderr
    assert "sudo apt-get update" in calls
    assert "apt-get install -y -qq --no-install-recommends python3-venv" in calls
    assert calls.index("python3-venv") < calls.index("pip install") < calls.index("uv sync --frozen")


def test_without_uv_and_a_new_enough_python_it_says_so(machine, root: Path) -> None:
    old = '#!/bin/sh\ncase "$1" in --version) echo Python 3.9.2 ;; *) exit 1 ;; esac\n'
    process, _ = machine(root, python3=old, id=user(1000))
    assert process.returncode == 1
    assert "Python 3.11 or later is needed; found Python 3.9.2" in process.stderr


def test_the_script_is_a_bash_script_without_syntax_errors(root: Path) -> None:
    subprocess.run(["bash", "-n", root / "envs" / "setup.sh"], check=True)
    assert os.access(root / ".ci" / "run", os.X_OK)
