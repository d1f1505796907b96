// The door to Python.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>

#include "blazeface.hpp"
#include "embedder.hpp"
#include "hog.hpp"
#include "landmarks.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Picture = nb::ndarray<const std::uint8_t, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>;
using Filters = nb::ndarray<const float, nb::shape<-1, hog::FILTER>, nb::c_contig, nb::device::cpu>;
using Indices = nb::ndarray<const std::int32_t, nb::shape<-1>, nb::c_contig, nb::device::cpu>;

class Detector {
public:
    Detector(Indices detector, Indices plane, Filters row, Filters column, const std::vector<double>& thresholds,
             double iou, double covered, const std::string& kernel)
        : detector_(parts(detector, plane, row, column, thresholds.size()), thresholds, iou, covered,
                    faces::kernel(kernel)) {}

    std::vector<std::tuple<long, long, long, long, double>> detect(Picture picture, int upsample, double threshold,
                                                                   long min_size) {
        const int height = int(picture.shape(0)), width = int(picture.shape(1));
        if (height < 1 || width < 1 || upsample < 0 || upsample > 4)
            throw std::invalid_argument("a picture has at least one pixel, and upsample is 0 to 4");
        std::vector<hog::Box> boxes;
        {
            nb::gil_scoped_release release;
            std::lock_guard<std::mutex> alone(mutex_);
            boxes = detector_.detect(picture.data(), height, width, upsample, threshold, min_size);
        }
        std::vector<std::tuple<long, long, long, long, double>> found;
        for (const hog::Box& box : boxes) found.emplace_back(box.left, box.top, box.right, box.bottom, box.score);
        return found;
    }

private:
    static std::vector<hog::Part> parts(Indices detector, Indices plane, Filters row, Filters column,
                                        std::size_t detectors) {
        const std::size_t n = detector.shape(0);
        if (plane.shape(0) != n || row.shape(0) != n || column.shape(0) != n)
            throw std::invalid_argument("detector, plane, row and column have the same length");
        std::vector<hog::Part> parts;
        for (std::size_t i = 0; i < n; ++i) {
            const int d = detector(i), p = plane(i);
            if (d < 0 || std::size_t(d) >= detectors || p < 0 || p >= hog::FEATURES)
                throw std::invalid_argument("detector or plane out of range");
            hog::Part part{p, d, {}, {}};
            for (int k = 0; k < hog::FILTER; ++k) {
                part.row[k] = row(i, k);
                part.column[k] = column(i, k);
            }
            parts.push_back(part);
        }
        std::stable_sort(parts.begin(), parts.end(),
                         [](const hog::Part& a, const hog::Part& b) { return a.plane < b.plane; });
        return parts;
    }

    hog::Detector detector_;
    std::mutex mutex_;
};

using Chips = nb::ndarray<const std::uint8_t, nb::shape<-1, -1, -1, 3>, nb::c_contig, nb::device::cpu>;
using Weights = nb::ndarray<const float, nb::shape<-1, -1, -1, -1>, nb::c_contig, nb::device::cpu>;
using Bias = nb::ndarray<const float, nb::shape<-1>, nb::c_contig, nb::device::cpu>;
using Layer = std::tuple<Weights, Bias, int>;

class Embedder {
public:
    Embedder(int side, const Layer& stem, const std::vector<std::pair<Layer, Layer>>& blocks, const Layer& last,
             const std::string& kernel)
        : embedder_(side, given(stem), pairs(blocks), given(last), faces::kernel(kernel)) {}

    auto embed(Chips chips) {
        const std::size_t n = chips.shape(0), side = embedder_.side(), numbers = embedder_.numbers();
        if (chips.shape(1) != side || chips.shape(2) != side)
            throw std::invalid_argument("chips of another size than the network's");
        auto* embeddings = new float[n * numbers];
        nb::capsule owner(embeddings, [](void* p) noexcept { delete[] static_cast<float*>(p); });
        {
            nb::gil_scoped_release release;
            std::lock_guard<std::mutex> alone(mutex_);
            embedder_.embed(chips.data(), std::ptrdiff_t(n), embeddings);
        }
        return nb::ndarray<nb::numpy, float>(embeddings, {n, numbers}, owner);
    }

private:
    static embedder::Embedder::Given given(const Layer& layer) {
        const auto& [weights, bias, stride] = layer;
        if (weights.shape(2) != weights.shape(3) || bias.shape(0) != weights.shape(0))
            throw std::invalid_argument("windows are square, and each filter has a bias");
        const int filters = int(weights.shape(0)), inputs = int(weights.shape(1)), window = int(weights.shape(2));
        return {filters, inputs, window, stride, weights.data(), bias.data()};
    }

    static std::vector<embedder::Embedder::Block> pairs(const std::vector<std::pair<Layer, Layer>>& blocks) {
        std::vector<embedder::Embedder::Block> found;
        for (const auto& [first, second] : blocks) found.push_back({given(first), given(second)});
        return found;
    }

    embedder::Embedder embedder_;
    std::mutex mutex_;
};

using Floats = nb::ndarray<const float, nb::shape<-1>, nb::c_contig, nb::device::cpu>;
// kind, stride, input, output, added, relu, filters, shifts; of the matrix starts, inputs, weights, bias
using Step = std::tuple<std::string, int, int, int, int, bool, Floats, Floats, Indices, Indices, Floats, Floats>;

class Network {
public:
    Network(const std::vector<Step>& steps, int images, int outputs, const std::string& kernel)
        : network_(read(steps), images, outputs, faces::kernel(kernel)) {}

    nb::list run(Picture picture) {
        std::vector<blazeface::Network::Output> outputs;
        {
            nb::gil_scoped_release release;
            std::lock_guard<std::mutex> alone(mutex_);
            outputs = network_.run(picture.data(), int(picture.shape(0)), int(picture.shape(1)));
        }
        nb::list found;
        for (auto& output : outputs) {
            auto* numbers = new std::vector<float>(std::move(output.numbers));
            nb::capsule owner(numbers, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
            found.append(nb::ndarray<nb::numpy, float>(
                numbers->data(), {std::size_t(output.places), std::size_t(output.values)}, owner));
        }
        return found;
    }

private:
    template <typename T, typename Array>
    static std::vector<T> copied(const Array& array) {
        return {array.data(), array.data() + array.shape(0)};
    }

    static std::vector<blazeface::Step> read(const std::vector<Step>& steps) {
        static const std::map<std::string, blazeface::Kind> kinds = {
            {"first", blazeface::Kind::first},     {"depthwise", blazeface::Kind::depthwise},
            {"plain", blazeface::Kind::plain},     {"enlarge", blazeface::Kind::enlarge},
            {"places", blazeface::Kind::places}};
        std::vector<blazeface::Step> found;
        for (const Step& step : steps) {
            const auto& [name, stride, input, output, added, relu, filters, shifts, starts, inputs, weights, bias] = step;
            const auto kind = kinds.find(name);
            if (kind == kinds.end()) throw std::invalid_argument("no step '" + name + "'");
            blazeface::Matrix matrix{copied<std::int32_t>(starts), copied<std::int32_t>(inputs), copied<float>(weights),
                                     copied<float>(bias)};
            found.push_back({kind->second, stride, input, output, added, relu, copied<float>(filters),
                             copied<float>(shifts), std::move(matrix)});
        }
        return found;
    }

    blazeface::Network network_;
    std::mutex mutex_;
};

class Landmarks {
public:
    explicit Landmarks(nb::bytes file)
        : predictor_(reinterpret_cast<const std::uint8_t*>(file.c_str()), file.size()) {}

    std::vector<std::pair<long, long>> find(Picture picture, long left, long top, long right, long bottom) const {
        std::vector<landmarks::Point> points;
        {
            nb::gil_scoped_release release;
            points = predictor_.find({picture.data(), long(picture.shape(0)), long(picture.shape(1))},
                                     {left, top, right, bottom});
        }
        std::vector<std::pair<long, long>> found;
        for (const landmarks::Point& point : points) found.emplace_back(point.x, point.y);
        return found;
    }

private:
    landmarks::Predictor predictor_;
};

std::vector<std::string> kernels() {
    std::vector<std::string> names;
    for (const faces::Kernels& kernel : faces::kernels()) names.emplace_back(kernel.name);
    return names;
}

auto resize(Picture picture, int height, int width, const std::string& kernel) {
    if (picture.shape(0) < 1 || picture.shape(1) < 1 || height < 1 || width < 1)
        throw std::invalid_argument("a picture has at least one pixel");
    const faces::Kernels& chosen = faces::kernel(kernel);
    auto* bytes = new std::uint8_t[std::size_t(height) * width * 3];
    nb::capsule owner(bytes, [](void* p) noexcept { delete[] static_cast<std::uint8_t*>(p); });
    {
        nb::gil_scoped_release release;
        hog::Planar from, to;
        hog::to_planar(picture.data(), int(picture.shape(0)), int(picture.shape(1)), from);
        to.resize(height, width);
        chosen.resize(from, to);
        hog::from_planar(to, bytes);
    }
    return nb::ndarray<nb::numpy, std::uint8_t>(bytes, {std::size_t(height), std::size_t(width), 3}, owner);
}

}  // namespace

NB_MODULE(_kernel, m) {
    nb::class_<Detector>(m, "Detector")
        .def(nb::init<Indices, Indices, Filters, Filters, const std::vector<double>&, double, double,
                      const std::string&>(),
             "detector"_a, "plane"_a, "row"_a, "column"_a, "thresholds"_a, "iou"_a, "covered"_a, "kernel"_a = "")
        .def("detect", &Detector::detect, "picture"_a, "upsample"_a, "threshold"_a, "min_size"_a);
    nb::class_<Embedder>(m, "Embedder")
        .def(nb::init<int, const Layer&, const std::vector<std::pair<Layer, Layer>>&, const Layer&,
                      const std::string&>(),
             "side"_a, "stem"_a, "blocks"_a, "last"_a, "kernel"_a = "")
        .def("embed", &Embedder::embed, "chips"_a);
    nb::class_<Network>(m, "Network")
        .def(nb::init<const std::vector<Step>&, int, int, const std::string&>(), "steps"_a, "images"_a, "outputs"_a,
             "kernel"_a = "")
        .def("run", &Network::run, "picture"_a);
    nb::class_<Landmarks>(m, "Landmarks")
        .def(nb::init<nb::bytes>(), "file"_a)
        .def("find", &Landmarks::find, "picture"_a, "left"_a, "top"_a, "right"_a, "bottom"_a);
    m.def("kernels", &kernels);
    m.def("resize", &resize, "picture"_a, "height"_a, "width"_a, "kernel"_a = "");
}
