"""The log file of a job."""

import logging
import warnings
from pathlib import Path

import pytest

from castgraph.base.joblog import failure, joblog


@pytest.fixture(autouse=True)
def restored_logging():
    """The log of a job takes over the logging of its process; give it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers, root.level = handlers, level


def test_what_is_logged_and_warned_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "job.log"
    with joblog(str(path)):
        logging.getLogger("castgraph.test").info("of %d frames", 7)
        warnings.warn("careful", stacklevel=1)
    assert "of 7 frames" in path.read_text()
    assert "careful" in path.read_text()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("no such\nthing"), "no such thing"),
        (OSError(28, "No space left on device", "results/x"), "results/x: No space left on device"),
        (OSError("a broken file"), "a broken file"),
        (KeyError("eps"), "KeyError: 'eps'"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_a_failure_is_a_sentence_and_the_whole_story_is_in_the_file(
    tmp_path: Path, error: Exception, sentence: str
) -> None:
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit) as ended, joblog(str(path)):
        raise error
    assert ended.value.code == 1  # nothing is printed: who runs the job tells
    assert "Traceback" in path.read_text()
    assert failure(path) == sentence


def test_a_job_that_ended_well_or_left_no_log_did_not_fail(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    assert failure(path) == ""
    with joblog(str(path)):
        logging.error("failed is a word")
    assert failure(path) == ""
