"""What the benchmarks make of their measurements; how long anything takes is not tested."""

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import numpy as np
import pyarrow.parquet as pq
import pytest

from castgraph.archive import BROADCAST_PATTERN
from castgraph.base import tables
from castgraph.faces.align import squared
from castgraph.faces.engine import Detection

CLUSTER_KEYS = {
    *("cpu_s_774615", "peak_mb_774615", "cpu_ratio_100k", "memory_ratio_100k", "sweep8_over_one"),
    *("fallback_cpu_ratio_100k", "grow_2265_s", "labels_equal"),
}
KEYS = {
    *("hog_speedup", "hog_ms", "cnn0_ms", "cnn1_ms", "embed_ms", "cnn0_over_reference_hog"),
    *("hog_box_agreement", "embedding_max_abs_diff", "year_minutes_64_cores"),
}
BOX = [10, 20, 59, 79]  # dlib's: 50×60 pixels


@pytest.fixture(scope="module")
def encode(root: Path) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        return import_module("encode")


@pytest.fixture(scope="module")
def quality(encode: ModuleType) -> ModuleType:
    return import_module("encode_quality")


def measurement(total: float, *, frames: int = 10, faces: int = 20) -> dict[str, float]:
    parts = {"detect": 0.5 * total, "align": 0.1 * total, "embed": 0.2 * total}
    return {"frames": frames, "faces": faces, "total": total, "wall": total, "peak_mb": 300, **parts}


@pytest.fixture
def figures(encode: ModuleType) -> dict[str, float]:
    slower = {"reference_hog1": 4.0, "fast_hog1": 1.0, "fast_cnn0": 2.0, "fast_cnn1": 8.0}
    measured = {key: [measurement(factor * total) for total in (1, 2, 3)] for key, factor in slower.items()}
    found: dict[str, float] = {}
    for size in encode.ROUND:
        found |= encode.speed_figures(measured, size)
    return found


def test_a_measured_square_is_the_box_that_was_measured(root: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        boxes = import_module("boxes")
    ours, theirs = Detection(100, 50, 179, 149, 0.9), Detection(90, 60, 171, 141, 1.5)
    square = boxes.square_of(ours, theirs)
    assert square.least_height == 1.25
    assert squared(ours, square)[:4] == theirs[:4]
    far = Detection(400, 50, 479, 149, 0.8)
    assert boxes.pairs([far, ours], [theirs]) == [(1, 0)]
    assert boxes.pairs([ours], []) == []


def test_figures_of_speed(encode: ModuleType, figures: dict[str, float]) -> None:
    made = encode.headline(figures)
    assert made["hog_speedup"] == pytest.approx(4)
    assert made["cnn0_over_reference_hog"] == pytest.approx(0.5)
    assert (made["hog_ms"], made["cnn0_ms"], made["cnn1_ms"]) == pytest.approx((100, 200, 800))
    assert made["embed_ms"] == pytest.approx(20)
    # A frame costs 2 s less 0.6 s for 20 faces, in tens of frames.
    expected = (757_559 * 0.14 + 774_615 * 0.03) / 64 / 60
    assert made["year_minutes_64_cores"] == pytest.approx(expected)
    assert made["year_hours_2_cores"] == pytest.approx(expected * 32 / 60)


def test_the_promised_figures_are_there(encode: ModuleType, figures: dict[str, float]) -> None:
    agreeing = encode.box_agreement([[[*BOX, 1.0]]], [[[*BOX, 1.0]]]) | {"embedding_max_abs_diff": 0.0}
    assert set(encode.headline(figures) | agreeing) >= KEYS


def test_figures_without_a_face(encode: ModuleType) -> None:
    measured = {key: [measurement(1, faces=0)] for key in encode.CONTENDERS}
    figures: dict[str, float] = {}
    for size in encode.ROUND:
        figures |= encode.speed_figures(measured, size)
    made = encode.headline(figures)
    assert made["embed_ms"] is None
    assert made["year_minutes_64_cores"] is None
    assert made["hog_speedup"] == 1


def test_rounds_take_other_frames_and_none_twice(encode: ModuleType) -> None:
    files = [f"{n}.jpg" for n in range(200)]
    rounds = encode.rounds_of(files, encode.OWN, 2)
    assert [len(names) for names in rounds] == [12, 12, 33]
    assert len({file for names in rounds for file in names}) == 57
    assert [len(names) for names in encode.rounds_of(files, encode.LARGE, 1)] == [4, 19]
    few = encode.rounds_of(files[:5], encode.OWN, 2)
    assert [sorted(names) for names in few] == [files[:5]] * 3


def test_box_agreement(encode: ModuleType) -> None:
    shifted = [BOX[0] + 1, *BOX[1:]]
    reference = [[[*BOX, 1.0], [100, 100, 150, 150, 0.5]], []]
    fast = [[[*BOX, 1.25], [100, 100, 150, 150, 0.5]], [[*shifted, 0.1]]]
    made = encode.box_agreement(reference, fast)
    assert made["hog_box_agreement"] == pytest.approx(2 / 3)  # a box that only one has counts
    assert made["hog_score_max_abs_diff"] == 0.25
    assert encode.box_agreement([[]], [[]])["hog_box_agreement"] is None


def test_boxes_are_paired_one_to_one(quality: ModuleType) -> None:
    true = np.array([[0, 0, 100, 100], [90, 0, 190, 100], [400, 0, 500, 100]], float)
    # The first lies over both true boxes; only then is there one for each.
    found = np.array([[30, 0, 130, 100], [0, 0, 100, 100], [600, 0, 700, 100]], float)
    is_face, is_found = quality.matched(found, true)
    assert is_face.tolist() == [True, True, False]
    assert is_found.tolist() == [True, True, False]
    nothing = quality.matched(np.empty((0, 4)), true)
    assert (nothing[0].size, nothing[1].tolist()) == (0, [False] * 3)


def test_recall_and_false_boxes_by_size(quality: ModuleType, tmp_path: Path) -> None:
    table = tmp_path / "ground_truth.csv"
    table.write_text(
        "broadcast,frame,person,x,y,w,h\n"
        "A,1,P1,10,20,50,60\n"
        "A,1,other,200,20,120,130\n"
        "A,2,,,,,\n"
        "A,3,P1,,,,\n"
        "A,3,other,,,,\n"
    )
    truth = quality.read_truth(table)
    detections = {
        ("A", 1): [[*BOX, 1.0]],
        ("A", 2): [[0, 0, 79, 79, 0.2]],
        ("A", 3): [[*BOX, 1.0], [0, 0, 300, 300, 0.1]],  # nobody knows whether these are faces
    }
    smaller = {
        place: [[side // 2 for side in box[:4]] + [1.0] for box in boxes]
        for place, boxes in detections.items()
    }
    made = quality.quality_figures({"hog1": {1: detections, 0.5: smaller}}, truth)
    assert (made["n_faces"], made["recall_hog1"], made["false_hog1"]) == (2, 0.5, 1)
    assert (made["n_faces_unlocated"], made["n_boxes_unlocated_hog1"]) == (2, 2)
    assert [made[f"n_faces_{size}_px"] for size in ("0_40", "40_60", "60_80", "100_140")] == [1, 1, 1, 1]
    assert [made[f"recall_hog1_{size}_px"] for size in ("0_40", "40_60", "60_80")] == [1, 1, 0]
    assert made["recall_hog1_80_100_px"] is None
    assert (made["false_hog1_80_100_px"], made["false_hog1_40_60_px"]) == (1, 1)


def test_truth_of_the_demo(quality: ModuleType, demo: Path) -> None:
    truth = quality.read_truth(demo / "ground_truth.csv")
    assert sum(len(boxes) for boxes in truth.boxes.values()) == 580
    assert truth.boxes["DEMO1_20240102_190000_Evening_Review", 3].tolist() == [[224, 105, 336, 230]]
    assert not truth.unlocated


def test_truth_without_a_column(quality: ModuleType, tmp_path: Path) -> None:
    table = tmp_path / "ground_truth.csv"
    table.write_text("broadcast,person\nA,P1\n")
    with pytest.raises(ValueError, match=r"ground_truth.csv has no column frame; it has \['broadcast'"):
        quality.read_truth(table)


@pytest.mark.slow
def test_a_contender_encodes_frames(encode: ModuleType, demo: Path, tmp_path: Path) -> None:
    (tmp_path / "sample").mkdir()
    source = demo / "DEMO1_20240102_190000_Evening_Review.zip"
    with ZipFile(source) as whole, ZipFile(tmp_path / "sample" / source.name, "w") as part:
        for name in sorted(whole.namelist())[2:4]:
            part.writestr(name, whole.read(name))
    sample = encode.unpack(tmp_path / "sample", tmp_path / "frames")
    assert len(sample.files) == len(sample.unique) == 2
    contenders = {key: encode.CONTENDERS[key] for key in ("reference_hog1", "fast_hog1")}
    with encode.workers(contenders, ["CPUExecutionProvider"]) as running:
        measured = encode.race(running, sample, encode.OWN, 1)
        boxes = running["fast_hog1"]("detect", folder=str(sample.folder), files=list(sample.files.values()))
        made = encode.agreement(running["reference_hog1"], running["fast_hog1"], sample, boxes)
    assert [len(rounds) for rounds in measured.values()] == [2, 2]
    assert {(one["frames"], one["faces"]) for rounds in measured.values() for one in rounds} == {(2, 2)}
    assert all(one["peak_mb"] > 50 for rounds in measured.values() for one in rounds)
    assert made["hog_box_agreement"] == 1
    assert made["n_fast_faces"] == 2
    assert made["embedding_max_abs_diff"] < 1e-4


def test_no_sample(encode: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no ZIP of a broadcast"):
        encode.unpack(tmp_path, tmp_path / "frames")


def test_no_dlib_from_source(encode: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no Python with dlib"):
        encode.source_contender(tmp_path / "python")


@pytest.fixture(scope="module")
def cluster(encode: ModuleType, root: Path) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        return import_module("cluster")


def test_the_clustering_is_compared_with_scikit_learn_up_to_100_000_faces(cluster: ModuleType) -> None:
    planned = {
        size: cluster.plan(size, cluster.SIZES, ["best", "second", "numpy"], 2, slow=False)
        for size in cluster.SIZES
    }
    for size, found in planned.items():
        contenders = {job.contender for job in found}
        assert ("scikit-learn" in contenders) == (size <= 100_000)
        assert ("numpy" in contenders) == (size <= 100_000)
    assert {job.new for job in planned[774_615]} == {0, 2_265}
    assert {len(job.eps) for job in planned[774_615]} == {1, 8}


def test_the_promised_figures_of_the_clustering_are_there(cluster: ModuleType) -> None:
    def result(cpu_s: float) -> object:
        measured = {
            "cpu_s": cpu_s,
            "wall_s": cpu_s,
            "peak_mb": 10 * cpu_s,
            "added_mb": cpu_s,
            "predicted_mb": 1,
        }
        return cluster.Result([measured], equal=True)

    job = cluster.Job
    compared = {job("best"): result(1), job("numpy"): result(5), job("scikit-learn"): result(40)}
    year = {
        job("best"): result(50),
        job("best", cluster.SWEEP): result(90),
        job("best", cluster.SWEEP[-1:]): result(60),
        job("best", new=2_265): result(4),
    }
    figures = cluster.figures_of({100_000: compared, 774_615: year}, "best", 2)
    assert set(figures) >= CLUSTER_KEYS
    assert (figures["cpu_ratio_100k"], figures["memory_ratio_100k"]) == (40, 40)
    assert (figures["fallback_cpu_ratio_100k"], figures["sweep8_over_one"]) == (8, 1.5)
    assert (figures["cpu_s_774615"], figures["peak_mb_774615"], figures["grow_2265_s"]) == (50, 500, 4)
    assert figures["labels_equal"] is True


@pytest.mark.parametrize(("eps", "new"), [([0.4], 0), ([0.3, 0.4], 0), ([0.4], 50)])
def test_a_contender_clusters(eps: list[float], new: int, cluster: ModuleType, tmp_path: Path) -> None:
    """Made-up faces, clustered by castgraph and by scikit-learn."""
    worker = import_module("cluster_worker")
    points = cluster.points_of(600, tmp_path, lambda text: None)
    found = {}
    for contender in ("numpy", "scikit-learn"):
        into = tmp_path / f"{contender}.npy"
        for value in [eps] if contender == "numpy" else [[value] for value in eps]:
            task = worker.Task(
                contender, str(points), str(into), value, 5, 1, new=new * (contender == "numpy")
            )
            measured = worker.measure(task)
            assert measured["cpu_s"] >= 0
            assert measured["peak_mb"] > 0
            found.setdefault(contender, []).extend(np.load(into).tolist())
    assert found["numpy"] == found["scikit-learn"]
    assert max(found["numpy"][0]) > 3


def test_the_merge_of_made_up_broadcasts(root: Path, tmp_path: Path) -> None:
    """All but the first are copies with another ID in its place; the last one has the rest of the faces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        merge, worker = import_module("merge"), import_module("merge_worker")
    merge.make(tmp_path, 2 * merge.FACES + 7)
    worker.step(tmp_path, "merge", 10)
    worker.step(tmp_path, "read", 0)
    rows = pq.read_table(tmp_path / "broadcasts.parquet").to_pylist()
    assert [row["broadcast"] for row in rows] == [merge.broadcast_id(n).decode() for n in range(3)]
    assert [row["n_faces"] for row in rows] == [merge.FACES, merge.FACES, 7]
    assert 0.08 < rows[0]["n_set_aside"] / merge.FACES < 0.12

    step = {"mb": 200.0, "added_mb": 100.0, "s": 2.0, "cpu_s": 1.0}
    figures = merge.figures_of({774_615: dict.fromkeys(merge.STEPS, step), 45_000_000: {"merge": step}})
    assert (figures["merge_mb_774615"], figures["merge_s_774615"], figures["merge_mb_45000000"]) == (
        200,
        2,
        200,
    )
    assert figures["copied_mb_45000000"] is None


# --- benchmarks/plan.py


@pytest.fixture(scope="module")
def plan(root: Path) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        return import_module("plan")


def test_made_up_lengths_sum_to_the_year(plan: ModuleType) -> None:
    frames = plan.lengths()
    assert (len(frames), sum(frames)) == (342, 757_559)
    assert frames == plan.lengths()
    assert min(frames) > 300
    assert max(frames) > 2 * sorted(frames)[171]


def test_made_up_broadcasts_have_ids(plan: ModuleType) -> None:
    made = plan.ids(50_000)
    assert len(set(made)) == 50_000
    assert made == sorted(made)
    assert all(re.fullmatch(BROADCAST_PATTERN, name) for name in made[::1000])


def test_cores_in_use_are_no_more_than_there_are(plan: ModuleType) -> None:
    assert plan.in_use([(0, 10), (5, 10), (8, 20)], 2) == 10 + 5 + 10
    assert plan.in_use([(0, 10), (5, 10), (8, 20)], 3) == 10 + 5 + 12


def test_figures_of_idle_cores(plan: ModuleType) -> None:
    jobs = [
        plan.Job("unzip", "A", [[0, 1]], 0),
        plan.Job("encode", "A", [[1, 9], [4, 9]], 10),
        plan.Job("unzip", "B", [[0, 2]], 0),
        plan.Job("encode", "B", [[3, 10]], 5),
    ]
    assert plan.idle_figures(jobs, 3, speed=2) == {
        "idle_share_3": pytest.approx(7 / 30),
        "encoding_share_3": 0.5,
        "wall_s_3": 20,
        "n_unpacked_3": 1,
    }


def test_figures_of_overhead_leave_out_what_a_run_costs_once(plan: ModuleType) -> None:
    measured = {
        (n, imports): {"main_s": 3 + 0.1 * n, "jobs_s": (0.3 + imports) * n}
        for n in (plan.FEW, plan.MORE)
        for imports in (False, True)
    }
    assert plan.overhead_figures(measured) == {
        "overhead_s_per_broadcast": pytest.approx(0.4),
        "overhead_main_s_per_broadcast": pytest.approx(0.1),
        "overhead_jobs_s_per_broadcast": pytest.approx(0.3),
        "imports_s_per_broadcast": pytest.approx(1),
    }


def test_the_simulated_scripts_take_the_places_of_real_ones(plan: ModuleType, tmp_path: Path) -> None:
    snakefile = plan.workflow_copy(tmp_path / "castgraph")
    for name in ("archive/download.py", "archive/unzip.py", "faces/encode.py"):
        simulated = snakefile.parent / "scripts" / name
        assert simulated.read_bytes() == (plan.SIMULATED / name).read_bytes()
        assert (plan.ROOT / "scripts" / name).is_file()


@pytest.mark.slow
def test_the_figures_of_a_year_of_people(root: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        people = import_module("people")
    year = people.make(tmp_path, 1000, n_pictured=1)
    tables.check(year.faces, tables.TABLES["faces"])
    frames = tables.read(tmp_path / "frames.parquet", tables.MERGED_FRAMES, ["time"])
    assert frames["time"].to_pylist() == sorted(frames["time"].to_pylist())
    assert {"find_warm_s", "find_cold_s"} <= people.FIGURES.keys() == people.TARGETS.keys()
    assert people.measure(year, list(people.FIGURES)).keys() == people.FIGURES.keys()


def test_the_figures_of_a_year_of_the_network(root: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        network = import_module("network")
    assert [*network.FIGURES, network.REPLAYS] == list(network.TARGETS)
    year = network.make(2000, 5)
    assert year.faces.num_rows == len(year.members.person) == len(year.times)
    assert len(year.n_frames) == 5
    assert all(seconds > 0 for seconds in (measure(year) for measure in network.FIGURES.values()))


def test_the_year_of_the_explorer_is_built_whole(root: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        explorer = import_module("explorer")
    year = explorer.make(tmp_path, n_broadcasts=3, n_frames=40, n_faces=200)
    figures = explorer.build(year, tmp_path / "out")
    assert figures["n_faces"] == 200
    assert figures["n_pictures"] == len(list((tmp_path / "out" / "frames").iterdir())) > 20
    assert 0 < figures["eager_mb"] < figures["total_mb"]
