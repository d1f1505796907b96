// Sparse matrices and depthwise convolutions on lines of pixels.
//
// Source: E. Elsen, M. Dukhan, T. Gale and K. Simonyan, "Fast Sparse ConvNets", CVPR 2020: with the pixels of a
// channel side by side, each weight that is not zero is multiplied with vectors of pixels, and the others cost
// nothing.
#include "blazeface.hpp"
#include "simd.hpp"

namespace blazeface::FACES_ISA {
namespace {

using namespace simd::FACES_ISA;
constexpr int LANES = FACES_LANES;
using vfloat = Vector<LANES>::real;

// All filters at N neighbouring vectors.
template <int N>
void some_vectors(const Matrix& matrix, const float* lines, std::ptrdiff_t stride, float* const* outputs,
                  const float* const* added, std::ptrdiff_t line, bool with_relu) {
    const std::int32_t *starts = matrix.starts.data(), *inputs = matrix.inputs.data();
    const float *weights = matrix.weights.data(), *bias = matrix.bias.data();
    const int filters = int(matrix.bias.size());
    for (int filter = 0; filter < filters; ++filter) {
        vfloat sums[N];
#pragma GCC unroll 8
        for (int j = 0; j < N; ++j) sums[j] = bias[filter] + vfloat{};
        for (int entry = starts[filter]; entry < starts[filter + 1]; ++entry) {
            const float* from = lines + inputs[entry] * stride;
            const float weight = weights[entry];
#pragma GCC unroll 8
            for (int j = 0; j < N; ++j) sums[j] += weight * load<LANES>(from + j * LANES);
        }
#pragma GCC unroll 8
        for (int j = 0; j < N; ++j) {
            if (added) sums[j] += load<LANES>(added[j] + filter * line);
            if (with_relu) {
                const vfloat zero{};
                sums[j] = sums[j] > zero ? sums[j] : zero;
            }
            store(outputs[j] + filter * line, sums[j]);
        }
    }
}

// N neighbouring rows of one channel through a filter of 3x3, at every column; `from`: these rows, and those
// before and after.
template <int N>
inline void filtered(const float* const* from, const float* filter, float shift, int columns, float* const* to) {
    vfloat w[9];
#pragma GCC unroll 9
    for (int k = 0; k < 9; ++k) w[k] = filter[k] + vfloat{};
    for (int x = 0; x < columns; x += LANES) {
        vfloat sums[N];
#pragma GCC unroll 4
        for (int r = 0; r < N; ++r) sums[r] = shift + vfloat{};
#pragma GCC unroll 8
        for (int y = 0; y < N + 2; ++y)
#pragma GCC unroll 4
            for (int k = 0; k < 3; ++k) {
                const vfloat value = load<LANES>(from[y] + x + k - 1);
#pragma GCC unroll 4
                for (int r = 0; r < N; ++r)
                    if (y >= r && y < r + 3) sums[r] += w[(y - r) * 3 + k] * value;
            }
#pragma GCC unroll 4
        for (int r = 0; r < N; ++r) store(to[r] + x, sums[r]);
    }
}

}  // namespace

void multiply(const Matrix& matrix, const Lines& lines, int vectors, float* const* outputs, const float* const* added,
              std::ptrdiff_t line, bool with_relu) {
    int at = 0;
#define SOME_VECTORS(n)                                                                                                  \
    for (; at + n <= vectors; at += n)                                                                                   \
        some_vectors<n>(matrix, lines.values + at * LANES, lines.stride, outputs + at, added ? added + at : nullptr, line, \
                        with_relu);
    SOME_VECTORS(8)
    SOME_VECTORS(4)
    SOME_VECTORS(2)
    SOME_VECTORS(1)
#undef SOME_VECTORS
}

void depthwise(const Image& in, const float* filters, const float* shifts, int stride, int row, int rows,
               const float* zeros, float* between, const Lines& lines) {
    for (int channel = 0; channel < in.channels; ++channel) {
        const float* filter = filters + channel * 9;
        const auto line = [&](int y) { return y >= 0 && y < in.rows ? in.at(y, channel) : zeros; };
        if (stride == 1) {
            for (int r = 0; r < rows; r += 2) {
                const int y = row + r;
                const float* const from[] = {line(y - 1), line(y), line(y + 1), line(y + 2)};
                float* const to[] = {lines.at(channel, r), lines.at(channel, r + 1)};
                if (r + 1 < rows) filtered<2>(from, filter, shifts[channel], lines.columns, to);
                else filtered<1>(from, filter, shifts[channel], lines.columns, to);
            }
            continue;
        }
        for (int r = 0; r < rows; ++r) {
            const int y = 2 * (row + r);
            const float* const from[] = {line(y - 1), line(y), line(y + 1)};
            filtered<1>(from, filter, shifts[channel], in.columns, &between);
            float* to = lines.at(channel, r);
            for (int x = 0; x < in.columns / 2; ++x) to[x] = between[2 * x];
        }
    }
}

void enlarge(const Image& in, const Image& added, int row, float* between, const Image& out) {
    // A pixel's centre lies a quarter of a pixel before or after that of the pixel that it is made of.
    const int near = row / 2, other = row % 2 ? (near + 1 < in.rows ? near + 1 : near) : (near > 0 ? near - 1 : near);
    const int n = in.columns;
    for (int channel = 0; channel < in.channels; ++channel) {
        const float *a = in.at(near, channel), *b = in.at(other, channel), *plus = added.at(row, channel);
        float *v = between + 1, *to = out.at(row, channel);
        for (int x = 0; x < n; ++x) v[x] = 0.75f * a[x] + 0.25f * b[x];
        v[-1] = v[0];
        v[n] = v[n - 1];
        for (int x = 0; x < n; ++x) {
            to[2 * x] = (0.25f * v[x - 1] + 0.75f * v[x]) + plus[2 * x];
            to[2 * x + 1] = (0.75f * v[x] + 0.25f * v[x + 1]) + plus[2 * x + 1];
        }
    }
}

}  // namespace blazeface::FACES_ISA
