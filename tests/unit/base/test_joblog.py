"""The log file of a job."""

import logging
import warnings
from pathlib import Path

import pytest

from castgraph.base.joblog import joblog


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


def test_a_failure_is_told_in_one_line_and_the_whole_story_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit, match=r"^error: no such thing \(see .*job\.log\)$"), joblog(str(path)):
        raise ValueError("no such thing")
    assert "Traceback" in path.read_text()
    assert "no such thing" in path.read_text()
