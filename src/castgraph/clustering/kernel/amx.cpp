// Whether the kernel for Intel AMX can be used. Compiled for any processor.
#include <thread>
#include <vector>

#include "filter.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace dbscan {

namespace {

// 2 * row · column, one byte after the other.
std::int32_t twice(const std::uint8_t* row, const std::int8_t* column, int k) {
    std::int32_t sum = 0;
    for (int i = 0; i < k; ++i) sum += row[i] * column[i];
    return 2 * sum;
}

bool correct(const Kernels& kernel, int n, int k, std::uint32_t& random) {
    const auto next = [&] { return int((random = random * 1664525u + 1013904223u) >> 24); };
    std::vector<std::uint8_t> rows(LEAF * k), chosen(n);
    std::vector<std::int8_t> points(LEAF * k), panel(LEAF * k);
    std::vector<std::int32_t> limits(n), columns(LEAF);
    std::vector<std::uint64_t> masks(n);
    for (std::uint8_t& value : rows) value = std::uint8_t(next());
    for (int j = 0; j < LEAF; ++j) {
        columns[j] = 64 * next();
        for (int i = 0; i < k; ++i)
            panel[i / 4 * 4 * LEAF + j * 4 + i % 4] = points[j * k + i] = std::int8_t(next() - 128);
    }
    // Column i is at the limit of row i, then below it.
    for (int beyond = 0; beyond < 2; ++beyond) {
        for (int i = 0; i < n; ++i) {
            chosen[i] = std::uint8_t((37 * i + 5) % LEAF);
            limits[i] = twice(&rows[chosen[i] * k], &points[i * k], k) - columns[i] + beyond;
        }
        kernel.byte_candidates(rows.data(), chosen.data(), n, limits.data(), panel.data(), columns.data(), k,
                               masks.data());
        for (int i = 0; i < n; ++i)
            for (int j = 0; j < LEAF; ++j) {
                const bool expected = twice(&rows[chosen[i] * k], &points[j * k], k) >= limits[i] + columns[j];
                if (bool(masks[i] >> j & 1) != expected) return false;
            }
    }
    return true;
}

}  // namespace

bool amx_permitted() {
#if defined(__x86_64__) && defined(__linux__)
    constexpr unsigned OSXSAVE = 1u << 27, TILE = 1u << 24, INT8 = 1u << 25, STATE = 3u << 17;
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & TILE) || !(d & INT8)) return false;
    unsigned low, high;  // what the system saves and restores
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & STATE) != STATE) return false;
    // Linux wants to be asked, once in a process (Documentation/arch/x86/xstate.rst).
    constexpr long ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

bool correct(const Kernels& kernel) {
    bool right = true;
    // In a thread of its own: what is configured is that thread's, and the caller's may be another library's.
    std::thread([&] {
        std::uint32_t random = 1;
        for (const int n : {1, 5, 16, 17, LEAF})
            for (const int k : {4, 32, 40, 64}) right = right && correct(kernel, n, k, random);
    }).join();
    return right;
}

}  // namespace dbscan
