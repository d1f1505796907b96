// Convolutions of small pictures with many channels.
//
// Those of 3x3 with zeros around go by Winograd's F(4x4, 3x3), which multiplies a quarter as often.
// Sources: A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016 (transforms,
// sections 4.1 and 4.3); S. Winograd, "Arithmetic Complexity of Computations", SIAM 1980.
// The sums of an output are made in one order, whatever lies beside it, so it is the same in any company.
#include <algorithm>

#include "embedder.hpp"
#include "simd.hpp"

namespace embedder::FACES_ISA {
namespace {

using namespace simd::FACES_ISA;
constexpr int LANES = FACES_LANES;
using vfloat = Vector<LANES>::real;
constexpr int WIDE = 2;             // vectors of a block of filters
constexpr int BLOCK = WIDE * LANES;
constexpr int ROWS = 6;             // outputs that are made together: with WIDE, all but a few registers of AVX2

inline vfloat relu(vfloat v) {
    const vfloat zero{};
    return v > zero ? v : zero;
}

inline void finish(float* to, vfloat value, Then then) {
    if (then == Then::add_relu) value += load<LANES>(to);
    store(to, then == Then::nothing ? value : relu(value));
}

// Products of ROWS rows of inputs with a block of filters. A row is `segments` stretches of `length` inputs.
template <int N>
inline void multiply(const float* const* rows, int segments, std::ptrdiff_t segment, int length,
                     const float* weights, vfloat (&sums)[N][WIDE]) {
    for (int s = 0; s < segments; ++s) {
        const float* from[N];
        for (int i = 0; i < N; ++i) from[i] = rows[i] + s * segment;
        for (int k = 0; k < length; ++k, weights += BLOCK) {
            vfloat w[WIDE];
#pragma GCC unroll 4
            for (int j = 0; j < WIDE; ++j) w[j] = load<LANES>(weights + j * LANES);
#pragma GCC unroll 8
            for (int i = 0; i < N; ++i) {
                const float x = from[i][k];
#pragma GCC unroll 4
                for (int j = 0; j < WIDE; ++j) sums[i][j] += x * w[j];
            }
        }
    }
}

// The outputs of N rows for one block of filters, each stored at its place.
template <int N>
void direct_rows(const float* const* rows, float* const* outputs, int segments, std::ptrdiff_t segment, int length,
                 const float* weights, const float* bias, Then then) {
    vfloat sums[N][WIDE];
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < WIDE; ++j) sums[i][j] = load<LANES>(bias + j * LANES);
    multiply<N>(rows, segments, segment, length, weights, sums);
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < WIDE; ++j) finish(outputs[i] + j * LANES, sums[i][j], then);
}

template <int N>
void tile_rows(const float* rows, float* outputs, int inputs, int filters, const float* weights) {
    vfloat sums[N][WIDE]{};
    const float* starts[N];
    for (int i = 0; i < N; ++i) starts[i] = rows + std::ptrdiff_t(i) * inputs;
    multiply<N>(starts, 1, 0, inputs, weights, sums);
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < WIDE; ++j) store(outputs + std::ptrdiff_t(i) * filters + j * LANES, sums[i][j]);
}

// Calls a function template with as many rows as there are, ROWS or fewer.
#define FOR_ROWS(function, n, ...)                \
    switch (n) {                                  \
        case 1: function<1>(__VA_ARGS__); break;  \
        case 2: function<2>(__VA_ARGS__); break;  \
        case 3: function<3>(__VA_ARGS__); break;  \
        case 4: function<4>(__VA_ARGS__); break;  \
        case 5: function<5>(__VA_ARGS__); break;  \
        default: function<6>(__VA_ARGS__);        \
    }
static_assert(ROWS == 6);

// Six inputs of a line to the six points 0, 1, -1, 2, -2 and infinity.
inline void to_points(const vfloat d[REACH], vfloat out[REACH]) {
    const vfloat a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1];
    const vfloat c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
    out[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    out[1] = a + b;
    out[2] = a - b;
    out[3] = c + e;
    out[4] = c - e;
    out[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

// And the products there back to four outputs.
inline void from_points(const vfloat m[REACH], vfloat out[TILE]) {
    const vfloat a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], e = m[3] - m[4];
    out[0] = m[0] + a + c;
    out[1] = b + 2.0f * e;
    out[2] = a + 4.0f * c;
    out[3] = b + 8.0f * e + m[5];
}

struct Tile {
    int chip, row, column;  // of its first output
};

// The inputs of a tile at the points; `INSIDE`: none of them lies outside the picture.
template <bool INSIDE>
inline void to_tile(const Images& in, Tile tile, float* to, std::ptrdiff_t point) {
    const int top = tile.row - 1, left = tile.column - 1;
    const std::ptrdiff_t across = in.channels, down = std::ptrdiff_t(in.columns) * in.channels;
    const float* corner = in.at(tile.chip, 0, 0) + top * down + left * across;
    for (int channel = 0; channel < in.channels; channel += LANES, corner += LANES, to += LANES) {
        vfloat lines[REACH][REACH];  // [column of the points][row of the inputs]
#pragma GCC unroll 8
        for (int y = 0; y < REACH; ++y) {
            vfloat d[REACH], out[REACH];
#pragma GCC unroll 8
            for (int x = 0; x < REACH; ++x) {
                const bool is_there =
                    INSIDE || (top + y >= 0 && top + y < in.rows && left + x >= 0 && left + x < in.columns);
                d[x] = is_there ? load<LANES>(corner + y * down + x * across) : vfloat{};
            }
            to_points(d, out);
#pragma GCC unroll 8
            for (int x = 0; x < REACH; ++x) lines[x][y] = out[x];
        }
#pragma GCC unroll 8
        for (int x = 0; x < REACH; ++x) {
            vfloat out[REACH];
            to_points(lines[x], out);
#pragma GCC unroll 8
            for (int y = 0; y < REACH; ++y) store(to + (y * REACH + x) * point, out[y]);
        }
    }
}

// The products of a tile back to its outputs; `WHOLE`: all of them lie inside the picture.
template <bool WHOLE>
inline void from_tile(const float* from, std::ptrdiff_t point, Tile tile, const Images& in, const float* bias, Then then,
                      const Images& out) {
    const std::ptrdiff_t across = out.channels, down = std::ptrdiff_t(out.columns) * out.channels;
    float* corner = out.at(tile.chip, tile.row, tile.column);
    for (int channel = 0; channel < out.channels; channel += LANES, from += LANES, corner += LANES) {
        vfloat lines[TILE][REACH];  // [column of the outputs][row of the points]
#pragma GCC unroll 8
        for (int y = 0; y < REACH; ++y) {
            vfloat m[REACH], outputs[TILE];
#pragma GCC unroll 8
            for (int x = 0; x < REACH; ++x) m[x] = load<LANES>(from + (y * REACH + x) * point);
            from_points(m, outputs);
#pragma GCC unroll 8
            for (int x = 0; x < TILE; ++x) lines[x][y] = outputs[x];
        }
        const vfloat shift = load<LANES>(bias + channel);
#pragma GCC unroll 8
        for (int x = 0; x < TILE; ++x) {
            vfloat outputs[TILE];
            from_points(lines[x], outputs);
#pragma GCC unroll 8
            for (int y = 0; y < TILE; ++y)
                if (WHOLE || (tile.row + y < in.rows && tile.column + x < in.columns))
                    finish(corner + y * down + x * across, outputs[y] + shift, then);
        }
    }
}

inline bool is_whole(const Images& in, Tile tile) {
    return tile.row + TILE <= in.rows && tile.column + TILE <= in.columns;
}

inline bool is_inside(const Images& in, Tile tile) {
    return tile.row > 0 && tile.column > 0 && tile.row + TILE < in.rows && tile.column + TILE < in.columns;
}

}  // namespace

void convolve(const Convolution& layer, int chips, const Images& in, const Images& out, Then then) {
    constexpr int SPAN = 48 * ROWS;  // outputs whose inputs stay at hand while block after block is made
    const int segments = layer.window, length = layer.window * layer.inputs;
    const int rows = (in.rows - layer.window) / layer.stride + 1;
    const int columns = (in.columns - layer.window) / layer.stride + 1;
    const std::ptrdiff_t segment = std::ptrdiff_t(in.columns) * in.channels;
    const std::ptrdiff_t block = std::ptrdiff_t(segments) * length * BLOCK;
    const int n = chips * rows * columns;
    const float* from[SPAN];
    float* to[SPAN];
    for (int start = 0; start < n; start += SPAN) {
        const int here = std::min(SPAN, n - start);
        for (int i = 0; i < here; ++i) {
            const int chip = (start + i) / (rows * columns), place = (start + i) % (rows * columns);
            const int row = place / columns, column = place % columns;
            from[i] = in.at(chip, row * layer.stride, column * layer.stride);
            to[i] = out.at(chip, row, column);
        }
        for (int filter = 0; filter < layer.filters; filter += BLOCK) {
            const float* weights = layer.weights.get() + filter / BLOCK * block;
            float* moved[ROWS];
            for (int i = 0; i < here; i += ROWS) {
                const int m = std::min(ROWS, here - i);
                for (int r = 0; r < m; ++r) moved[r] = to[i + r] + filter;
                FOR_ROWS(direct_rows, m, from + i, moved, segments, segment, length, weights,
                         layer.bias.get() + filter, then)
            }
        }
    }
}

void convolve_tiles(const Convolution& layer, int chips, const Images& in, const Images& out, Then then,
                    float* scratch) {
    const int down = (in.rows + TILE - 1) / TILE, across = (in.columns + TILE - 1) / TILE;
    const int n = chips * down * across;
    const std::ptrdiff_t in_point = point_size(layer.inputs), out_point = point_size(layer.filters);
    const std::ptrdiff_t block = std::ptrdiff_t(layer.inputs) * BLOCK;
    const int blocks = layer.filters / BLOCK;
    float *values = scratch, *products = scratch + POINTS * in_point;
    Tile tiles[TOGETHER];
    for (int start = 0; start < n; start += TOGETHER) {
        const int here = std::min(TOGETHER, n - start);
        for (int i = 0; i < here; ++i) {
            const int chip = (start + i) / (down * across), place = (start + i) % (down * across);
            tiles[i] = {chip, place / across * TILE, place % across * TILE};
            const auto transform = is_inside(in, tiles[i]) ? to_tile<true> : to_tile<false>;
            transform(in, tiles[i], values + std::ptrdiff_t(i) * layer.inputs, in_point);
        }
        for (int point = 0; point < POINTS; ++point) {
            for (int b = 0; b < blocks; ++b) {
                const float* weights = layer.weights.get() + (std::ptrdiff_t(point) * blocks + b) * block;
                for (int i = 0; i < here; i += ROWS) {
                    const float* rows = values + point * in_point + std::ptrdiff_t(i) * layer.inputs;
                    float* sums = products + point * out_point + std::ptrdiff_t(i) * layer.filters + b * BLOCK;
                    FOR_ROWS(tile_rows, std::min(ROWS, here - i), rows, sums, layer.inputs, layer.filters, weights)
                }
            }
        }
        for (int i = 0; i < here; ++i) {
            const auto transform = is_whole(in, tiles[i]) ? from_tile<true> : from_tile<false>;
            transform(products + std::ptrdiff_t(i) * layer.filters, out_point, tiles[i], in, layer.bias.get(), then,
                      out);
        }
    }
}

}  // namespace embedder::FACES_ISA
