// What the filter uses of Intel AMX: eight registers ("tiles") of at most 16 rows of 64 bytes. How many rows and
// bytes count is configured for each tile, by each thread for itself.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: LDTILECFG, TILELOADD, TILEZERO,
// TDPBUSD, TILESTORED.
#pragma once

#include <cstdint>

#if defined(DBSCAN_EMULATE_AMX)
#include <cstring>
#endif

namespace dbscan {
namespace {  // everything stays in the file that includes this
namespace tile {

constexpr int COUNT = 8, ROWS = 16, BYTES = 64;

// As LDTILECFG reads it.
struct alignas(64) Configuration {
    std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
    std::uint16_t bytes[16] = {};  // of a row, for each tile; what is beyond COUNT is 0
    std::uint8_t rows[16] = {};
};
static_assert(sizeof(Configuration) == 64);

#if !defined(DBSCAN_EMULATE_AMX)

// The intrinsics of GCC do not tell the compiler which memory they read, so what is to be read may not be written
// yet. Hence these.

inline void configure(const Configuration& configuration) {  // zeroes all tiles
    asm volatile("ldtilecfg %0" : : "m"(configuration));
}

template <int TILE>
inline void load(const void* rows, std::int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(rows), "r"(stride), "i"(TILE) : "memory");
}

template <int TILE>
inline void store(void* rows, std::int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(rows), "r"(stride), "i"(TILE) : "memory");
}

template <int TILE>
inline void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(TILE));
}

// SUMS[m][n] += the products of the unsigned bytes A[m][4i..] with the signed bytes B[i][4n..], for all i.
template <int SUMS, int A, int B>
inline void multiply() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(SUMS), "i"(A), "i"(B));
}

#else

// The same in plain C++, for tests. What faults in a processor throws.

struct State {
    Configuration configuration{.palette = 0};
    std::uint8_t data[COUNT][ROWS][BYTES] = {};
};

inline State& state() {
    static thread_local State state;
    return state;
}

inline void require(bool condition, const char* what) {
    if (!condition) throw what;
}

inline void configure(const Configuration& c) {
    require(reinterpret_cast<std::uintptr_t>(&c) % 64 == 0, "a configuration that is not aligned");  // slow, no fault
    require(c.palette == 1 && c.start_row == 0, "palette or start_row");
    for (const std::uint8_t byte : c.reserved) require(byte == 0, "reserved bytes");
    for (int i = 0; i < 16; ++i) {
        require(c.bytes[i] <= (i < COUNT ? BYTES : 0) && c.rows[i] <= (i < COUNT ? ROWS : 0), "too large a tile");
        require((c.bytes[i] == 0) == (c.rows[i] == 0), "rows without bytes, or bytes without rows");
    }
    state() = {c, {}};
}

// The rows and bytes that count.
inline int rows(int tile) {
    const Configuration& c = state().configuration;
    require(c.palette == 1 && c.rows[tile] > 0, "a tile that is not configured");
    return c.rows[tile];
}

inline int bytes(int tile) { return rows(tile), state().configuration.bytes[tile]; }

template <int TILE>
inline void zero() {
    static_assert(0 <= TILE && TILE < COUNT);
    rows(TILE);
    std::memset(state().data[TILE], 0, sizeof state().data[TILE]);
}

template <int TILE>
inline void load(const void* from, std::int64_t stride) {
    zero<TILE>();
    for (int m = 0; m < rows(TILE); ++m)
        std::memcpy(state().data[TILE][m], static_cast<const char*>(from) + m * stride, bytes(TILE));
}

template <int TILE>
inline void store(void* to, std::int64_t stride) {
    static_assert(0 <= TILE && TILE < COUNT);
    for (int m = 0; m < rows(TILE); ++m)
        std::memcpy(static_cast<char*>(to) + m * stride, state().data[TILE][m], bytes(TILE));
}

template <int SUMS, int A, int B>
inline void multiply() {
    static_assert(SUMS != A && SUMS != B && A != B);
    require(bytes(SUMS) % 4 == 0 && bytes(A) % 4 == 0 && bytes(B) % 4 == 0, "bytes that are not groups of four");
    require(rows(SUMS) == rows(A) && bytes(SUMS) == bytes(B) && bytes(A) / 4 == rows(B), "shapes that do not fit");
    auto& data = state().data;
    for (int m = 0; m < ROWS; ++m) {
        std::uint32_t sums[BYTES / 4] = {};  // what does not count becomes 0
        if (m < rows(SUMS)) {
            std::memcpy(sums, data[SUMS][m], bytes(SUMS));
            for (int i = 0; i < rows(B); ++i)
                for (int n = 0; n < bytes(SUMS) / 4; ++n)
                    for (int byte = 0; byte < 4; ++byte)
                        sums[n] += std::uint32_t(data[A][m][4 * i + byte] * std::int8_t(data[B][i][4 * n + byte]));
        }
        std::memcpy(data[SUMS][m], sums, sizeof sums);
    }
}

#endif

}  // namespace tile
}  // namespace
}  // namespace dbscan
