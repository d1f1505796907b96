"""A Slurm for the tests, and the runs that they compare with."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.cluster.slurm import Slurm, UnavailableError, install_plugin, slurm
from tests.workflow.conftest import made_once, new_run, small_archive, small_config, small_run

__all__ = ["new_run", "small_archive", "small_config", "small_run"]


@contextmanager
def skipping() -> Iterator[None]:
    """Skip where Slurm or its plugin cannot be had, and say so."""
    try:
        yield
    except UnavailableError as error:
        message = f"NOT TESTED ON SLURM: {error}"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)


@pytest.fixture(scope="module")  # what it sets in the environment is not for the tests that follow
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Snakemake's plugin for Slurm, which each start of Snakemake imports where it finds it."""
    with skipping():
        folder = made_once(tmp_path_factory, "slurm-plugin", install_plugin)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        yield


@pytest.fixture(scope="module")
def cluster(plugin: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A Slurm of one node, whose commands are on the PATH while it is up."""
    with ExitStack() as stack:
        with skipping():
            running = stack.enter_context(slurm(tmp_path_factory.mktemp("slurm")))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("PATH", running.environment["PATH"])
        # The submitting host has its own idea of a temporary folder.
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("submit")))
        yield running
