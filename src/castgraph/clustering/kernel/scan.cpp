#include "scan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "exact.hpp"
#include "threads.hpp"

namespace dbscan {

namespace {

constexpr double ROUNDING32 = std::numeric_limits<float>::epsilon();
constexpr double ROUNDING64 = std::numeric_limits<double>::epsilon();
constexpr int FEW_DIMENSIONS = 15;  // so few are measured exactly at once
// Bytes are used where their rounding widens eps by no more than this share.
constexpr double MOST_BYTE_ROUNDING = 0.2;

// What one thread works with.
struct Scratch {
    std::vector<std::int32_t> roots[2];  // of leaves, for each level
    std::vector<float> along[2], least[2];
    std::vector<std::int8_t> needed;
    std::vector<bool> wanted[2];
};

class Search {
public:
    Search(const Task& task, const Kernels& kernels)
        : t_(task), run_(kernels), n_levels_(int(task.squares.size())), n_slots_(task.n_leaves * LEAF) {
        for (int level = 0; level < n_levels_; ++level) {
            levels_.push_back(std::make_unique<Level>(t_.core + level * t_.n, t_.root + level * t_.n, t_.n, t_.min_samples));
            eps_.push_back(std::sqrt(t_.squares[level]));
        }
        for (const Pair& pair : t_.known) levels_[pair.level]->consume(pair.x, pair.y, locks_);
        const double window = double(t_.d + 8) * (t_.points32 ? ROUNDING32 : ROUNDING64);
        below_ = 1 - window;
        above_ = 1 + window;
        // With few dimensions, or where float32 could overflow, the exact distance is computed at once.
        always_exact_ = t_.d <= FEW_DIMENSIONS ||
                        (t_.points32 && !(t_.squares.front() > 1e-30 && t_.squares.back() < 1e30));
        uniform_ = std::vector<std::atomic<bool>>(std::size_t(t_.n_leaves) * n_levels_);
        prepare();
    }

    void tile(std::int64_t i, Scratch& s) {
        const std::int32_t* t = t_.tiles + 4 * i;
        const int n[2] = {t[1] - t[0], t[3] - t[2]}, first[2] = {t[0], t[2]};
        if (!find_needed(first, n, s)) return;
        project(first, n, s);
        for (int a = 0; a < n[0]; ++a)
            for (int b = 0; b < n[1]; ++b)
                if (s.needed[a * n[1] + b] >= 0) leaves(first, n, a, b, s);
    }

    std::vector<Pair> left() {
        std::vector<Pair> found;
        for (int l = 0; l < n_levels_; ++l) {
            Level& level = *levels_[l];
            for (std::int32_t x = 0; x < t_.n; ++x) {
                t_.root[l * t_.n + x] = level.root(x);
                if (level.core(x)) continue;
                for (const std::uint32_t y : level.neighbours(x))
                    if (x < std::int32_t(y) || level.core(std::int32_t(y)))
                        found.push_back({std::min(x, std::int32_t(y)), std::max(x, std::int32_t(y)), std::uint8_t(l)});
            }
        }
        return found;
    }

private:
    // What the filters need of each leaf: columns, norms, centres, and bytes where they are of use.
    void prepare() {
        const std::int64_t k = t_.k;
        panels_.resize(n_slots_ * k);
        half_.assign(n_slots_, std::numeric_limits<float>::infinity());
        own_.assign(n_slots_, std::numeric_limits<float>::infinity());
        centres_.assign(t_.n_leaves * k, 0.f);
        reach_.assign(t_.n_leaves, 0.f);
        float largest = 0;
        for (std::int64_t leaf = 0; leaf < t_.n_leaves; ++leaf) {
            const int size = t_.starts[leaf + 1] - t_.starts[leaf];
            const float* rows = t_.slots + leaf * LEAF * k;
            float* centre = &centres_[leaf * k];
            for (int j = 0; j < LEAF; ++j)
                for (std::int64_t i = 0; i < k; ++i) {
                    panels_[(leaf * k + i) * LEAF + j] = rows[j * k + i];
                    centre[i] += rows[j * k + i] / float(size);
                    largest = std::max(largest, std::abs(rows[j * k + i]));
                }
            for (int j = 0; j < size; ++j) {
                double square = 0, product = 0;
                for (std::int64_t i = 0; i < k; ++i) {
                    const double value = rows[j * k + i];
                    square += value * value;
                    product += value * centre[i];
                }
                half_[leaf * LEAF + j] = float(square / 2);
                own_[leaf * LEAF + j] = float(product);
                reach_[leaf] = std::max(reach_[leaf], float(std::sqrt(square)));
            }
        }
        if (run_.byte_candidates && largest > 0) prepare_bytes(run_.byte_most / double(largest));
    }

    // Coordinates rounded to whole numbers that are bytes; `residual` bounds what that moves a point.
    void prepare_bytes(double scale) {
        const std::int64_t k = (t_.k + run_.byte_step - 1) / run_.byte_step * run_.byte_step;
        const int most = run_.byte_most, above = most + 1;  // what makes bytes of rows unsigned
        const double radius = eps_.back() * t_.scale * scale;
        if (std::sqrt(double(k) / 12) * 2 > MOST_BYTE_ROUNDING * radius) return;
        byte_scale_ = scale;
        byte_panels_.assign(n_slots_ * k, 0);
        byte_rows_.assign(n_slots_ * k, std::uint8_t(above));
        byte_square_.assign(n_slots_, 0);
        byte_column_.assign(n_slots_, NEVER);
        residual_.assign(t_.n_leaves, 0.f);
        for (std::int64_t leaf = 0; leaf < t_.n_leaves; ++leaf)
            for (int j = 0; j < t_.starts[leaf + 1] - t_.starts[leaf]; ++j) {
                const std::int64_t slot = leaf * LEAF + j;
                double moved = 0;
                std::int32_t square = 0, sum = 0;
                for (std::int64_t i = 0; i < t_.k; ++i) {
                    const double value = t_.slots[slot * t_.k + i] * scale;
                    const int rounded = std::clamp(int(std::lrint(value)), -most, most);
                    byte_panels_[(leaf * k + i / 4 * 4) * LEAF + j * 4 + i % 4] = std::int8_t(rounded);
                    byte_rows_[slot * k + i] = std::uint8_t(rounded + above);
                    moved += (value - rounded) * (value - rounded);
                    square += rounded * rounded;
                    sum += rounded;
                }
                byte_square_[slot] = square;
                byte_column_[slot] = square + 2 * above * sum;
                residual_[leaf] = std::max(residual_[leaf], float(std::sqrt(moved)));
            }
        bytes_k_ = int(k);
    }

    // For each pair of leaves the place of the largest eps at which it may hold something new, or -1.
    bool find_needed(const int first[2], const int n[2], Scratch& s) {
        for (int side = 0; side < 2; ++side) {
            s.roots[side].resize(std::size_t(n[side]) * n_levels_);
            s.wanted[side].assign(n[side], false);
            for (int i = 0; i < n[side]; ++i)
                for (int l = 0; l < n_levels_; ++l) s.roots[side][i * n_levels_ + l] = uniform(first[side] + i, l);
        }
        s.needed.assign(std::size_t(n[0]) * n[1], -1);
        bool any = false;
        for (int a = 0; a < n[0]; ++a) {
            const std::int32_t apart = t_.apart[first[0] + a];
            for (int b = first[0] == first[1] ? a : 0; b < n[1]; ++b) {
                const std::int32_t other = t_.apart[first[1] + b];
                if (apart >= 0 && other >= 0 && apart != other) continue;
                for (int l = n_levels_ - 1; l >= 0; --l) {
                    const std::int32_t root = s.roots[0][a * n_levels_ + l];
                    if (root >= 0 && root == s.roots[1][b * n_levels_ + l]) continue;
                    s.needed[a * n[1] + b] = std::int8_t(l);
                    s.wanted[0][a] = s.wanted[1][b] = any = true;
                    break;
                }
            }
        }
        return any;
    }

    // The root of a leaf that holds nothing but core points of one component, or -1.
    std::int32_t uniform(std::int64_t leaf, int l) {
        std::atomic<bool>& known = uniform_[leaf * n_levels_ + l];
        Level& level = *levels_[l];
        const std::int32_t* rows = t_.order + t_.starts[leaf];
        const int size = t_.starts[leaf + 1] - t_.starts[leaf];
        if (!known) {
            if (!level.core(rows[0])) return -1;
            const std::int32_t root = level.root(rows[0]);
            for (int j = 1; j < size; ++j)
                if (!level.core(rows[j]) || level.root(rows[j]) != root) return -1;
            known = true;
        }
        return level.root(rows[0]);
    }

    // How far the points of each leaf lie along the lines from its centre to those of the other side.
    void project(const int first[2], const int n[2], Scratch& s) {
        for (int side = 0; side < 2; ++side) {
            const int m = n[1 - side];
            const float* centres = &centres_[std::int64_t(first[1 - side]) * t_.k];
            s.along[side].resize(std::size_t(n[side]) * m * LEAF);
            s.least[side].resize(std::size_t(n[side]) * m);
            for (int i = 0; i < n[side]; ++i) {
                if (!s.wanted[side][i]) continue;
                const std::int64_t leaf = first[side] + i;
                run_.lower(centres, m, &panels_[leaf * t_.k * LEAF], &own_[leaf * LEAF], int(t_.k),
                           &s.along[side][std::size_t(i) * m * LEAF], &s.least[side][std::size_t(i) * m]);
            }
        }
    }

    // One pair of leaves. No pair of points is within eps if the gap between the leaves along the line p - q
    // of their centres is wider: min over x in a of x·(p - q), less max over y in b of y·(p - q), against
    // eps |p - q|. The same with one point in place of a leaf tells which points are left.
    void leaves(const int first[2], const int n[2], int a, int b, Scratch& s) {
        const std::int64_t leaf[2] = {first[0] + a, first[1] + b};
        const int needed = s.needed[a * n[1] + b];
        const double reach = std::max(reach_[leaf[0]], reach_[leaf[1]]);
        // Of products of float32; and of underflow.
        const double slack = 4 * double(t_.k + 8) * ROUNDING32 * reach * reach + 1e-37;
        const double radius = eps_[needed] * t_.scale * (1 + 1e-6) + 2 * ROUNDING32 * reach;
        std::uint64_t left[2];
        if (leaf[0] == leaf[1]) {
            left[0] = left[1] = ~std::uint64_t(0);
        } else {
            const std::size_t at[2] = {std::size_t(a) * n[1] + b, std::size_t(b) * n[0] + a};
            const double square = run_.squared32(&centres_[leaf[0] * t_.k], &centres_[leaf[1] * t_.k], t_.k);
            const double limit = radius * std::sqrt(square) * (1 + 1e-5) + slack;
            if (double(s.least[0][at[0]]) + s.least[1][at[1]] > limit) return;
            for (int side = 0; side < 2; ++side) {
                left[side] = run_.at_most(&s.along[side][at[side] * LEAF], above(limit - s.least[1 - side][at[1 - side]]));
                if (!left[side]) return;
            }
        }
        const int side = std::popcount(left[0]) <= std::popcount(left[1]) ? 0 : 1;
        compare(leaf[side], left[side], leaf[1 - side], left[1 - side], radius, slack, s);
    }

    // The chosen points of leaf a with all of leaf b.
    void compare(std::int64_t a, std::uint64_t chosen, std::int64_t b, std::uint64_t columns, double radius, double slack,
                 Scratch& s) {
        std::uint8_t rows[LEAF];
        std::uint64_t masks[LEAF];
        int m = 0;
        for (const int size = t_.starts[a + 1] - t_.starts[a]; chosen; chosen &= chosen - 1)
            if (const int j = std::countr_zero(chosen); j < size) rows[m++] = std::uint8_t(j);
        if (bytes_k_) {
            // |x - y|² <= T²  =>  2 x·y >= |x|² + |y|² - T², in whole numbers.
            const double t = radius * byte_scale_ + residual_[a] + residual_[b] + 1e-3;
            const std::int32_t square = std::int32_t(std::min(t * t + 1, 1e8));
            std::int32_t limits[LEAF];
            for (int i = 0; i < m; ++i) limits[i] = byte_square_[a * LEAF + rows[i]] - square;
            run_.byte_candidates(&byte_rows_[a * LEAF * bytes_k_], rows, m, limits, &byte_panels_[b * LEAF * bytes_k_],
                                 &byte_column_[b * LEAF], bytes_k_, masks);
        } else {
            float limits[LEAF];
            for (int i = 0; i < m; ++i)
                limits[i] = below(half_[a * LEAF + rows[i]] - radius * radius / 2 - slack);
            run_.candidates(t_.slots + a * LEAF * t_.k, rows, m, limits, &panels_[b * t_.k * LEAF], &half_[b * LEAF],
                            int(t_.k), masks);
        }
        for (int i = 0; i < m; ++i) {
            std::uint64_t mask = masks[i] & columns;
            if (a == b) mask &= rows[i] < LEAF - 1 ? ~std::uint64_t(0) << (rows[i] + 1) : 0;  // each pair once
            for (; mask; mask &= mask - 1)
                candidate(t_.order[t_.starts[a] + rows[i]], t_.order[t_.starts[b] + std::countr_zero(mask)]);
        }
    }

    static float above(double value) { return std::nextafter(float(value), std::numeric_limits<float>::infinity()); }
    static float below(double value) { return std::nextafter(float(value), -std::numeric_limits<float>::infinity()); }

    // A pair that may be neighbours.
    void candidate(std::int32_t x, std::int32_t y) {
        if (levels_.front()->knows(x, y)) return;
        for (int l = finest_level(x, y); l < n_levels_; ++l) {
            if (levels_[l]->knows(x, y)) break;  // and so at all larger eps
            levels_[l]->consume(x, y, locks_);
        }
    }

    int finest_level(std::int32_t x, std::int32_t y) const {
        if (!always_exact_) {
            const double square = t_.points32 ? double(run_.squared32(row32(x), row32(y), t_.d))
                                              : run_.squared64(row64(x), row64(y), t_.d);
            const int low = first_at_least(square * below_);
            if (low == first_at_least(square * above_)) return low;
        }
        return first_at_least(t_.points32 ? exact(row32(x), row32(y), t_.d) : exact(row64(x), row64(y), t_.d));
    }

    int first_at_least(double square) const {
        return int(std::lower_bound(t_.squares.begin(), t_.squares.end(), square) - t_.squares.begin());
    }

    const float* row32(std::int32_t x) const { return t_.points32 + std::int64_t(x) * t_.d; }
    const double* row64(std::int32_t x) const { return t_.points64 + std::int64_t(x) * t_.d; }

    static constexpr std::int32_t NEVER = 1 << 30;

    const Task& t_;
    const Kernels& run_;
    const int n_levels_;
    const std::int64_t n_slots_;
    Locks locks_;
    std::vector<std::unique_ptr<Level>> levels_;
    std::vector<double> eps_;
    double below_, above_;
    bool always_exact_;
    std::vector<std::atomic<bool>> uniform_;
    // Of slots and leaves, as in Task::slots.
    std::vector<float> panels_, half_, own_, centres_, reach_, residual_;
    int bytes_k_ = 0;  // 0: no bytes
    double byte_scale_ = 0;
    std::vector<std::int8_t> byte_panels_;
    std::vector<std::uint8_t> byte_rows_;
    std::vector<std::int32_t> byte_square_, byte_column_;
};

}  // namespace

std::vector<Kernels> kernels() {
    std::vector<Kernels> found;
    const auto add = [&](const char* name, Kernels kernel) {
        kernel.name = name;
        found.push_back(kernel);
    };
#if defined(DBSCAN_X86)
    __builtin_cpu_init();
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx512 && __builtin_cpu_supports("avx512vnni")) add("avx512-vnni", vnni::table());
    if (avx512) add("avx512", dbscan::avx512::table());
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) add("avx2", avx2::table());
#endif
    add("portable", portable::table());
    return found;
}

Kernels kernel_of(const std::string& name) {
    for (const Kernels& kernel : kernels())
        if (kernel.name == name) return kernel;
    throw std::invalid_argument("this machine has no kernel " + name);
}

std::vector<Pair> scan(const Task& task, const std::function<void(double)>& poll) {
    const Kernels run = kernel_of(task.kernel);
    Search search(task, run);
    std::vector<Scratch> scratches(std::size_t(task.threads));
    in_threads(task.threads, task.n_tiles, [&](std::int64_t i, int worker) { search.tile(i, scratches[worker]); }, poll);
    return search.left();
}

}  // namespace dbscan
