// The door to Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <stdexcept>

#include "nearest.hpp"
#include "scan.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T, typename... Shape>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu, Shape...>;
using Whole = Array<const std::int32_t, nb::ndim<1>>;
using Places = Array<const std::uint8_t, nb::ndim<1>>;

void require(bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
}

// Arrays of pairs (n, 2) and of their places (n,).
nb::tuple arrays(const std::vector<dbscan::Pair>& found) {
    auto* pairs = new std::int32_t[2 * found.size() + 1];
    nb::capsule pairs_owner(pairs, [](void* p) noexcept { delete[] static_cast<std::int32_t*>(p); });
    auto* places = new std::uint8_t[found.size() + 1];
    nb::capsule places_owner(places, [](void* p) noexcept { delete[] static_cast<std::uint8_t*>(p); });
    for (std::size_t i = 0; i < found.size(); ++i) {
        pairs[2 * i] = found[i].x;
        pairs[2 * i + 1] = found[i].y;
        places[i] = found[i].level;
    }
    return nb::make_tuple(nb::ndarray<nb::numpy, std::int32_t>(pairs, {found.size(), 2}, pairs_owner),
                          nb::ndarray<nb::numpy, std::uint8_t>(places, {found.size()}, places_owner));
}

void check(const dbscan::Task& task) {
    require(task.n_leaves >= 0 && task.starts[0] == 0, "starts begins with 0");
    for (std::int64_t leaf = 0; leaf < task.n_leaves; ++leaf) {
        const int size = task.starts[leaf + 1] - task.starts[leaf];
        require(size >= 1 && size <= dbscan::LEAF, "a leaf has 1 to 64 points");
    }
    for (std::int64_t i = 0; i < task.starts[task.n_leaves]; ++i)
        require(task.order[i] >= 0 && task.order[i] < task.n, "order holds a row that is not there");
    for (std::int64_t i = 0; i < task.n_tiles; ++i) {
        const std::int32_t* t = task.tiles + 4 * i;
        for (int side = 0; side < 4; side += 2)
            require(0 <= t[side] && t[side] < t[side + 1] && t[side + 1] <= task.n_leaves, "a tile is out of range");
        require(t[0] == t[2] ? t[1] == t[3] : t[1] <= t[2] || t[3] <= t[0], "the sides of a tile overlap");
    }
    for (std::size_t level = 0; level < task.squares.size(); ++level) {
        require(!level || task.squares[level - 1] <= task.squares[level], "squares ascend");
        for (std::int64_t x = 0; x < task.n; ++x) {
            const std::int32_t root = task.root[std::int64_t(level) * task.n + x];
            require(root >= 0 && root <= x, "a root is not there, or larger than its point");
        }
    }
    for (const dbscan::Pair& pair : task.known)
        require(pair.x >= 0 && pair.x < task.n && pair.y >= 0 && pair.y < task.n && pair.x != pair.y &&
                    pair.level < task.squares.size(),
                "a known pair is not there");
}

nb::tuple scan(nb::ndarray<nb::ro, nb::ndim<2>, nb::c_contig, nb::device::cpu> points, Whole order, Whole starts,
               Array<const float, nb::shape<-1, dbscan::LEAF, -1>> slots, double scale,
               Array<const std::int32_t, nb::shape<-1, 4>> tiles, Whole apart, const std::vector<double>& squares,
               std::int64_t min_samples, Array<std::uint8_t, nb::ndim<2>> core, Array<std::int32_t, nb::ndim<2>> root,
               Array<const std::int32_t, nb::shape<-1, 2>> pairs, Places places, int threads, const std::string& kernel,
               nb::object progress) {
    dbscan::Task task{};
    require(points.dtype() == nb::dtype<float>() || points.dtype() == nb::dtype<double>(), "points are float32 or float64");
    if (points.dtype() == nb::dtype<float>())
        task.points32 = static_cast<const float*>(points.data());
    else
        task.points64 = static_cast<const double*>(points.data());
    task.n = std::int64_t(points.shape(0));
    task.d = std::int64_t(points.shape(1));
    task.order = order.data();
    task.starts = starts.data();
    task.n_leaves = std::int64_t(slots.shape(0));
    task.slots = slots.data();
    task.k = std::int64_t(slots.shape(2));
    task.scale = scale;
    task.tiles = tiles.data();
    task.n_tiles = std::int64_t(tiles.shape(0));
    task.apart = apart.data();
    task.squares = squares;
    task.min_samples = min_samples;
    task.core = core.data();
    task.root = root.data();
    task.threads = threads;
    task.kernel = kernel;
    require(!squares.empty() && squares.size() < 128 && min_samples >= 1 && threads >= 1, "squares, min_samples or threads");
    require(core.shape(0) == squares.size() && root.shape(0) == squares.size() && std::int64_t(core.shape(1)) == task.n &&
                std::int64_t(root.shape(1)) == task.n,
            "core and root have a row for each eps and a column for each point");
    require(starts.shape(0) == slots.shape(0) + 1 && apart.shape(0) == slots.shape(0), "one slot, start and apart a leaf");
    require(pairs.shape(0) == places.shape(0), "one place a pair");
    for (std::size_t i = 0; i < pairs.shape(0); ++i) task.known.push_back({pairs(i, 0), pairs(i, 1), places(i)});
    check(task);
    require(std::int64_t(order.shape(0)) == task.starts[task.n_leaves], "order and starts do not fit");
    std::vector<dbscan::Pair> left;
    {
        nb::gil_scoped_release release;
        left = dbscan::scan(task, [&](double share) {
            nb::gil_scoped_acquire acquire;
            if (PyErr_CheckSignals()) throw nb::python_error();
            if (!progress.is_none()) progress(share);
        });
    }
    return arrays(left);
}

void nearest(Array<const float, nb::ndim<2>> rows, Array<const float, nb::ndim<2>> columns, double slack,
             Array<const float, nb::ndim<2>> finer, double finer_slack, double unit,
             Array<const double, nb::ndim<2>> means, Array<const double, nb::ndim<1>> extra,
             Array<const double, nb::ndim<1>> scale, Whole frames, Array<const std::int64_t, nb::ndim<1>> begins,
             double limit, double share, Whole order, std::int64_t n_sought, Array<double, nb::ndim<1>> least,
             Array<std::int32_t, nb::ndim<1>> nearest, Array<std::uint8_t, nb::ndim<1>> near, int threads,
             const std::string& kernel) {
    dbscan::Groups groups{};
    groups.n = std::int64_t(rows.shape(0));
    groups.k = std::int64_t(rows.shape(1));
    groups.finer_k = std::int64_t(finer.shape(1));
    groups.d = std::int64_t(means.shape(1));
    groups.rows = rows.data();
    groups.columns = columns.data();
    groups.slack = slack;
    groups.finer = finer.data();
    groups.finer_slack = finer_slack;
    groups.unit = unit;
    groups.means = means.data();
    groups.extra = extra.data();
    groups.scale = scale.data();
    groups.frames = frames.data();
    groups.begins = begins.data();
    groups.limit = limit;
    groups.share = share;
    groups.order = order.data();
    groups.n_order = std::int64_t(order.shape(0));
    groups.n_sought = n_sought;
    groups.least = least.data();
    groups.nearest = nearest.data();
    groups.near = near.data();
    groups.threads = threads;
    groups.kernel = kernel;
    for (const std::size_t size : {columns.shape(0), finer.shape(0), means.shape(0), extra.shape(0),
                                   scale.shape(0), begins.shape(0) - 1,
                                   least.shape(0), nearest.shape(0), near.shape(0)})
        require(std::int64_t(size) == groups.n, "arrays have a row for each group");
    require(columns.shape(1) == rows.shape(1), "rows and columns have as many coordinates");
    require(groups.begins[0] == 0 && groups.begins[groups.n] == std::int64_t(frames.shape(0)),
            "frames and begins do not fit");
    for (std::int64_t i = 0; i < groups.n; ++i) require(groups.begins[i] <= groups.begins[i + 1], "begins ascend");
    for (std::int64_t i = 0; i < groups.n_order; ++i)
        require(groups.order[i] >= 0 && groups.order[i] < groups.n, "order holds a group that is not there");
    require(n_sought >= 0 && n_sought <= groups.n_order && threads >= 1, "n_sought or threads");
    nb::gil_scoped_release release;
    dbscan::nearest(groups, [&](double) {
        nb::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals()) throw nb::python_error();
    });
}

std::vector<std::string> kernels() {
    std::vector<std::string> names;
    for (const dbscan::Kernels& kernel : dbscan::kernels()) names.emplace_back(kernel.name);
    return names;
}

}  // namespace

NB_MODULE(_kernel, m) {
    m.def("kernels", &kernels);
    m.def("scan", &scan, "points"_a, "order"_a, "starts"_a, "slots"_a, "scale"_a, "tiles"_a, "apart"_a, "squares"_a,
          "min_samples"_a, "core"_a, "root"_a, "pairs"_a, "places"_a, "threads"_a, "kernel"_a, "progress"_a.none());
    m.def("nearest", &nearest, "rows"_a, "columns"_a, "slack"_a, "finer"_a, "finer_slack"_a, "unit"_a,
          "means"_a, "extra"_a, "scale"_a, "frames"_a, "begins"_a, "limit"_a, "share"_a, "order"_a, "n_sought"_a,
          "least"_a, "nearest"_a, "near"_a, "threads"_a, "kernel"_a);
}
