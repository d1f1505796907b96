"""The model files and the cache of converted networks."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from typer.testing import CliRunner

from castgraph.base import models as base_models
from castgraph.base.models import ModelError, cache_folder
from castgraph.cli import app
from castgraph.faces.models import (
    CNN_DETECTOR,
    EMBEDDER,
    FILES,
    model_path,
    onnx_path,
    session,
)

N_PARTS = sum(len(file.parts) for file in FILES.values())
INSTALLED = {name: model_path(name) for name in FILES}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("CASTGRAPH_CACHE", str(folder))
    return folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed package whose files may be spoilt."""
    folder = tmp_path / "package"
    for file in FILES.values():
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
    spec = SimpleNamespace(submodule_search_locations=[str(folder)])
    monkeypatch.setattr(base_models, "find_spec", lambda name: spec)
    return folder


def works(path: Path) -> bool:
    loaded = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    [scores] = loaded.run(None, {"tensor": np.zeros((1, 3, 40, 50), np.float32)})
    return scores.shape == (1, 32, 2, 3)


@pytest.mark.parametrize("name", FILES)
def test_the_installed_model_files_are_the_known_ones(name: str) -> None:
    path = model_path(name)
    assert path.name == name
    assert hashlib.sha256(path.read_bytes()).hexdigest() == FILES[name].checksum


def test_the_landmarks_that_may_not_be_used_commercially_are_not_known() -> None:
    assert not [name for name in FILES if "68" in name]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_package_or_file_is_named_with_the_remedy(
    package: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    remedy = f"uv sync --reinstall-package .*--no-deps {FILES[name].requirement}"
    with pytest.raises(ModelError, match=f"{name} not found in .*package.*{remedy}"):
        model_path(name)
    monkeypatch.setattr(base_models, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=f"{name} not found in any installed package.*{remedy}"):
        model_path(name)


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: b"x" + data[1:], lambda data: b""])
@pytest.mark.parametrize("name", FILES)
def test_an_altered_file_is_named_with_the_remedy(
    package: Path, cache: Path, spoil: Callable[[bytes], bytes], name: str
) -> None:
    path = package / FILES[name].path
    path.write_bytes(spoil(INSTALLED[name].read_bytes()))
    for ask in (lambda: model_path(name), *(partial(onnx_path, name, part) for part in FILES[name].parts)):
        with pytest.raises(ModelError, match=r"altered or cut off.*SHA-256.*uv sync") as caught:
            ask()
        assert str(path) in str(caught.value)
    assert not list(cache.glob("*.onnx"))


def test_the_cache_is_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("CASTGRAPH_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path("/home/someone/.cache/castgraph")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert cache_folder() == Path("/cache/castgraph")
    monkeypatch.setenv("CASTGRAPH_CACHE", "~/own")
    assert cache_folder() == Path("/home/someone/own")


def test_a_network_is_converted_once(cache: Path) -> None:
    path = onnx_path(CNN_DETECTOR, "stem")
    assert path.parent == cache
    assert FILES[CNN_DETECTOR].checksum[:16] in path.name
    assert works(path)
    before = path.stat()
    for leftover in cache.glob("*.lock"):
        leftover.unlink()
    assert onnx_path(CNN_DETECTOR, "stem") == path
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not list(cache.glob("*.lock"))  # what is in the cache is used without writing anything


@pytest.mark.parametrize("spoilt", ["model", "checksum", "no checksum", "no model"])
def test_a_damaged_file_of_the_cache_is_made_again(cache: Path, spoilt: str) -> None:
    path = onnx_path(CNN_DETECTOR, "stem")
    whole = path.read_bytes()
    checksum = path.with_name(path.name + ".sha256")
    match spoilt:
        case "model":
            path.write_bytes(whole[: len(whole) // 2])
        case "checksum":
            checksum.write_bytes(b"\xff\x00")
        case "no checksum":
            checksum.unlink()
        case "no model":
            path.unlink()
    assert onnx_path(CNN_DETECTOR, "stem") == path
    assert path.read_bytes() == whole
    assert works(path)


def test_a_new_version_of_the_converter_makes_a_new_file(cache: Path, monkeypatch) -> None:
    old = onnx_path(CNN_DETECTOR, "stem")
    newer = FILES[CNN_DETECTOR]._replace(version=FILES[CNN_DETECTOR].version + 1)
    monkeypatch.setitem(FILES, CNN_DETECTOR, newer)
    new = onnx_path(CNN_DETECTOR, "stem")
    assert new != old
    assert old.exists()


@pytest.mark.slow
def test_many_processes_at_once_convert_once(cache: Path) -> None:
    code = (
        "from castgraph.faces.models import EMBEDDER, onnx_path, session\n"
        "print(onnx_path(EMBEDDER, 'whole').stat().st_ino)\n"
        "session(EMBEDDER)\n"
    )
    environment = os.environ | {"CASTGRAPH_CACHE": str(cache)}
    jobs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(6)
    ]
    # Whoever converts puts a new file in place, so one file means one conversion.
    files = {job.communicate(timeout=120)[0].strip() for job in jobs}
    assert [job.returncode for job in jobs] == [0] * len(jobs)
    assert files == {str(onnx_path(EMBEDDER, "whole").stat().st_ino)}
    assert not list(cache.glob("*.part"))


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CASTGRAPH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ModelError, match="CASTGRAPH_CACHE") as caught:
        session(CNN_DETECTOR, part="head")
    assert str(tmp_path / "file" / "cache") in str(caught.value)


def test_providers_that_are_not_there_are_an_error(cache: Path) -> None:
    with pytest.raises(ValueError, match=r"compute\.providers: .*'Magic'.*CPUExecutionProvider"):
        session(EMBEDDER, ["CPUExecutionProvider", "Magic"])
    with pytest.raises(ValueError, match=r"compute\.providers: none"):
        session(EMBEDDER, [])
    assert not cache.exists()


def test_sessions_keep_to_one_thread_and_say_nothing(cache: Path, capfd) -> None:
    options = session(CNN_DETECTOR, part="head").get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert capfd.readouterr() == ("", "")


def test_prepare_tells_what_it_did(cache: Path) -> None:
    first, second = base_models.prepare(FILES.values()), base_models.prepare(FILES.values())
    assert [file.path for file in first] == [file.path for file in second]
    assert sorted(file.state for file in first) == sorted(
        ["as published"] * len(FILES) + ["converted now"] * N_PARTS
    )
    assert [file.state for file in second].count("in the cache") == N_PARTS
    for file in second:
        assert hashlib.sha256(file.path.read_bytes()).hexdigest() == file.checksum


def test_the_command_lists_the_files(cache: Path) -> None:
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == len(FILES) + N_PARTS + 2  # and that of frames, with what is made of it
    for name, file in FILES.items():
        [line] = [line for line in lines if line.endswith(f"/{name}")]
        assert file.checksum[:16] in line
    assert f"converted now  {hashlib.sha256(onnx_path(EMBEDDER, 'whole').read_bytes()).hexdigest()[:16]}" in (
        result.stdout
    )


def test_the_command_tells_what_is_wrong(package: Path) -> None:
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: model file ")
    assert "Traceback" not in result.output
