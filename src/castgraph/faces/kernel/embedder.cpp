// dlib's face recognition network: its layers, one after the other, and its weights laid out for the kernels.
//
// Source: dlib's type face_recognition_model_v1 (dlib 20.0.1): a convolution and a maximum, then blocks of two
// convolutions with their inputs added, then an average over what is left of the picture and a matrix. Where a
// block halves the picture, the average of each 2x2 inputs is added instead. What is smaller, in pixels or
// channels, is continued with zeros.
#include "embedder.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace embedder {
namespace {

constexpr int COMPANY = TOGETHER;  // chips that go through the network together, at most: weights are read once for all

// F(4x4, 3x3): how a line of three weights becomes six points.
constexpr double TRANSFORM[REACH][3] = {{1 / 4., 0, 0},          {-1 / 6., -1 / 6., -1 / 6.}, {-1 / 6., 1 / 6., -1 / 6.},
                                        {1 / 24., 1 / 12., 1 / 6.}, {1 / 24., -1 / 12., 1 / 6.}, {0, 0, 1}};

void transform(const float* window, double (&points)[POINTS]) {
    for (int y = 0; y < REACH; ++y)
        for (int x = 0; x < REACH; ++x) {
            double sum = 0;
            for (int row = 0; row < 3; ++row)
                for (int column = 0; column < 3; ++column)
                    sum += TRANSFORM[y][row] * window[row * 3 + column] * TRANSFORM[x][column];
            points[y * REACH + x] = sum;
        }
}

int outputs(int side, const Embedder::Given& given) { return (side - given.window) / given.stride + 1; }

// What there is of a convolution for a picture of one pixel with zeros around.
struct Middle {
    std::vector<float> weights;
    Embedder::Given given;
};

Middle middle(const Embedder::Given& given) {
    const int window = given.window * given.window;
    Middle found{{}, {given.filters, given.inputs, 1, 1, nullptr, given.bias}};
    for (std::ptrdiff_t i = 0; i < std::ptrdiff_t(given.filters) * given.inputs; ++i)
        found.weights.push_back(given.weights[i * window + window / 2]);
    found.given.weights = found.weights.data();
    return found;
}

// The largest of each 3x3 pixels, two apart.
void max_pool(const Images& in, const Images& out) {
    const int channels = in.channels;
    for (int row = 0; row < out.rows; ++row)
        for (int column = 0; column < out.columns; ++column) {
            float* to = out.at(0, row, column);
            std::memcpy(to, in.at(0, 2 * row, 2 * column), channels * sizeof(float));
            for (int y = 0; y < 3; ++y)
                for (int x = 0; x < 3; ++x) {
                    const float* from = in.at(0, 2 * row + y, 2 * column + x);
                    for (int c = 0; c < channels; ++c) to[c] = from[c] > to[c] ? from[c] : to[c];
                }
        }
}

// The average of each 2x2 pixels; zeros where `out` has more pixels or channels.
void halve(int chips, const Images& in, const Images& out) {
    std::memset(out.values, 0, chips * out.size() * sizeof(float));
    for (int chip = 0; chip < chips; ++chip)
        for (int row = 0; row < in.rows / 2; ++row)
            for (int column = 0; column < in.columns / 2; ++column) {
                float* to = out.at(chip, row, column);
                const float *above = in.at(chip, 2 * row, 2 * column), *below = in.at(chip, 2 * row + 1, 2 * column);
                for (int c = 0; c < in.channels; ++c)
                    to[c] = (above[c] + above[c + in.channels] + below[c] + below[c + in.channels]) * 0.25f;
            }
}

}  // namespace

Convolution Embedder::packed(const Given& given, bool padded) const {
    const int block = 2 * kernels_.lanes, window = given.window * given.window;
    if (given.filters % block || given.filters < 1 || given.inputs < 1 || given.stride < 1)
        throw std::invalid_argument("a convolution whose filters are no multiple of two vectors, or without a stride");
    if (padded && (given.window != 3 || given.stride != 1))
        throw std::invalid_argument("only a window of 3x3 has zeros around it");
    Convolution layer{given.inputs, given.filters, given.window, given.stride, padded, {}, {}};
    const int places = padded ? POINTS : window;
    const int n_blocks = given.filters / block;
    float* weights = layer.weights.reserve(std::size_t(places) * given.inputs * given.filters);
    for (int filter = 0; filter < given.filters; ++filter)
        for (int input = 0; input < given.inputs; ++input) {
            const float* from = given.weights + (std::ptrdiff_t(filter) * given.inputs + input) * window;
            double points[POINTS];
            if (padded) transform(from, points);
            for (int place = 0; place < places; ++place) {
                // Points of a transformed filter are matrices of their own; of another, rows of one matrix.
                const std::ptrdiff_t matrix = padded ? std::ptrdiff_t(place) * n_blocks + filter / block
                                                     : std::ptrdiff_t(filter / block) * places + place;
                weights[(matrix * given.inputs + input) * block + filter % block] =
                    padded ? float(points[place]) : from[place];
            }
        }
    std::copy_n(given.bias, given.filters, layer.bias.reserve(given.filters));
    return layer;
}

Embedder::Embedder(int side, const Given& stem, const std::vector<Block>& blocks, const Given& last,
                   const faces::Kernels& kernels)
    : kernels_(kernels), side_(side), stem_(packed(stem, false)), last_(packed(last, false)) {
    stem_side_ = outputs(side, stem);
    pooled_side_ = (stem_side_ - 3) / 2 + 1;
    int now = pooled_side_, channels = stem.filters;
    for (const Block& block : blocks) {
        const Given &first = block.first, &second = block.second;
        const bool halves = first.stride == 2;
        const int between = halves ? outputs(now, first) : now;
        now = halves ? std::max(between, now / 2) : now;
        if (first.inputs != channels || second.inputs != first.filters || second.filters != first.filters ||
            channels > first.filters || (!halves && channels != first.filters) || between < 1)
            throw std::invalid_argument("blocks that do not fit together");
        channels = first.filters;
        blocks_.push_back({packed(first, !halves),
                           between == 1 ? packed(middle(second).given, false) : packed(second, true)});
    }
    if (stem.inputs != 3 || last.inputs != channels || last.window != 1 || pooled_side_ < 1)
        throw std::invalid_argument("a network that does not go from three channels to the last matrix");
}

void Embedder::embed(const std::uint8_t* chips, std::ptrdiff_t n, float* embeddings) {
    const std::ptrdiff_t groups = (n + COMPANY - 1) / COMPANY;
    for (std::ptrdiff_t group = 0; group < groups; ++group) {
        const std::ptrdiff_t start = group * n / groups, stop = (group + 1) * n / groups;
        some(chips + start * side_ * side_ * 3, int(stop - start), embeddings + start * numbers());
    }
}

void Embedder::some(const std::uint8_t* chips, int n, float* embeddings) {
    const std::size_t most = std::size_t(pooled_side_) * pooled_side_ * stem_.filters * n;
    for (Buffer<float>& buffer : images_) buffer.reserve(most);
    Images chip{side_, side_, 3, chip_.reserve(std::size_t(side_) * side_ * 3)};
    Images stem{stem_side_, stem_side_, stem_.filters, nullptr};
    stem.values = stem_out_.reserve(stem.size());
    Images now{pooled_side_, pooled_side_, stem_.filters, images_[0].get()};
    for (int i = 0; i < n; ++i) {
        std::copy_n(chips + i * chip.size(), chip.size(), chip.values);
        kernels_.convolve(stem_, 1, chip, stem, Then::relu);
        max_pool(stem, {now.rows, now.columns, now.channels, now.at(i, 0, 0)});
    }
    int at = 0;
    const auto apply = [&](const Convolution& layer, const Images& in, const Images& out, Then then) {
        if (layer.transformed) {
            float* scratch = scratch_.reserve(POINTS * (point_size(layer.inputs) + point_size(layer.filters)));
            kernels_.convolve_tiles(layer, n, in, out, then, scratch);
        } else {
            kernels_.convolve(layer, n, in, out, then);
        }
    };
    for (const Pair& block : blocks_) {
        const Convolution& first = block.first;
        const bool halves = first.stride == 2;
        const int side = halves ? (now.rows - first.window) / 2 + 1 : now.rows;
        Images between{side, side, first.filters, images_[(at + 1) % 3].get()};
        apply(first, now, between, Then::relu);
        if (halves) {
            const int larger = std::max(side, now.rows / 2);
            const Images next{larger, larger, first.filters, images_[(at + 2) % 3].get()};
            halve(n, now, next);
            now = next;
            at = (at + 2) % 3;
        }
        apply(block.second, between, now, Then::add_relu);
    }
    Images mean{1, 1, now.channels, images_[(at + 1) % 3].get()};
    const int pixels = now.rows * now.columns;
    for (int i = 0; i < n; ++i)
        for (int c = 0; c < now.channels; ++c) {
            float sum = 0;
            for (int pixel = 0; pixel < pixels; ++pixel) sum += now.at(i, 0, pixel)[c];
            mean.at(i, 0, 0)[c] = sum / float(pixels);
        }
    kernels_.convolve(last_, n, mean, {1, 1, last_.filters, embeddings}, Then::nothing);
}

}  // namespace embedder
