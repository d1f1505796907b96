// What the parts of the embedder's kernel share: dlib's face recognition network.
//
// convolve.cpp is compiled once for each instruction set; embedder.cpp knows the network and chooses among them.
// Pictures lie in memory as [chip][row][column][channel], so that vectors run over channels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels.hpp"

namespace embedder {

constexpr int TILE = 4;               // outputs of a tile's side
constexpr int REACH = TILE + 2;       // inputs of its side
constexpr int POINTS = REACH * REACH; // products of a tile and a filter, for each pair of channels
constexpr int TOGETHER = 24;          // tiles whose products are made together

// Floats from a point of the tiles to the next: a cache line more than there is, else all points of a tile would
// have their places in few lines of the cache.
FACES_INLINE std::ptrdiff_t point_size(int channels) { return std::ptrdiff_t(TOGETHER) * channels + 16; }

// A convolution. Weights lie in blocks of filters, as many as two vectors hold: [block][...][input][filter], where
// ... are rows and columns of the window, or the POINTS of filters that were transformed.
struct Convolution {
    int inputs, filters;
    int window, stride;
    bool transformed;  // a window of 3x3, a stride of 1, and zeros around the picture
    Buffer<float> weights, bias;
};

// Pictures of several chips.
struct Images {
    int rows, columns, channels;
    float* values;

    FACES_INLINE std::ptrdiff_t size() const { return std::ptrdiff_t(rows) * columns * channels; }
    FACES_INLINE float* at(int chip, int row, int column) const {
        return values + chip * size() + (std::ptrdiff_t(row) * columns + column) * channels;
    }
};

enum class Then { nothing, relu, add_relu };  // what is done with the sums; `add`: to what is there already

// The network for one chip after the other. One object serves one thread at a time.
class Embedder {
public:
    struct Given {
        int filters, inputs, window, stride;
        const float *weights, *bias;  // [filter][input][row][column]; [filter]
    };
    struct Block {
        Given first, second;
    };

    Embedder(int side, const Given& stem, const std::vector<Block>& blocks, const Given& last,
             const faces::Kernels& kernels);

    int side() const { return side_; }
    int numbers() const { return last_.filters; }
    // chips: n x side x side x 3, RGB; embeddings: n x numbers.
    void embed(const std::uint8_t* chips, std::ptrdiff_t n, float* embeddings);

private:
    struct Pair {
        Convolution first, second;
    };

    void some(const std::uint8_t* chips, int n, float* embeddings);
    Convolution packed(const Given& given, bool padded) const;

    const faces::Kernels& kernels_;
    int side_, stem_side_, pooled_side_;
    Convolution stem_, last_;
    std::vector<Pair> blocks_;
    Buffer<float> chip_, stem_out_, images_[3], scratch_;
};

}  // namespace embedder
