"""A run that is killed at random moments, with a failing archive, gives the undisturbed results."""

from pathlib import Path

from tests.workflow.soak import soak


def test_killed_again_and_again_with_a_failing_archive(tmp_path: Path) -> None:
    said: list[str] = []
    few = {"n_broadcasts": 6, "n_frames": 2, "every": 6, "most_kills": 2}
    # As far as the merge: what comes after it is killed in test_kill.py.
    targets = ["results/soak/merged.json"]
    soak(tmp_path, **few, seconds=(1, 3), seed=5, say=said.append, targets=targets)
    assert "killed 2 times" in " ".join(said)
