// The steps of a network of depthwise convolutions and sparse matrices, and the memory that they need.
#include "blazeface.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace blazeface {
namespace {

constexpr int COLOURS = 3;
constexpr int WINDOW = 9;

int up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

void check(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

// The pixels of a row of the picture, -1 for black, 1 for white: of each colour those in even and in odd columns.
// A row outside the picture is zero, as is what lies before the first odd column.
void split(const std::uint8_t* picture, int rows, int columns, int row, float* to, int line) {
    static const std::vector<float> values = [] {  // a division takes longer
        std::vector<float> list(256);
        for (int i = 0; i < 256; ++i) list[i] = float(i) / 127.5f - 1.0f;
        return list;
    }();
    std::fill_n(to, 2 * COLOURS * line, 0.0f);
    if (row < 0 || row >= rows) return;
    const std::uint8_t* pixels = picture + std::ptrdiff_t(row) * columns * COLOURS;
    for (int colour = 0; colour < COLOURS; ++colour) {
        float *even = to + 2 * colour * line + 1, *odd = even + line;
        for (int x = 0; x < columns / 2; ++x) {
            even[x] = values[pixels[2 * COLOURS * x + colour]];
            odd[x] = values[pixels[2 * COLOURS * x + COLOURS + colour]];
        }
    }
}

// The 3x3 neighbours of every second pixel of `n` rows of outputs, each colour a line. `three` holds rows of pixels.
void neighbours(const std::uint8_t* picture, int rows, int columns, int row, int n, float* three, const Lines& lines) {
    const int line = columns / 2 + 1;
    const auto held = [&](int y) { return three + (y + 3) % 3 * 2 * COLOURS * line; };
    int next = 2 * row - 1;
    for (int r = 0; r < n; ++r) {
        const int last = 2 * (row + r) + 1;
        for (; next <= last; ++next) split(picture, rows, columns, next, held(next), line);
        for (int ky = 0; ky < 3; ++ky)
            for (int colour = 0; colour < COLOURS; ++colour) {
                const float* even = held(last - 2 + ky) + 2 * colour * line + 1;
                const float* from[] = {even + line - 1, even, even + line};  // the odd one before, and its neighbours
                for (int kx = 0; kx < 3; ++kx)
                    std::copy_n(from[kx], columns / 2, lines.at((ky * 3 + kx) * COLOURS + colour, r));
            }
    }
}

}  // namespace

void Image::resize(int r, int c, int n) {
    rows = r;
    channels = c;
    columns = n;
    line = up(n, MARGIN) + MARGIN;
    memory.reserve(std::size_t(rows) * channels * line + MARGIN);
}

void Image::close(int row) {
    for (int channel = 0; channel < channels; ++channel) at(row, channel)[-1] = at(row, channel)[columns] = 0;
}

Network::Network(std::vector<Step> steps, int images, int outputs, const faces::Kernels& kernels)
    : steps_(std::move(steps)), images_(images), outputs_(outputs), kernels_(kernels) {
    std::vector<int> channels(images, 0), written(outputs, 0);  // 0: not there yet
    const auto known = [&](int image) { return image >= 0 && image < images && channels[image] > 0; };
    for (const Step& step : steps_) {
        const bool is_first = step.kind == Kind::first;
        check(is_first || known(step.input), "a step takes an image that is not there");
        check(step.stride == 1 || step.stride == 2, "a stride is 1 or 2");
        const int inputs = is_first ? COLOURS * WINDOW : channels[step.input];
        if (step.kind == Kind::depthwise || step.kind == Kind::places)
            check(int(step.filters.size()) == inputs * WINDOW && int(step.shifts.size()) == inputs,
                  "a filter and a shift for each channel");
        int filters = inputs;
        if (step.kind == Kind::first || step.kind == Kind::depthwise || step.kind == Kind::plain) {
            const Matrix& matrix = step.matrix;
            const auto &starts = matrix.starts, &from = matrix.inputs;
            filters = matrix.filters();
            check(filters > 0 && int(starts.size()) == filters + 1 && from.size() == matrix.weights.size() &&
                      starts.front() == 0 && std::size_t(starts.back()) == from.size() &&
                      std::is_sorted(starts.begin(), starts.end()) &&
                      std::all_of(from.begin(), from.end(), [&](int i) { return i >= 0 && i < inputs; }),
                  "a matrix that does not fit");
        }
        check(step.kind != Kind::enlarge || step.added >= 0, "what is enlarged is added to an image");
        check(step.added < 0 || (known(step.added) && channels[step.added] == filters),
              "what is added has as many channels");
        if (step.kind == Kind::places) {
            check(step.output >= 0 && step.output < outputs && inputs % 4 == 0, "places are four channels each");
            written[step.output] = 1;
        } else {
            check(step.output >= 0 && step.output < images && (is_first || step.output != step.input),
                  "a step writes an image of its own");
            channels[step.output] = filters;
        }
    }
    check(std::all_of(written.begin(), written.end(), [](int n) { return n; }), "an output that no step writes");
}

const std::vector<Network::Output>& Network::run(const std::uint8_t* picture, int rows, int columns) {
    for (const Step& step : steps_) apply(step, picture, rows, columns);
    return outputs_;
}

void Network::apply(const Step& step, const std::uint8_t* picture, int picture_rows, int picture_columns) {
    const bool is_first = step.kind == Kind::first;
    const Image* in = is_first ? nullptr : &images_[step.input];
    const Image* added = step.added < 0 ? nullptr : &images_[step.added];
    const int in_rows = is_first ? picture_rows : in->rows, in_columns = is_first ? picture_columns : in->columns;
    if (step.kind == Kind::enlarge) {
        Image& out = images_[step.output];
        check(added->rows == 2 * in_rows && added->columns == 2 * in_columns, "sizes that do not fit together");
        out.resize(2 * in_rows, in->channels, 2 * in_columns);
        float* between = between_.reserve(in_columns + 2);
        for (int row = 0; row < out.rows; ++row) {
            kernels_.enlarge(*in, *added, row, between, out);
            out.close(row);
        }
        return;
    }
    const int stride = is_first ? 2 : step.kind == Kind::plain ? 1 : step.stride;
    check(in_rows % stride == 0 && in_columns % stride == 0 && in_rows > 0 && in_columns > 0,
          "a stride does not divide a size");
    const int rows = in_rows / stride, columns = in_columns / stride;
    const int wide = up(columns, kernels_.lanes), vectors = wide / kernels_.lanes;
    // Rows that go together: so many that no vector is left alone.
    const int together = std::min(rows, 8 / std::gcd(8, vectors));
    const int inputs = is_first ? COLOURS * WINDOW : in->channels;
    const std::ptrdiff_t stretch = std::ptrdiff_t(together) * wide;
    const Lines lines{wide, stretch, lines_.reserve(inputs * stretch)};
    const int between_size = up(in_columns, kernels_.lanes);
    float* zeros = between_.reserve(2 * between_size + 2 * MARGIN) + MARGIN;
    std::fill_n(zeros - MARGIN, between_size + 2 * MARGIN, 0.0f);
    float* between = zeros + between_size + MARGIN;

    Output* places = step.kind == Kind::places ? &outputs_[step.output] : nullptr;
    Image* out = places ? nullptr : &images_[step.output];
    if (places) {
        places->places = 4 * rows * columns;
        places->values = inputs / 4;
        places->numbers.resize(std::size_t(places->places) * places->values);
    } else {
        check(!added || (added->rows == rows && added->columns == columns), "sizes that do not fit together");
        out->resize(rows, step.matrix.filters(), columns);
    }
    std::vector<float*> to;
    std::vector<const float*> plus;
    for (int row = 0; row < rows; row += together) {
        const int here = std::min(together, rows - row);
        if (is_first) {
            float* three = rows_.reserve(3 * 2 * COLOURS * (columns + 1));
            neighbours(picture, in_rows, in_columns, row, here, three, lines);
        } else if (step.kind == Kind::plain) {
            for (int channel = 0; channel < inputs; ++channel)
                for (int r = 0; r < here; ++r) std::copy_n(in->at(row + r, channel), columns, lines.at(channel, r));
        } else {
            kernels_.depthwise(*in, step.filters.data(), step.shifts.data(), stride, row, here, zeros, between, lines);
        }
        if (places) {
            const int n = places->values;
            for (int r = 0; r < here; ++r)
                for (int channel = 0; channel < inputs; ++channel) {
                    const int down = channel / n / 2, across = channel / n % 2;
                    float* first = places->numbers.data() +
                                   (std::ptrdiff_t(2 * (row + r) + down) * 2 * columns + across) * n + channel % n;
                    const float* from = lines.at(channel, r);
                    for (int x = 0; x < columns; ++x) first[std::ptrdiff_t(x) * 2 * n] = from[x];
                }
            continue;
        }
        to.clear();
        plus.clear();
        for (int r = 0; r < here; ++r)
            for (int vector = 0; vector < vectors; ++vector) {
                to.push_back(out->at(row + r, 0) + vector * kernels_.lanes);
                if (added) plus.push_back(added->at(row + r, 0) + vector * kernels_.lanes);
            }
        kernels_.multiply(step.matrix, lines, here * vectors, to.data(), added ? plus.data() : nullptr, out->line,
                          step.relu);
        for (int r = 0; r < here; ++r) out->close(row + r);
    }
}

}  // namespace blazeface
