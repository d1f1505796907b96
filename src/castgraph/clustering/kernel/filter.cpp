// The inner loops. Compiled once for each instruction set; everything but `table` stays in this file.
#include "filter.hpp"

#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace dbscan::DBSCAN_ISA {
namespace {

constexpr int LANES = DBSCAN_LANES;
constexpr int VECTORS = LANES == 16 ? 4 : 2;  // columns in registers, as vectors
constexpr int COLUMNS = LANES * VECTORS;
constexpr int ROWS = 4;

typedef float Real __attribute__((vector_size(LANES * 4)));
typedef double Double __attribute__((vector_size(LANES * 4)));

#define INLINE static inline __attribute__((always_inline))

template <typename V, typename T>
INLINE V load(const T* p) {
    V v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <typename V, typename T>
INLINE void store(T* p, V v) {
    std::memcpy(p, &v, sizeof v);
}

INLINE Real broadcast(float value) { return value - Real{}; }

// Bit i is set where a[i] >= b[i].
INLINE std::uint64_t at_least(Real a, Real b) {
#if DBSCAN_LANES == 16
    return _mm512_cmp_ps_mask(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), _CMP_GE_OQ);
#elif DBSCAN_LANES == 8
    return unsigned(_mm256_movemask_ps(
        _mm256_cmp_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), _CMP_GE_OQ)));
#elif defined(__SSE2__)
    return unsigned(_mm_movemask_ps(_mm_cmpge_ps(reinterpret_cast<__m128>(a), reinterpret_cast<__m128>(b))));
#else
    std::uint64_t mask = 0;
    for (int i = 0; i < LANES; ++i) mask |= std::uint64_t(a[i] >= b[i]) << i;
    return mask;
#endif
}

// Products of ROWS rows with COLUMNS columns, held in registers.
INLINE void multiply(const float* const row[ROWS], const float* panel, int k, Real sums[ROWS][VECTORS]) {
    for (int r = 0; r < ROWS; ++r)
        for (int v = 0; v < VECTORS; ++v) sums[r][v] = Real{};
    for (int i = 0; i < k; ++i) {
        Real column[VECTORS];
        for (int v = 0; v < VECTORS; ++v) column[v] = load<Real>(panel + i * LEAF + v * LANES);
        for (int r = 0; r < ROWS; ++r) {
            const Real value = broadcast(row[r][i]);
            for (int v = 0; v < VECTORS; ++v) sums[r][v] += value * column[v];
        }
    }
}

void lower(const float* centres, int n, const float* panel, const float* own, int k, float* along, float* least) {
    for (int first = 0; first < n; first += ROWS) {
        const float* row[ROWS];
        Real smallest[ROWS];
        for (int r = 0; r < ROWS; ++r) {
            row[r] = centres + std::int64_t(first + r < n ? first + r : n - 1) * k;
            smallest[r] = broadcast(__builtin_inff());
        }
        for (int column = 0; column < LEAF; column += COLUMNS) {
            Real sums[ROWS][VECTORS];
            multiply(row, panel + column, k, sums);
            for (int r = 0; r < ROWS && first + r < n; ++r)
                for (int v = 0; v < VECTORS; ++v) {
                    const Real value = load<Real>(own + column + v * LANES) - sums[r][v];
                    store(along + (first + r) * LEAF + column + v * LANES, value);
                    smallest[r] = value < smallest[r] ? value : smallest[r];
                }
        }
        for (int r = 0; r < ROWS && first + r < n; ++r) {
            float value = smallest[r][0];
            for (int i = 1; i < LANES; ++i) value = smallest[r][i] < value ? smallest[r][i] : value;
            least[first + r] = value;
        }
    }
}

std::uint64_t at_most(const float* values, float limit) {
    std::uint64_t mask = 0;
    const Real bound = broadcast(limit);
    for (int j = 0; j < LEAF; j += LANES) mask |= at_least(bound, load<Real>(values + j)) << j;
    return mask;
}

void candidates(const float* rows, const std::uint8_t* chosen, int n, const float* limits, const float* panel,
                const float* half, int k, std::uint64_t* masks) {
    for (int first = 0; first < n; first += ROWS) {
        const float* row[ROWS];
        std::uint64_t mask[ROWS] = {};
        for (int r = 0; r < ROWS; ++r) row[r] = rows + chosen[first + r < n ? first + r : n - 1] * k;
        for (int column = 0; column < LEAF; column += COLUMNS) {
            Real sums[ROWS][VECTORS];
            multiply(row, panel + column, k, sums);
            for (int r = 0; r < ROWS && first + r < n; ++r)
                for (int v = 0; v < VECTORS; ++v) {
                    const int j = column + v * LANES;
                    mask[r] |= at_least(sums[r][v], load<Real>(half + j) + limits[first + r]) << j;
                }
        }
        for (int r = 0; r < ROWS && first + r < n; ++r) masks[first + r] = mask[r];
    }
}

template <typename T, typename V>
INLINE T squared(const T* x, const T* y, std::int64_t d) {
    constexpr int lanes = int(sizeof(V) / sizeof(T));
    V first{}, second{};
    std::int64_t i = 0;
    for (; i + 2 * lanes <= d; i += 2 * lanes) {
        const V a = load<V>(x + i) - load<V>(y + i), b = load<V>(x + i + lanes) - load<V>(y + i + lanes);
        first += a * a;
        second += b * b;
    }
    first += second;
    T sum = 0;
    for (int lane = 0; lane < lanes; ++lane) sum += first[lane];
    for (; i < d; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sum;
}

float squared32(const float* x, const float* y, std::int64_t d) { return squared<float, Real>(x, y, d); }
double squared64(const double* x, const double* y, std::int64_t d) { return squared<double, Double>(x, y, d); }

#if defined(DBSCAN_BYTES)

#if DBSCAN_LANES == 16

typedef __m512i Bytes;
constexpr int BYTE_MOST = 127, BYTE_STEP = 4;

INLINE Bytes four(const std::uint8_t* p) {
    std::int32_t value;
    std::memcpy(&value, p, 4);
    return _mm512_set1_epi32(value);
}

// Four bytes of each column are multiplied with four of a row and summed, in one instruction.
INLINE Bytes add_products(Bytes sum, const std::uint8_t* row, const std::int8_t* column) {
    return _mm512_dpbusd_epi32(sum, four(row), load<Bytes>(column));
}

// Bit i is set where 2 * sums[i] >= bounds[i].
INLINE std::uint64_t twice_at_least(Bytes sums, Bytes bounds) {
    return _mm512_cmpge_epi32_mask(_mm512_slli_epi32(sums, 1), bounds);
}

#else

typedef __m256i Bytes;
constexpr int BYTE_MOST = 63, BYTE_STEP = 8;  // so that four products fit into 16 bits

INLINE Bytes four(const std::uint8_t* p) {
    std::int32_t value;
    std::memcpy(&value, p, 4);
    return _mm256_set1_epi32(value);
}

INLINE Bytes add_products(Bytes sum, const std::uint8_t* row, const std::int8_t* column) {
    const Bytes pairs = _mm256_add_epi16(_mm256_maddubs_epi16(four(row), load<Bytes>(column)),
                                         _mm256_maddubs_epi16(four(row + 4), load<Bytes>(column + 4 * LEAF)));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

INLINE std::uint64_t twice_at_least(Bytes sums, Bytes bounds) {
    const Bytes less = _mm256_cmpgt_epi32(bounds, _mm256_slli_epi32(sums, 1));
    return ~unsigned(_mm256_movemask_ps(_mm256_castsi256_ps(less))) & 0xffu;
}

#endif

typedef std::int32_t Whole __attribute__((vector_size(LANES * 4)));

void byte_candidates(const std::uint8_t* rows, const std::uint8_t* chosen, int n, const std::int32_t* limits,
                     const std::int8_t* panel, const std::int32_t* columns, int k, std::uint64_t* masks) {
    for (int first = 0; first < n; first += ROWS) {
        const std::uint8_t* row[ROWS];
        std::uint64_t mask[ROWS] = {};
        for (int r = 0; r < ROWS; ++r) row[r] = rows + chosen[first + r < n ? first + r : n - 1] * k;
        for (int column = 0; column < LEAF; column += COLUMNS) {
            Bytes sums[ROWS][VECTORS] = {};
            for (int i = 0; i < k; i += BYTE_STEP)
                for (int r = 0; r < ROWS; ++r)
                    for (int v = 0; v < VECTORS; ++v)
                        sums[r][v] = add_products(sums[r][v], row[r] + i, panel + i * LEAF + (column + v * LANES) * 4);
            for (int r = 0; r < ROWS && first + r < n; ++r)
                for (int v = 0; v < VECTORS; ++v) {
                    const int j = column + v * LANES;
                    const Whole bounds = load<Whole>(columns + j) + limits[first + r];
                    mask[r] |= twice_at_least(sums[r][v], reinterpret_cast<Bytes>(bounds)) << j;
                }
        }
        for (int r = 0; r < ROWS && first + r < n; ++r) masks[first + r] = mask[r];
    }
}

#endif

}  // namespace

Kernels table() {
    Kernels kernels{"", lower, at_most, candidates, 0, 1, nullptr, squared32, squared64};
#if defined(DBSCAN_BYTES)
    kernels.byte_most = BYTE_MOST;
    kernels.byte_step = BYTE_STEP;
    kernels.byte_candidates = byte_candidates;
#endif
    return kernels;
}

}  // namespace dbscan::DBSCAN_ISA
