"""A Slurm for the tests, and the runs that they compare with."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from tests.cluster.slurm import Slurm, UnavailableError, slurm
from tests.workflow.conftest import demo_run, new_run, small_archive, small_config, small_run

__all__ = ["demo_run", "new_run", "small_archive", "small_config", "small_run"]


@pytest.fixture(scope="module")  # what it sets in the environment is not for the tests that follow
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A Slurm of one node, whose commands are on the PATH while it is up.

    Where it cannot be had the tests are skipped, and say so.
    """
    started = False
    try:
        with slurm(tmp_path_factory.mktemp("slurm")) as running, pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", running.environment["PATH"])
            # The submitting host has its own idea of a temporary folder.
            patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("submit")))
            started = True
            yield running
    except UnavailableError as error:
        if started:
            raise
        message = f"NOT TESTED ON SLURM: {error}"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
