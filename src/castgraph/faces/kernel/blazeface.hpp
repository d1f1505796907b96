// What the parts of BlazeFace's kernel share: networks of depthwise convolutions and sparse matrices.
//
// sparse.cpp is compiled once for each instruction set; blazeface.cpp goes through the steps of a network.
// Images lie in memory as [row][channel][column]: vectors run over columns, and a row of all channels is at hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels.hpp"

namespace blazeface {

constexpr int MARGIN = 16;  // floats before a line, and what its length is a multiple of: a cache line

struct Image {
    int rows = 0, channels = 0, columns = 0;
    std::ptrdiff_t line = 0;  // floats from a channel to the next
    Buffer<float> memory;

    void resize(int rows, int channels, int columns);
    // Puts zeros before and after the lines of a row, which are read as what lies beside the image.
    void close(int row);
    FACES_INLINE float* at(int row, int channel) const {
        return memory.get() + (std::ptrdiff_t(row) * channels + channel) * line + MARGIN;
    }
};

// A matrix by its filters: the entries of filter f are those from starts[f] to starts[f + 1].
struct Matrix {
    std::vector<std::int32_t> starts, inputs;
    std::vector<float> weights, bias;

    int filters() const { return int(bias.size()); }
};

// The inputs of a matrix: for each channel the columns of several rows, side by side.
struct Lines {
    int columns;            // of a row, whole vectors
    std::ptrdiff_t stride;  // floats from a channel to the next: rows x columns
    float* values;

    FACES_INLINE float* at(int channel, int row) const { return values + channel * stride + std::ptrdiff_t(row) * columns; }
};

enum class Kind {
    first,      // the 3x3 neighbours of every second pixel of the picture, then the matrix
    depthwise,  // a filter of 3x3 for each channel, then the matrix
    plain,      // the matrix
    enlarge,    // twice the rows and columns by bilinear interpolation, `added` added
    places,     // a filter of 3x3 for each channel, then each four channels to 2x2 places of an output
};

struct Step {
    Kind kind;
    int stride;         // of `depthwise` and `places`
    int input, output;  // images by number; `output` of `places` by its own
    int added;          // image that is added to the output, -1 for none
    bool relu;          // what is below zero becomes zero at the end
    std::vector<float> filters, shifts;  // of 3x3: [channel][row][column]; [channel]
    Matrix matrix;
};

// A network for pictures of any size. One object serves one thread at a time.
class Network {
public:
    struct Output {
        int places, values;
        std::vector<float> numbers;  // [place][value]
    };

    // std::invalid_argument when steps do not fit together.
    Network(std::vector<Step> steps, int images, int outputs, const faces::Kernels& kernels);

    // picture: rows x columns x 3, RGB. std::invalid_argument when a stride does not divide the size.
    const std::vector<Output>& run(const std::uint8_t* picture, int rows, int columns);

private:
    void apply(const Step& step, const std::uint8_t* picture, int rows, int columns);

    std::vector<Step> steps_;
    std::vector<Image> images_;
    std::vector<Output> outputs_;
    Buffer<float> lines_, between_, rows_;
    const faces::Kernels& kernels_;
};

}  // namespace blazeface
