// dlib's bilinear interpolation, to the bit.
//
// Source: dlib's resize_image for RGB pictures (dlib/image_transforms/interpolation.h, dlib 20.0.1). It works in
// float, four columns at a time, and truncates; the position along a row is a float to which the step of four
// columns is added again and again. The columns that are left at the end of a row are done in double. Both
// have to be repeated exactly, since a value one lower changes the gradients, so this file is compiled
// without fused multiply-add.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "hog.hpp"
#include "simd.hpp"

namespace hog::FACES_ISA {
namespace {

using namespace simd::FACES_ISA;
constexpr int LANES = FACES_LANES < 8 ? 4 : 8;
using vfloat = Vector<LANES>::real;
using vint = Vector<LANES>::whole;

// How LANES neighbouring outputs take their inputs from a row: the place of the first, and which of the bytes
// from there on are each output's left and right neighbour.
struct Group {
    int first;
    std::uint8_t pick[2 * LANES];
    vfloat fraction;
};

struct Columns {
    int vector_columns = 0;  // columns done in float; dlib does four at a time
    Buffer<Group> groups;    // the last may reach beyond vector_columns
    bool shuffle = true;     // whether all inputs of each group lie within 16 bytes
};

Columns plan(int from, int to) {
    Columns columns;
    Group* group = columns.groups.reserve(to / LANES + 2);
    const double scale = (from - 1) / double(std::max(to - 1, 1));
    const float step = 4 * scale;
    float x[4];
    for (int lane = 0; lane < 4; ++lane) x[lane] = float(-4 * scale + lane * scale);
    int column = 0;
    for (;;) {
        for (float& position : x) position += step;
        if (column >= to || int(x[3]) + 1 >= from) break;
        for (float position : x) {
            const int lane = column++ % LANES, left = int(position);
            if (lane == 0) {
                *group = Group{};
                group->first = left;
            }
            group->pick[lane] = left - group->first;
            group->pick[LANES + lane] = left - group->first + 1;
            group->fraction[lane] = position - float(left);
            columns.shuffle = columns.shuffle && left - group->first + 1 < 16;
            if (lane == LANES - 1) ++group;
        }
    }
    columns.vector_columns = std::min(column, to);
    return columns;
}

// The left and right neighbours of LANES outputs in a row.
inline void take(const std::uint8_t* row, const Group& group, bool shuffle, vfloat& left, vfloat& right) {
#ifdef __AVX2__
    if (shuffle) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + group.first));
        const __m128i mask = _mm_loadu_si128(reinterpret_cast<const __m128i*>(group.pick));
        const __m128i picked = _mm_shuffle_epi8(bytes, mask);
        left = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(picked));
        right = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_unpackhi_epi64(picked, picked)));
        return;
    }
#endif
    std::uint8_t picked[2 * LANES];
    for (int i = 0; i < 2 * LANES; ++i) picked[i] = row[group.first + group.pick[i]];
    left = from_bytes<LANES>(picked);
    right = from_bytes<LANES>(picked + LANES);
}

}  // namespace

void resize(const Planar& from, Planar& to) {
    const Columns columns = plan(from.width, to.width);
    const double x_scale = (from.width - 1) / double(std::max(to.width - 1, 1));
    const double y_scale = (from.height - 1) / double(std::max(to.height - 1, 1));
    double y = -y_scale;
    for (int r = 0; r < to.height; ++r) {
        y += y_scale;
        const int top = std::min(int(std::floor(y)), from.height - 1);
        const int bottom = std::min(top + 1, from.height - 1);
        const double fraction = y - top;
        const vfloat below = float(fraction) + vfloat{}, above = float(1 - fraction) + vfloat{};
        for (int column = 0; column < columns.vector_columns; column += LANES) {
            const Group& group = columns.groups.get()[column / LANES];
            const vfloat right = group.fraction, left = 1.0f - right;
            const vfloat tl = above * left, tr = above * right, bl = below * left, br = below * right;
            for (int channel = 0; channel < 3; ++channel) {
                vfloat a, b, c, d;
                take(from.row(channel, top), group, columns.shuffle, a, b);
                take(from.row(channel, bottom), group, columns.shuffle, c, d);
                const vfloat value = tl * a + tr * b + bl * c + br * d;
                to_bytes<LANES>(to.row(channel, r) + column, __builtin_convertvector(value, vint));
            }
        }
        double x = -x_scale + columns.vector_columns * x_scale;
        for (int column = columns.vector_columns; column < to.width; ++column) {
            x += x_scale;
            const int left = std::min(int(std::floor(x)), from.width - 1);
            const int right = std::min(left + 1, from.width - 1);
            const double along = x - left;
            for (int channel = 0; channel < 3; ++channel) {
                const std::uint8_t *t = from.row(channel, top), *b = from.row(channel, bottom);
                const double value = (1 - fraction) * ((1 - along) * t[left] + along * t[right]) +
                                     fraction * ((1 - along) * b[left] + along * b[right]);
                to.row(channel, r)[column] = std::uint8_t(value);
            }
        }
    }
}

}  // namespace hog::FACES_ISA
