"""A run that is killed at random moments, with a failing archive, gives the undisturbed results."""

from pathlib import Path

from tests.workflow.soak import soak


def test_killed_again_and_again_with_a_failing_archive(tmp_path: Path) -> None:
    said: list[str] = []
    soak(tmp_path, n_broadcasts=8, n_frames=4, most_kills=2, longest=12, seed=5, say=said.append)
    assert "killed 2 times" in " ".join(said)
