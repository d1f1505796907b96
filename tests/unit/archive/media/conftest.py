"""What the tests of recordings share."""

from functools import partial

import pytest
from tests import films


@pytest.fixture
def film(tmp_path):
    """Make a video of pictures, each shown from a second on; see `tests.films.film`."""
    return lambda pictures, name="film.mp4", **options: films.film(tmp_path / name, pictures, **options)


@pytest.fixture
def status(tmp_path):
    """Give what becomes of a broadcast that comes from a video; see `tests.films.status`."""
    return partial(films.status, tmp_path)
