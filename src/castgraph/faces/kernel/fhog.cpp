// Felzenszwalb's HOG features as dlib computes them, and the scores of separable filters on them.
//
// Sources: P. Felzenszwalb, R. Girshick, D. McAllester, D. Ramanan, "Object Detection with Discriminatively
// Trained Part Based Models", PAMI 32(9), 2010; dlib's extract_fhog_features and scan_fhog_pyramid
// (dlib 20.0.1). Gradients and orientations are dlib's exactly; sums differ from dlib's in the order of their
// terms, that is in the last bits of a float.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "hog.hpp"
#include "simd.hpp"

namespace hog::FACES_ISA {
namespace {

using namespace simd::FACES_ISA;
constexpr int LANES = FACES_LANES;
using vfloat = Vector<LANES>::real;
using vint = Vector<LANES>::whole;
typedef float vfour __attribute__((vector_size(16)));

constexpr int HALF = CELL / 2;
constexpr int SHIFT = 16;   // columns of slack before a row of magnitudes, so that a block may begin at -HALF
constexpr int TOGETHER = 8; // blocks done at once, so that equal orientations in a row do not wait for each other

// The orientation of a gradient among 18, as an exact rule on integers.
//
// dlib takes the direction with the largest dot product; its unit vectors have four decimals. Folded into the
// first quadrant, direction k + 1 beats direction k when |y| / |x| is above a ratio t of these decimals.
// No quotient of two numbers up to 255 equals any t, so the largest such quotient below t serves as well.
constexpr float STEEP_Y[4] = {43, 138, 230, 250};
constexpr float STEEP_X[4] = {244, 239, 193, 91};

// Magnitude and orientation of the gradient of the strongest channel at LANES columns; all numbers are whole and
// small, so float is exact. dlib does eight columns at a time, and there the later of two equal channels wins;
// in the columns that are left at the end of a row, the earlier.
template <bool LATER_WINS>
inline void gradients(const Planar& picture, int y, int x, float* magnitudes, std::uint8_t* bins) {
    vfloat dx, dy, length;
    for (int channel = 0; channel < 3; ++channel) {
        const std::uint8_t* here = picture.row(channel, y) + x;
        const vfloat gx = from_bytes<LANES>(here + 1) - from_bytes<LANES>(here - 1);
        const vfloat gy = from_bytes<LANES>(here + picture.stride) - from_bytes<LANES>(here - picture.stride);
        const vfloat square = gx * gx + gy * gy;
        if (channel == 0) {
            dx = gx;
            dy = gy;
            length = square;
            continue;
        }
        const vint wins = LATER_WINS ? square >= length : square > length;
        dx = wins ? gx : dx;
        dy = wins ? gy : dy;
        length = wins ? square : length;
    }
    store(magnitudes + x, square_root<LANES>(length));

    const vfloat ax = dx < 0.0f ? -dx : dx, ay = dy < 0.0f ? -dy : dy;
    vint steps = {};
    for (int k = 0; k < 4; ++k) steps += ay * STEEP_X[k] > ax * STEEP_Y[k];
    const vint sector = -steps;
    // Mirror back: direction o + 9 is the opposite of o; of equals the first wins.
    const vint up = dx >= 0.0f ? sector : 9 - sector;
    const vint down = dx <= 0.0f ? 9 + sector : 18 - sector;
    const vint bin = dy >= 0.0f ? up : down;
    to_bytes<LANES>(bins + x, bin == 18 ? vint{} : bin);
}

struct Weights {
    // What a pixel at (y, x) of a block adds to the four cells around it: above left, below left, above right,
    // below right.
    vfour at[CELL][CELL];
    constexpr Weights() : at{} {
        for (int y = 0; y < CELL; ++y)
            for (int x = 0; x < CELL; ++x) {
                const float down = (y + 0.5f) / CELL, right = (x + 0.5f) / CELL;
                at[y][x] = vfour{(1 - down) * (1 - right), down * (1 - right), (1 - down) * right, down * right};
            }
    }
};
const Weights WEIGHTS;

// Orientation histograms of all cells: planes of (cells_rows + 2) x stride, one a bin.
void histograms(const Planar& picture, int cells_rows, int cells_columns, std::ptrdiff_t stride, Level& level) {
    const int last_row = std::min(cells_rows * CELL, picture.height) - 1;
    const int last_column = std::min(cells_columns * CELL, picture.width) - 1;
    // Where dlib's columns in eights end.
    const int eights = 1 + std::max(last_column - 1, 0) / 8 * 8;
    const std::ptrdiff_t plane = (cells_rows + 2) * stride;
    float* histogram = level.histogram.reserve(BINS * plane + MARGIN);
    std::memset(histogram, 0, BINS * plane * sizeof(float));

    const std::ptrdiff_t line = (cells_columns + 2) * CELL + 2 * SHIFT + MARGIN;
    float* magnitudes = level.magnitudes.reserve(CELL * line);
    std::memset(magnitudes, 0, CELL * line * sizeof(float));
    std::uint8_t* bins = level.bins.reserve(CELL * line);
    std::memset(bins, 0, CELL * line);

    // Blocks of pixels that lie between the same four cell centres.
    for (int by = 0; by <= cells_rows; ++by) {
        const int top = by * CELL - HALF;
        for (int ky = 0; ky < CELL; ++ky) {
            const int y = top + ky;
            float* magnitude = magnitudes + ky * line + SHIFT;
            if (y < 1 || y >= last_row) {
                std::memset(magnitude - SHIFT, 0, line * sizeof(float));
                continue;
            }
            std::uint8_t* bin = bins + ky * line + SHIFT;
            for (int x = 1; x < eights; x += LANES) gradients<true>(picture, y, x, magnitude, bin);
            for (int x = eights; x < last_column; x += LANES) gradients<false>(picture, y, x, magnitude, bin);
            std::fill_n(magnitude + last_column, LANES + CELL, 0.0f);
        }
        for (int bx = 0; bx <= cells_columns; bx += TOGETHER) {
            alignas(64) vfour sums[TOGETHER][BINS];
            std::memset(sums, 0, sizeof sums);
            const std::ptrdiff_t left = bx * CELL - HALF + SHIFT;
            for (int ky = 0; ky < CELL; ++ky) {
                const float* magnitude = magnitudes + ky * line + left;
                const std::uint8_t* bin = bins + ky * line + left;
                for (int kx = 0; kx < CELL; ++kx) {
                    const vfour weights = WEIGHTS.at[ky][kx];
                    for (int i = 0; i < TOGETHER; ++i)
                        sums[i][bin[i * CELL + kx]] += weights * magnitude[i * CELL + kx];
                }
            }
            for (int i = 0; i < TOGETHER; ++i) {
                float* cell = histogram + by * stride + bx + i;
                for (int o = 0; o < BINS; ++o, cell += plane) {
                    const vfour sum = sums[i][o];
                    cell[0] += sum[0];
                    cell[stride] += sum[1];
                    cell[1] += sum[2];
                    cell[stride + 1] += sum[3];
                }
            }
        }
    }
}

}  // namespace

void fhog(const Planar& picture, Level& level) {
    const int cells_rows = int(float(picture.height) / CELL + 0.5f);
    const int cells_columns = int(float(picture.width) / CELL + 0.5f);
    level.rows = std::max(cells_rows - 2, 0);
    level.columns = std::max(cells_columns - 2, 0);
    if (level.rows == 0 || level.columns == 0) {
        level.rows = level.columns = 0;
        return;
    }
    const std::ptrdiff_t cell_stride = (cells_columns + 2 + 15) / 16 * 16 + 16;
    const std::ptrdiff_t plane = (cells_rows + 2) * cell_stride;
    histograms(picture, cells_rows, cells_columns, cell_stride, level);
    const float* histogram = level.histogram.get();

    float* norms = level.norms.reserve((cells_rows + 2) * cell_stride + MARGIN);
    for (int y = 1; y <= cells_rows; ++y) {
        float* __restrict norm = norms + y * cell_stride;
        std::memset(norm, 0, cell_stride * sizeof(float));
        for (int o = 0; o < BINS / 2; ++o) {
            const float* __restrict one = histogram + o * plane + y * cell_stride;
            const float* __restrict opposite = one + BINS / 2 * plane;
            for (int x = 0; x < cell_stride; ++x) {
                const float sum = one[x] + opposite[x];
                norm[x] += sum * sum;
            }
        }
    }

    level.padded_rows = level.rows + FILTER - 1;
    level.stride = (level.columns + FILTER - 1 + 15) / 16 * 16 + 32;
    const std::ptrdiff_t feature_plane = level.padded_rows * level.stride;
    float* features = level.features.reserve(FEATURES * feature_plane + MARGIN);
    constexpr int BEFORE = (FILTER - 1) / 2;
    const int wide = (level.columns + LANES - 1) / LANES * LANES;
    for (int plane_index = 0; plane_index < FEATURES; ++plane_index) {
        float* row = features + plane_index * feature_plane;
        for (int y = 0; y < level.padded_rows; ++y, row += level.stride) {
            const bool outside = y < BEFORE || y >= BEFORE + level.rows;
            std::fill(row, row + (outside ? level.stride : BEFORE), 0.0f);
            std::fill(row + BEFORE + wide, row + level.stride, 0.0f);
        }
    }

    for (int y = 0; y < level.rows; ++y) {
        for (int x = 0; x < wide; x += LANES) {
            // dlib's cell (y, x) of features is cell (y + 2, x + 2) of the padded histogram. Each is normalised by
            // the energy of the four blocks of 2 x 2 cells that hold it.
            const float* here = norms + (y + 2) * cell_stride + x + 2;
            const float* const row[4] = {here + cell_stride, here - cell_stride, here + cell_stride, here - cell_stride};
            constexpr int SIDE[4] = {1, 1, -1, -1};
            vfloat cap[4], factor[4], texture[4] = {};
            for (int k = 0; k < 4; ++k) {
                const vfloat energy = (load<LANES>(here) + load<LANES>(here + SIDE[k])) +
                                      (load<LANES>(row[k]) + load<LANES>(row[k] + SIDE[k]));
                cap[k] = 0.2f * square_root<LANES>(energy + 0.0001f);
                factor[k] = 0.1f / cap[k];
                // Beyond the last column everything is zero.
                for (int lane = std::max(level.columns - x, 0); lane < LANES; ++lane) factor[k][lane] = 0.0f;
            }
            const auto normalised = [&](vfloat h, vfloat* sums) {
                vfloat part[4];
                for (int k = 0; k < 4; ++k) {
                    part[k] = (h < cap[k] ? h : cap[k]) * factor[k];
                    if (sums) sums[k] += part[k];
                }
                return (part[0] + part[1]) + (part[2] + part[3]);
            };
            const float* cell = histogram + (y + 2) * cell_stride + x + 2;
            float* feature = features + (y + BEFORE) * level.stride + x + BEFORE;
            for (int o = 0; o < BINS / 2; ++o) {
                const vfloat one = load<LANES>(cell + o * plane);
                const vfloat opposite = load<LANES>(cell + (o + BINS / 2) * plane);
                store(feature + o * feature_plane, normalised(one, texture));
                store(feature + (o + BINS / 2) * feature_plane, normalised(opposite, texture));
                store(feature + (o + BINS) * feature_plane, normalised(one + opposite, nullptr));
            }
            for (int k = 0; k < 4; ++k)
                store(feature + (3 * BINS / 2 + k) * feature_plane, texture[k] * float(2 * 0.2357));
        }
    }
}

// Each part is one pass along the rows and one down the columns. The parts on one plane are done together: the
// shifted loads of a row serve all of them, and of what the first pass makes only a few rows are kept.
void score(const std::vector<Part>& parts, int detectors, Level& level) {
    constexpr int ROWS = LANES == 16 ? 8 : 4;  // done at a time in registers
    constexpr int STRIP = 32, RING = 64;
    static_assert(STRIP + FILTER - 1 + ROWS <= RING && STRIP % ROWS == 0);
    const std::ptrdiff_t stride = level.stride;
    const int wide = (level.columns + LANES - 1) / LANES * LANES;
    const int tall = (level.rows + ROWS - 1) / ROWS * ROWS;  // scores below the last row are never read
    level.score_rows = tall;
    float* scores = level.scores.reserve(detectors * tall * stride + MARGIN);
    std::memset(scores, 0, detectors * tall * stride * sizeof(float));

    for (std::size_t begin = 0, end; begin < parts.size(); begin = end) {
        for (end = begin; end < parts.size() && parts[end].plane == parts[begin].plane; ++end) {}
        const std::size_t n = end - begin;
        const Part* const part = &parts[begin];
        float* ring = level.scratch.reserve(n * RING * stride + MARGIN);
        const float* feature = level.feature(part->plane);
        int filled = 0;
        for (int top = 0; top < tall; top += STRIP) {
            const int bottom = std::min(top + STRIP, tall);
            for (; filled < bottom + FILTER - 1; ++filled) {
                float* to = ring + (filled % RING) * stride;
                if (filled >= level.padded_rows) {
                    for (std::size_t p = 0; p < n; ++p, to += RING * stride) std::fill_n(to, wide, 0.0f);
                    continue;
                }
                for (int x = 0; x < wide; x += LANES) {
                    vfloat shifted[FILTER];
                    for (int k = 0; k < FILTER; ++k) shifted[k] = load<LANES>(feature + filled * stride + x + k);
                    for (std::size_t p = 0; p < n; ++p) {
                        vfloat even = part[p].row[0] * shifted[0], odd = part[p].row[1] * shifted[1];
                        for (int k = 2; k < FILTER; k += 2) {
                            even += part[p].row[k] * shifted[k];
                            odd += part[p].row[k + 1] * shifted[k + 1];
                        }
                        store(to + p * RING * stride + x, even + odd);
                    }
                }
            }
            for (std::size_t p = 0; p < n; ++p) {
                const float* from = ring + p * RING * stride;
                float* sums = scores + part[p].detector * tall * stride;
                for (int y = top; y < bottom; y += ROWS) {
                    for (int x = 0; x < wide; x += LANES) {
                        vfloat sum[ROWS];
                        for (int i = 0; i < ROWS; ++i) sum[i] = load<LANES>(sums + (y + i) * stride + x);
#pragma GCC unroll 32
                        for (int m = 0; m < ROWS + FILTER - 1; ++m) {
                            const vfloat value = load<LANES>(from + ((y + m) % RING) * stride + x);
#pragma GCC unroll 32
                            for (int i = 0; i < ROWS; ++i)
                                if (m - i >= 0 && m - i < FILTER) sum[i] += part[p].column[m - i] * value;
                        }
                        for (int i = 0; i < ROWS; ++i) store(sums + (y + i) * stride + x, sum[i]);
                    }
                }
            }
        }
    }
}

}  // namespace hog::FACES_ISA
