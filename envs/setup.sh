#!/usr/bin/env bash
# Install what castgraph needs and the machine lacks: uv, a C++ compiler, the locked environment. Needs Python
# 3.11 or later, git and make. System packages are installed through apt as root or with sudo; elsewhere the
# exact command is named. Without a compiler castgraph works, more slowly.
set -euo pipefail
cd "$(dirname "$0")/.."

UV_VERSION=0.13.8
UV_HOME="${XDG_DATA_HOME:-$HOME/.local/share}/castgraph/uv"
BIN="$HOME/.local/bin"

say() { printf 'castgraph: %s\n' "$*"; }
die() { printf 'castgraph: %s\n' "$@" >&2; exit 1; }

# through_apt WHAT APT_PACKAGE...; fails where apt cannot be used
through_apt() {
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then sudo=(sudo -n); fi
  command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; } || return
  say "installing $1 (${*:2})"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:2}" >/dev/null
}

has_kernel() { uv run --frozen python -c 'import castgraph.faces._kernel' 2>/dev/null; }

can_build() {
  { command -v c++ || command -v g++ || command -v clang++; } >/dev/null &&
    uv run --frozen python -c 'import pathlib, sysconfig
raise SystemExit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())'
}

find_python() {
  local python
  for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$python"
      return
    fi
  done
  die "Python 3.11 or later is needed; found $(python3 --version 2>&1 || echo none)." \
    "  Debian, Ubuntu:  sudo apt-get install -y python3" \
    "  Fedora, RHEL:    sudo dnf install -y python3" \
    "  macOS:           brew install python"
}

export PATH="$BIN:$PATH"

if ! command -v uv >/dev/null; then
  PYTHON=$(find_python)
  if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    through_apt "Python's venv" python3-venv ||
      die "Python's venv is missing. Install it and run this command again:" \
        "  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install -y python3-venv" \
        "  Fedora, RHEL:    sudo dnf install -y python3-pip" \
        "  macOS:           brew install python"
  fi
  say "installing uv $UV_VERSION into $UV_HOME"
  "$PYTHON" -m venv "$UV_HOME"
  "$UV_HOME/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
  mkdir -p "$BIN"
  ln -sf "$UV_HOME/bin/uv" "$BIN/uv"
  # Root's default path lacks ~/.local/bin.
  if [ "$(id -u)" -eq 0 ]; then ln -sf "$UV_HOME/bin/uv" /usr/local/bin/uv; fi
  say "uv is in $BIN; where your shell does not find it: export PATH=\"$BIN:\$PATH\""
fi

# Compiled now, whatever the environment says of it: else each job of a run may have to compile all that it imports.
# The plugin for Slurm only where Slurm is: every job would import it.
EXTRA=$(if command -v sbatch >/dev/null; then echo "--extra slurm"; fi)
# shellcheck disable=SC2086  # none, or two words
uv sync --frozen --quiet --compile-bytecode $EXTRA
if ! has_kernel; then
  can_build || through_apt "a C++ compiler" g++ python3-dev || true
  if can_build; then uv sync --frozen --quiet --compile-bytecode $EXTRA --reinstall-package castgraph; fi
  has_kernel ||
    say "without a C++ compiler and Python's headers faces are found several times more slowly; to change that," \
      "install them (Debian, Ubuntu: sudo apt-get install -y g++ python3-dev; Fedora, RHEL: sudo dnf install -y" \
      "gcc-c++ python3-devel; macOS: xcode-select --install) and run this command again"
fi
