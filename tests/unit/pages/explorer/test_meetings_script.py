"""Who is seen with whom, as the page counts it: against a count that looks at every two frames."""

import itertools
import json
import shutil
import subprocess
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = """
import { countFrames, countPairs, framesOf, framesWith, meetingsOf, withoutReplays } from %s;
let text = "";
for await (const part of process.stdin) text += part;
const told = JSON.parse(text).map((given) => {
  const { first, people, from, to, within, replays, pair } = given;
  const frame = framesOf(first, Uint32Array.from(given.frame_step));
  const every = { first, person: Uint16Array.from(given.person), frame, people };
  const faces = replays ? withoutReplays(every, replays) : every;
  const stretch = { from: Int32Array.from(from), to: Int32Array.from(to) };
  const columns = countPairs(faces, stretch, within);
  return {
    pairs: Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, [...values]])),
    meetings: meetingsOf(faces, stretch, ...pair),
    frames: [...countFrames(faces, stretch)],
    with: framesWith(faces, stretch, pair[0]),
  };
});
console.log(JSON.stringify(told));
"""


def case(seed: int) -> dict[str, Any]:
    """Faces of a few broadcasts in which people come and go, some twice in a frame; frames are missing."""
    rng = np.random.default_rng(seed)
    people, n = int(rng.integers(2, 9)), int(rng.integers(1, 5))
    rows = []
    for broadcast in range(n):
        often = rng.random(people) ** 2
        for frame in range(1, int(rng.integers(0, 40)) + 1):
            if rng.random() < 0.15:
                continue
            seen = [int(person) for person in np.flatnonzero(rng.random(people) < often)]
            seen += [person for person in seen if rng.random() < 0.1]
            rows += [(broadcast, frame, person) for person in sorted(seen)]
    first = [sum(row[0] < broadcast for row in rows) for broadcast in range(n + 1)]
    before = dict.fromkeys(range(n), 0)
    steps = []
    for broadcast, frame, _ in rows:
        steps.append(frame - before[broadcast])
        before[broadcast] = frame
    replays = None
    if seed % 3 == 0:
        begin = int(rng.integers(1, 20))
        replays = {"broadcast": [n - 1, n - 1], "first": [begin, begin + 2], "last": [begin + 4, begin + 9]}
    return {
        "rows": rows,
        "first": first,
        "person": [person for *_, person in rows],
        "frame_step": steps,
        "people": people,
        "from": [int(rng.integers(1, 6)) for _ in range(n)],
        "to": [int(rng.integers(-1, 45)) for _ in range(n)],
        "within": int(rng.integers(0, 4)),
        "replays": replays,
        "pair": sorted(int(each) for each in rng.choice(people, 2, replace=False)),
    }


def brute(given: dict[str, Any]) -> dict[str, Any]:
    """Count by looking at every two people and every frame."""
    seen = defaultdict(set)
    replays = given["replays"] or {"broadcast": [], "first": [], "last": []}
    for broadcast, frame, person in given["rows"]:
        again = any(
            broadcast == of and first <= frame <= last
            for of, first, last in zip(
                *(replays[name] for name in ("broadcast", "first", "last")), strict=True
            )
        )
        if not again:
            seen[broadcast, frame].add(person)
    spans = list(zip(given["from"], given["to"], strict=True))
    pairs: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    meetings = []
    for one, other in itertools.combinations(range(given["people"]), 2):
        met = set()
        for broadcast, (begin, end) in enumerate(spans):
            for frame in range(begin, end + 1):

                def at(back: int, of: int = broadcast, frame: int = frame) -> tuple[bool, bool]:
                    here = seen.get((of, frame - back), set())
                    return one in here, other in here  # noqa: B023

                (has_one, has_other), (had_one, had_other) = at(0), at(1)
                same, adjacent = has_one and has_other, (has_one and had_other) or (has_other and had_one)
                near = any(
                    (has_one and at(back)[1]) or (has_other and at(back)[0])
                    for back in range(given["within"] + 1)
                )
                pairs[one, other].update(
                    same_frame=same, adjacent=adjacent, within=bool(given["within"]) and near
                )
                if same or adjacent:
                    met.add(broadcast)
                    if [one, other] == given["pair"]:
                        meetings.append([broadcast, frame, same, adjacent])
        pairs[one, other]["broadcasts"] = len(met)
    shown = [
        (broadcast, frame)
        for broadcast, (begin, end) in enumerate(spans)
        for frame in range(begin, end + 1)
        if (broadcast, frame) in seen
    ]
    return {
        "pairs": {
            pair: {name: n for name, n in of.items() if n} for pair, of in pairs.items() if any(of.values())
        },
        "meetings": meetings,
        "frames": [sum(person in seen[key] for key in shown) for person in range(given["people"])],
        "with": [
            [frame for of, frame in shown if of == broadcast and given["pair"][0] in seen[of, frame]]
            for broadcast in range(len(spans))
        ],
    }


def test_the_page_counts_as_a_count_of_every_two_frames_does(root: Path) -> None:
    node = shutil.which("node")
    if node is None:
        message = "NOT TESTED WITH NODE: node is not on the PATH"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    cases = [case(seed) for seed in range(30)]
    module = json.dumps((root / "web" / "src" / "explorer" / "meetings.js").as_uri())
    given = json.dumps([{**each, "rows": None} for each in cases])
    command = [node, "--input-type=module", "--eval", SCRIPT % module]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    n_pairs = 0
    for seed, (each, told) in enumerate(zip(cases, json.loads(done.stdout), strict=True)):
        expected = brute(each)
        names = ("same_frame", "adjacent", "within", "broadcasts")
        columns = told["pairs"]
        found = {
            (source, target): {name: columns[name][n] for name in names if columns[name][n]}
            for n, (source, target) in enumerate(zip(columns["source"], columns["target"], strict=True))
        }
        found = {pair: of for pair, of in found.items() if of}
        assert found == expected["pairs"], seed
        assert [list(row.values()) for row in told["meetings"]] == expected["meetings"], seed
        assert told["frames"] == expected["frames"], seed
        assert told["with"] == expected["with"], seed
        n_pairs += len(found)
    assert n_pairs > 150
