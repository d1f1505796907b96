// What is compiled once for each instruction set.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dbscan {

constexpr int LEAF = 64;  // points of a leaf, the columns that are compared at once

struct Kernels {
    const char* name;

    // For the points of one leaf: along[i * LEAF + j] = own[j] - centre i · point j, least[i] = the smallest.
    void (*lower)(const float* centres, int n, const float* panel, const float* own, int k, float* along,
                  float* least);

    // Bit j is set where values[j] <= limit.
    std::uint64_t (*at_most)(const float* values, float limit);

    // Bit j of masks[i] is set where row chosen[i] · column j >= limits[i] + half[j].
    void (*candidates)(const float* rows, const std::uint8_t* chosen, int n, const float* limits, const float* panel,
                       const float* half, int k, std::uint64_t* masks);

    // The same with coordinates that are bytes: 2 * row · column >= limits[i] + columns[j]. The bytes of rows are
    // unsigned, those of the panel signed and in groups: 4 coordinates of LEAF points, and again. k is a multiple
    // of byte_step; bytes are at most byte_most, and those of rows 1 more than twice that. Null where the kernel
    // has none.
    int byte_most, byte_step;
    void (*byte_candidates)(const std::uint8_t* rows, const std::uint8_t* chosen, int n, const std::int32_t* limits,
                            const std::int8_t* panel, const std::int32_t* columns, int k, std::uint64_t* masks);

    float (*squared32)(const float* x, const float* y, std::int64_t d);
    double (*squared64)(const double* x, const double* y, std::int64_t d);
};

// Those that this machine can run, the best first.
std::vector<Kernels> kernels();

Kernels kernel_of(const std::string& name);

#define DBSCAN_DECLARE(isa) \
    namespace isa {         \
    Kernels table();        \
    }
DBSCAN_DECLARE(portable)
DBSCAN_DECLARE(avx2)
DBSCAN_DECLARE(avx512)
DBSCAN_DECLARE(vnni)
#undef DBSCAN_DECLARE

}  // namespace dbscan
