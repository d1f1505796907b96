"""Made-up television: years of titles, and what may happen to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from castgraph.base import tables

FIRST = date(2012, 1, 2)  # a Monday


@dataclass
class Show:
    """A title, and whom and what it shows.

    Attributes
    ----------
    hosts
        From which episode on who presents it.
    weekend
        Who presents it on Saturdays and Sundays; empty where it is not on air then.
    n_reporters, n_guests
        How many take turns, and how many of them are in an episode at a time.
    """

    name: str
    station: str = "NTV"
    hour: int = 18
    hosts: tuple[tuple[int, tuple[str, ...]], ...] = ()
    weekend: tuple[str, ...] = ()
    n_reporters: int = 20
    n_guests: int = 3
    topics: float = 1.0
    every: int = 1
    kinds: tuple[str, ...] = ("person", "label", "word", "faces", "shot")
    seasons: tuple[int, ...] = ()
    holidays: tuple[tuple[int, int], ...] = ()

    def presented(self, n: int) -> tuple[str, ...]:
        hosts = self.hosts or ((0, (f"{self.name} host", f"{self.name} co-host")),)
        return next(who for first, who in reversed(hosts) if first <= n)


@dataclass
class Television:
    """Shows, and which broadcasts are not what their title says.

    Attributes
    ----------
    wrong
        Station and title and number of the episode → whose content it has instead; a name that is no show is
        something unknown.
    """

    shows: list[Show]
    n_days: int = 300
    seed: int = 0
    drift: float = 0.0
    wrong: dict[tuple[str, str, int], str] = field(default_factory=dict)

    def rows(self) -> Iterable[dict[str, object]]:
        rng = np.random.default_rng(self.seed)
        news = {day: rng.integers(0, 4000, 12) for day in range(self.n_days)}
        by_name = {show.name: show for show in self.shows}
        for show in self.shows:
            n = 0
            for day in range(0, self.n_days, show.every):
                when = FIRST + timedelta(days=day)
                if when.weekday() > 4 and not show.weekend and show.every == 1:
                    continue
                special = self.wrong.get((show.station, show.name, n), "")
                whose = by_name.get(special, show)
                if special and special not in by_name:
                    content = self._unknown(rng, special, show.kinds)
                elif (when.month, when.day) in show.holidays:
                    content = self._unknown(rng, f"{show.name} {when}", show.kinds)
                else:
                    content = self._episode(rng, whose, n, day, when, news[day])
                start = datetime(when.year, when.month, when.day, show.hour, tzinfo=UTC)
                spelled = show.name.replace(" ", "_")
                broadcast = f"{show.station}_{start:%Y%m%d_%H%M%S}_{spelled}"
                for (kind, entity), count in content.items():
                    if kind in show.kinds and count > 0:
                        yield {
                            "broadcast": broadcast,
                            "station": show.station,
                            "show": show.name,
                            "start": start,
                            "day": None,
                            "kind": kind,
                            "entity": entity,
                            "count": float(count),
                        }
                n += 1

    def table(self) -> pa.Table:
        return pa.Table.from_pylist(list(self.rows()), tables.ENTITIES)

    def _episode(
        self, rng: np.random.Generator, show: Show, n: int, day: int, when: date, news: np.ndarray
    ) -> dict[tuple[str, str], float]:
        found: dict[tuple[str, str], float] = {}
        hosts = show.weekend if when.weekday() > 4 and show.weekend else show.presented(n)
        season = sum(n >= first for first in show.seasons)
        away = rng.integers(0, len(hosts)) if len(hosts) > 1 and rng.random() < 0.06 else -1
        for place, host in enumerate(hosts):
            if place != away:
                found["person", host] = rng.gamma(6, 40 / (1 + place))
        moved = int(self.drift * day / 20)
        for each in rng.integers(0, show.n_reporters, 3).tolist():
            found["person", f"{show.name} reporter {each + moved}"] = rng.gamma(2, 15)
        for each in rng.integers(0, 5000, show.n_guests).tolist():
            found["person", f"guest {each}"] = rng.gamma(2, 30)
        if show.topics and rng.random() < 0.5 * show.topics:
            found["person", f"in the news {news[0] % 40}"] = rng.gamma(2, 15)
        own = np.random.default_rng(hash_of(show.name, season))
        usual = self._drifting(show.name, season, day, own, 40)
        for each in usual[rng.random(40) < 0.8].tolist():
            found["label", str(each % 1000)] = rng.gamma(2, 20)
        for each in rng.integers(0, 1000, 15).tolist():
            found["label", str(each)] = rng.gamma(1, 8)
        usual = self._drifting(show.name, season, day, own, 60)
        said = (*usual[rng.random(60) < 0.5].tolist(), *news.tolist(), *rng.integers(0, 4000, 60).tolist())
        for each in said:
            found["word", str(each)] = found.get(("word", str(each)), 0) + rng.geometric(0.4)
        mix = own.dirichlet([3, 6, 3, 1, 1])
        for faces, share in enumerate(rng.dirichlet(mix * 30).tolist()):
            found["faces", str(faces)] = 1800 * share
        mix = own.dirichlet([6, 4, 2, 1])
        for shot, share in enumerate(rng.dirichlet(mix * 30).tolist()):
            found["shot", str(shot)] = np.ceil(300 * share)
        return found

    def _drifting(self, name: str, season: int, day: int, own: np.random.Generator, n: int) -> np.ndarray:
        """Give what is usual on a day: one after the other is replaced, on `drift` 1 each within 100 days."""
        turn = ((self.drift * day + own.integers(0, 100, n)) // 100).astype(int).tolist()
        return np.array([hash_of(name, season, place, each) % 4000 for place, each in enumerate(turn)])

    def _unknown(
        self, rng: np.random.Generator, name: str, kinds: tuple[str, ...]
    ) -> dict[tuple[str, str], float]:
        show = Show(name, kinds=kinds, topics=0)
        return self._episode(rng, show, 0, 0, date(2012, 1, 2), rng.integers(0, 4000, 12))


def hash_of(*parts: object) -> int:
    """Give a number of some parts that is the same every time."""
    number = 0
    for sign in repr(parts):
        number = (number * 1_000_003 + ord(sign)) % 2**61
    return number
