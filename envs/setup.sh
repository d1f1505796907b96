#!/usr/bin/env bash
# Install what castgraph needs and the machine lacks: uv, the locked environment, ImageMagick's library.
# Needs Python 3.11 or later, git and make. System packages are installed through apt as root or with sudo;
# elsewhere the exact command is named.
set -euo pipefail
cd "$(dirname "$0")/.."

UV_VERSION=0.13.8
UV_HOME="${XDG_DATA_HOME:-$HOME/.local/share}/castgraph/uv"
BIN="$HOME/.local/bin"

say() { printf 'castgraph: %s\n' "$*"; }
die() { printf 'castgraph: %s\n' "$@" >&2; exit 1; }

# install_packages WHAT APT_PACKAGE DNF_PACKAGE BREW_PACKAGE
install_packages() {
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then sudo=(sudo -n); fi
  if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
    say "installing $1 ($2)"
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
  else
    die "$1 is missing. Install it and run this command again:" \
      "  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install -y $2" \
      "  Fedora, RHEL:    sudo dnf install -y $3" \
      "  macOS:           brew install $4"
  fi
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
    install_packages "Python's venv" python3-venv python3-pip python
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

uv sync --frozen --quiet

if ! uv run --frozen python -c 'import wand.image' 2>/dev/null; then
  install_packages "ImageMagick's library" imagemagick ImageMagick-libs imagemagick
  uv run --frozen python -c 'import wand.image' 2>/dev/null ||
    die "ImageMagick's library was installed but is not found; see https://docs.wand-py.org/en/stable/guide/install.html"
fi
