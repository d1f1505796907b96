"""Settings: pictures of one palette, by whatever camera, however many there are."""

import io

import numpy as np
import pytest
from PIL import Image

from castgraph.archive.media.jpeg import PictureError
from castgraph.visual.settings import NUMBERS, palettes, settings

SIZE = 160, 90
PLACES = {
    "studio": [(20, 30, 90), (40, 60, 140), (110, 190, 240), (25, 25, 50)],
    "kitchen": [(240, 210, 170), (220, 180, 130), (130, 90, 60), (250, 245, 230)],
    "street": [(150, 160, 165), (110, 115, 110), (190, 200, 215), (60, 90, 60)],
}
CLOTHES = [(200, 40, 40), (240, 240, 240), (30, 90, 60), (90, 30, 110), (230, 200, 60)]


def view(place: str, seed: int, people: int = 1) -> bytes:
    """A view of a place: its colours in other parts of the picture, and people in clothes of any colour."""
    rng = np.random.default_rng(seed)
    picture = np.empty((SIZE[1], SIZE[0], 3))
    colours = np.array(PLACES[place], float)
    edges = np.arange(8, 160, 8) + rng.integers(-3, 4, 19)
    for k, part in enumerate(np.split(np.arange(SIZE[0]), edges)):
        picture[:, part] = colours[(k + seed) % 4]
    for k in range(people):
        left = int(rng.integers(0, 120)) if people == 1 else 10 + 140 * k // people
        wide = 40 // people + 6
        picture[45:, left : left + wide] = CLOTHES[int(rng.integers(len(CLOTHES)))]
        picture[20:45, left + wide // 4 : left + 3 * wide // 4] = (200, 150, 120)
    picture += rng.normal(0, 4, picture.shape)
    buffer = io.BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def views(each: int = 12) -> tuple[np.ndarray, np.ndarray]:
    pictures = [view(place, seed, 1 + seed % 3) for place in PLACES for seed in range(each)]
    return palettes(pictures), np.repeat(list(PLACES), each)


def as_told(found: np.ndarray, truth: np.ndarray) -> dict[str, set[int]]:
    return {place: set(found[truth == place].tolist()) for place in PLACES}


def test_the_views_of_a_place_are_one_setting() -> None:
    colours, truth = views()
    found = as_told(settings(colours, np.ones(len(colours), int)), truth)
    assert all(len(each) == 1 for each in found.values())
    assert len(set.union(*found.values())) == len(PLACES)
    assert -1 not in set.union(*found.values())


def test_a_palette_is_of_unit_length_and_does_not_know_left_from_right() -> None:
    data = view("studio", 3)
    with Image.open(io.BytesIO(data)) as image:
        mirrored = io.BytesIO()
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored, "JPEG", quality=95)
    one, other = palettes([data, mirrored.getvalue()]).astype(float)
    assert len(one) == NUMBERS
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-6)
    assert one @ other > 0.99
    assert one @ palettes([view("kitchen", 3)])[0] < 0.6


def test_how_often_something_is_seen_does_not_make_it_another_setting() -> None:
    """A year is an evening many times over; what is one setting in one is so in the other."""
    colours, truth = views()
    often = np.concatenate([colours, *[colours[:12]] * 20, *[colours[12:15]] * 9])
    found = settings(often, np.ones(len(often), int))[: len(colours)]
    once = settings(colours, np.ones(len(colours), int))
    assert as_told(found, truth).keys() == as_told(once, truth).keys()
    assert len(set(zip(found.tolist(), once.tolist(), strict=True))) == len(PLACES)


def test_of_many_pictures_some_are_compared_and_the_others_join() -> None:
    colours, truth = views(40)
    lone = np.zeros((1, NUMBERS), np.float32)
    lone[0, 5] = 1
    n_frames = np.ones(len(colours) + 1, int)
    found = settings(np.concatenate([colours, lone]), n_frames, most=30, most_looks=20)
    told = as_told(found[:-1], truth)
    assert all(len(each - {-1}) == 1 for each in told.values())
    assert (found[:-1] >= 0).mean() > 0.95
    assert found[-1] == -1
    again = settings(np.concatenate([colours, lone]), n_frames, most=30, most_looks=20)
    assert again.tolist() == found.tolist()


def test_what_has_no_picture_has_no_setting() -> None:
    assert settings(palettes([None, None]), np.ones(2, int)).tolist() == [-1, -1]
    assert settings(palettes([]), np.ones(0, int)).tolist() == []
    found = settings(palettes([None, view("studio", 0), None, view("studio", 0)]), np.ones(4, int))
    assert found.tolist() == [-1, 0, -1, 0]


def test_pictures_that_are_all_one_are_one_setting() -> None:
    assert settings(palettes([view("street", 1)] * 50), np.ones(50, int)).tolist() == [0] * 50


def test_a_thumbnail_that_is_broken_is_told() -> None:
    with pytest.raises(PictureError, match="broken thumbnail"):
        palettes([view("studio", 0)[:200]])
