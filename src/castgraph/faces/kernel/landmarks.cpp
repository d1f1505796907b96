// Points of a face by regression trees, as dlib finds them.
//
// Sources: V. Kazemi and J. Sullivan, "One Millisecond Face Alignment with an Ensemble of Regression Trees", CVPR
// 2014; dlib's shape_predictor (dlib 20.0.1: image_processing/shape_predictor.h), of which each rounding is repeated,
// so this file is compiled without fused multiply-add; S. Umeyama, "Least-Squares Estimation of Transformation
// Parameters Between Two Point Patterns", PAMI 13(4), 1991. dlib keeps each leaf in memory of its own; here a tree
// lies in one place, which takes a fraction of the time.
#include "landmarks.hpp"

#include <cmath>
#include <stdexcept>

namespace landmarks {
namespace {

// The values of a file in dlib's serialisation, one after the other; see castgraph.faces.dat.
class Reader {
public:
    Reader(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

    // A control byte (sign, number of bytes), then the absolute value.
    long integer() {
        const int control = byte(), size = control & 0x0F;
        if (size < 1 || size > 8 || control & 0x70) fail();
        std::uint64_t value = 0;
        for (int i = 0; i < size; ++i) value |= std::uint64_t(byte()) << (8 * i);
        return control & 0x80 ? -long(value) : long(value);
    }

    // Mantissa and exponent.
    float real() {
        const long mantissa = integer(), exponent = integer();
        if (std::labs(exponent) > 1000) fail();
        return float(std::ldexp(double(mantissa), int(exponent)));
    }

    // How many values follow, each of two bytes or more.
    std::size_t count() {
        const long value = integer();
        if (value < 0 || value > (end_ - at_) / 2) fail();
        return std::size_t(value);
    }

    // A matrix of one column.
    std::size_t column() {
        const long rows = std::labs(integer()), columns = std::labs(integer());  // negated since dlib 18
        if (columns != 1 || rows > (end_ - at_) / 2) fail();
        return std::size_t(rows);
    }

    void expect(bool holds) const {
        if (!holds) fail();
    }

    bool at_end() const { return at_ == end_; }

private:
    int byte() {
        if (at_ == end_) fail();
        return *at_++;
    }

    [[noreturn]] static void fail() { throw std::invalid_argument("not a shape predictor of dlib, or cut off"); }

    const std::uint8_t *at_, *end_;
};

// A rotation and scaling that brings points to others, without the shift: least squares.
struct Similarity {
    float a, b;  // (a, -b; b, a)
};

// The floor of a number and a half, without a call of the library.
long rounded(double value) {
    const double raised = value + 0.5;
    const long cut = long(raised);
    return cut - (double(cut) > raised);
}

}  // namespace

Predictor::Predictor(const std::uint8_t* file, std::size_t size) {
    Reader reader(file, size);
    reader.expect(reader.integer() == 1);  // its version
    const std::size_t coordinates = reader.column();
    reader.expect(coordinates > 0 && coordinates % 2 == 0);
    for (std::size_t i = 0; i < coordinates / 2; ++i) {
        const float x = reader.real();
        initial_.push_back({x, reader.real()});
    }
    levels_.resize(reader.count());
    for (Level& level : levels_) {
        for (std::size_t tree = 0, trees = reader.count(); tree < trees; ++tree) {
            const std::size_t splits = reader.count();
            if (!splits_) splits_ = splits;
            reader.expect(splits == splits_ && (splits & (splits + 1)) == 0);  // a whole tree, like the others
            for (std::size_t i = 0; i < splits; ++i) {
                const long first = reader.integer(), second = reader.integer();
                reader.expect(first >= 0 && second >= 0 && first <= UINT16_MAX && second <= UINT16_MAX);
                level.splits.push_back({std::uint16_t(first), std::uint16_t(second), reader.real()});
            }
            reader.expect(reader.count() == splits + 1);
            for (std::size_t leaf = 0; leaf <= splits; ++leaf) {
                reader.expect(reader.column() == coordinates);
                for (std::size_t i = 0; i < coordinates; ++i) level.leaves.push_back(reader.real());
            }
        }
    }
    reader.expect(reader.count() == levels_.size());
    for (Level& level : levels_) {
        level.pixels.resize(reader.count());
        for (Pixel& pixel : level.pixels) {
            const long anchor = reader.integer();
            reader.expect(anchor >= 0 && std::size_t(anchor) < initial_.size());
            pixel.anchor = int(anchor);
        }
        for (const Split& split : level.splits)
            reader.expect(split.first < level.pixels.size() && split.second < level.pixels.size());
    }
    reader.expect(reader.count() == levels_.size());
    for (Level& level : levels_) {
        reader.expect(reader.count() == level.pixels.size());
        for (Pixel& pixel : level.pixels) {
            const float x = reader.real();
            pixel.delta = {x, reader.real()};
        }
    }
    reader.expect(reader.at_end() && splits_ > 0);
}

std::vector<Point> Predictor::find(const Picture& picture, const Rectangle& face) const {
    const std::size_t n = initial_.size();
    const double across = double(face.right - face.left), down = double(face.bottom - face.top);
    const auto in_picture = [&](float x, float y) {
        return Point{rounded(across * double(x) + double(face.left)), rounded(down * double(y) + double(face.top))};
    };
    // How the initial shape lies around its middle.
    double middle_x = 0, middle_y = 0, spread = 0;
    for (const Place& p : initial_) middle_x += p.x, middle_y += p.y;
    middle_x /= double(n), middle_y /= double(n);
    for (const Place& p : initial_)
        spread += (p.x - middle_x) * (p.x - middle_x) + (p.y - middle_y) * (p.y - middle_y);

    std::vector<Place> shape = initial_;
    std::vector<float> seen;
    std::vector<const float*> leaves;
    for (const Level& level : levels_) {
        double x = 0, y = 0, along = 0, turned = 0;
        for (const Place& p : shape) x += p.x, y += p.y;
        x /= double(n), y /= double(n);
        for (std::size_t i = 0; i < n; ++i) {
            const double from_x = initial_[i].x - middle_x, from_y = initial_[i].y - middle_y;
            along += from_x * (shape[i].x - x) + from_y * (shape[i].y - y);
            turned += from_x * (shape[i].y - y) - from_y * (shape[i].x - x);
        }
        const Similarity moved = {float(spread != 0 ? along / spread : 1), float(spread != 0 ? turned / spread : 0)};
        seen.resize(level.pixels.size());
        for (std::size_t i = 0; i < seen.size(); ++i) {
            const Pixel& pixel = level.pixels[i];
            const Place &delta = pixel.delta, &anchor = shape[pixel.anchor];
            const Point p = in_picture(moved.a * delta.x + -moved.b * delta.y + anchor.x,
                                       moved.b * delta.x + moved.a * delta.y + anchor.y);
            const bool inside = p.x >= 0 && p.y >= 0 && p.x < picture.width && p.y < picture.height;
            const std::uint8_t* rgb = picture.values + (inside ? (p.y * picture.width + p.x) * 3 : 0);
            seen[i] = inside ? float((unsigned(rgb[0]) + rgb[1] + rgb[2]) / 3) : 0;
        }
        // Leaves lie far from each other, so they are all sent for before the first is needed.
        const std::size_t trees = level.splits.size() / splits_;
        const std::size_t leaf_size = 2 * n, tree_size = (splits_ + 1) * leaf_size;
        leaves.clear();
        for (std::size_t tree = 0; tree < trees; ++tree) {
            const Split* splits = level.splits.data() + tree * splits_;
            std::size_t at = 0;
            while (at < splits_) {
                const Split& split = splits[at];
                at = 2 * at + 2 - std::size_t(seen[split.first] - seen[split.second] > split.threshold);
            }
            const float* leaf = level.leaves.data() + tree * tree_size + (at - splits_) * leaf_size;
            __builtin_prefetch(leaf);
            __builtin_prefetch(leaf + leaf_size - 1);
            leaves.push_back(leaf);
        }
        for (const float* leaf : leaves)
            for (std::size_t i = 0; i < n; ++i) shape[i].x += leaf[2 * i], shape[i].y += leaf[2 * i + 1];
    }
    std::vector<Point> points;
    for (const Place& p : shape) points.push_back(in_picture(p.x, p.y));
    return points;
}

}  // namespace landmarks
