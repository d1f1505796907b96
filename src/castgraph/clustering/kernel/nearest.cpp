#include "nearest.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "exact.hpp"
#include "state.hpp"
#include "threads.hpp"

namespace dbscan {

namespace {

constexpr std::int64_t TILE = 32;  // leaves on a side: what both need fits into a core's cache
// What rounding may do to a distance of groups, as a share of the limit: many times more than it does.
constexpr double ROUNDING = 1e-9;

class Search {
public:
    Search(const Groups& groups, const Kernels& kernels)
        : g_(groups), run_(kernels), n_leaves_((g_.n_order + LEAF - 1) / LEAF), n_rows_((g_.n_sought + LEAF - 1) / LEAF) {
        std::iota(all_, all_ + LEAF, std::uint8_t(0));
        rows_.resize(std::size_t(g_.n_sought * g_.k));
        panels_.resize(std::size_t(n_leaves_ * g_.k * LEAF));
        half_.assign(std::size_t(n_leaves_ * LEAF), std::numeric_limits<float>::infinity());
        for (std::int64_t i = 0; i < g_.n_order; ++i) {
            const std::int64_t leaf = i / LEAF, j = i % LEAF;
            const float* column = g_.columns + g_.order[i] * g_.k;
            for (std::int64_t c = 0; c < g_.k; ++c) panels_[std::size_t((leaf * g_.k + c) * LEAF + j)] = column[c];
            half_[std::size_t(i)] = 0;
            if (i < g_.n_sought) std::copy_n(g_.rows + g_.order[i] * g_.k, g_.k, &rows_[std::size_t(i * g_.k)]);
        }
        n_tiles_ = (n_leaves_ + TILE - 1) / TILE;
        for (std::int64_t a = 0; a * TILE < n_rows_; ++a)
            for (std::int64_t b = a; b < n_tiles_; ++b) tiles_.push_back({a, b});
    }

    std::int64_t size() const { return std::int64_t(tiles_.size()); }

    void tile(std::int64_t i) {
        const auto [row, column] = tiles_[std::size_t(i)];
        for (std::int64_t a = row * TILE; a < std::min((row + 1) * TILE, n_rows_); ++a)
            for (std::int64_t b = std::max(column * TILE, a); b < std::min((column + 1) * TILE, n_leaves_); ++b)
                leaves(a, b);
    }

private:
    void leaves(std::int64_t a, std::int64_t b) {
        const int m = int(std::min<std::int64_t>(LEAF, g_.n_sought - a * LEAF));
        const double furthest = bound(b * LEAF, std::min((b + 1) * LEAF, g_.n_order));
        float limits[LEAF];
        std::uint64_t masks[LEAF];
        for (int r = 0; r < m; ++r) {
            const double most = std::max(furthest, bound(a * LEAF + r, a * LEAF + r + 1));
            limits[r] = std::nextafter(float(-most * g_.unit / 2 - g_.slack), -std::numeric_limits<float>::infinity());
        }
        run_.candidates(&rows_[std::size_t(a * LEAF * g_.k)], all_, m, limits, &panels_[std::size_t(b * g_.k * LEAF)],
                        &half_[std::size_t(b * LEAF)], int(g_.k), masks);
        for (int r = 0; r < m; ++r) {
            std::uint64_t mask = masks[r];
            if (a == b) mask &= r < LEAF - 1 ? ~std::uint64_t(0) << (r + 1) : 0;  // each pair once
            for (; mask; mask &= mask - 1)
                pair(g_.order[a * LEAF + r], g_.order[b * LEAF + std::countr_zero(mask)]);
        }
    }

    // What is further than this is of no use to any of these.
    double bound(std::int64_t begin, std::int64_t end) const {
        double most = -std::numeric_limits<double>::infinity();
        for (std::int64_t i = begin; i < end; ++i) most = std::max(most, least(g_.order[i]));
        return std::min(most, g_.limit) + ROUNDING * g_.limit;
    }

    void pair(std::int32_t x, std::int32_t y) {
        if (x > y) std::swap(x, y);
        const double* p = g_.means + x * g_.d;
        const double* q = g_.means + y * g_.d;
        const double most = std::min(std::max(least(x), least(y)), g_.limit) + ROUNDING * g_.limit;
        const double extra = g_.extra[x] + g_.extra[y], scale = g_.scale[x] * g_.scale[y];
        const double coarse = run_.squared32(g_.finer + x * g_.finer_k, g_.finer + y * g_.finer_k, g_.finer_k);
        if (((coarse - g_.finer_slack) / g_.unit + extra) * scale > most) return;
        // Rounded otherwise than the true one, and by instruction set, so it only rules out.
        const double quick = run_.squared64(p, q, g_.d);
        const double error = double(g_.d + 16) * std::numeric_limits<double>::epsilon() * (quick + std::abs(extra));
        if ((quick + extra - error) * scale > most) return;
        const double square = (exact(p, q, g_.d) + g_.extra[x] + g_.extra[y]) * g_.scale[x] * g_.scale[y];
        if (square > g_.limit + ROUNDING * g_.limit) return;
        std::atomic_ref(g_.near[x]).store(1, std::memory_order_relaxed);
        std::atomic_ref(g_.near[y]).store(1, std::memory_order_relaxed);
        if (square > g_.limit || (square > least(x) && square > least(y)) || !may(x, y)) return;
        const Locks::Both locked(locks_, x, y);
        take(x, y, square);
        take(y, x, square);
    }

    // Of two that are equally near the first counts, whoever was found first.
    void take(std::int32_t x, std::int32_t y, double square) {
        if (square > g_.least[x] || (square == g_.least[x] && y > g_.nearest[x])) return;
        std::atomic_ref(g_.least[x]).store(square, std::memory_order_relaxed);
        g_.nearest[x] = y;
    }

    // It only gets less, so a value that is out of date only costs time.
    double least(std::int32_t x) const { return std::atomic_ref(g_.least[x]).load(std::memory_order_relaxed); }

    // Whether two groups are hardly ever seen in one frame.
    bool may(std::int32_t x, std::int32_t y) const {
        if (g_.begins[x + 1] - g_.begins[x] > g_.begins[y + 1] - g_.begins[y]) std::swap(x, y);
        const std::int32_t *few = g_.frames + g_.begins[x], *end = g_.frames + g_.begins[x + 1];
        const std::int32_t *many = g_.frames + g_.begins[y], *last = g_.frames + g_.begins[y + 1];
        const double most = g_.share * double(end - few);
        for (std::int64_t shared = 0; few != end && many != last; ++few) {
            many = std::lower_bound(many, last, *few);
            if (many != last && *many == *few && double(++shared) > most) return false;
        }
        return true;
    }

    const Groups& g_;
    const Kernels& run_;
    const std::int64_t n_leaves_, n_rows_;
    std::int64_t n_tiles_;
    std::uint8_t all_[LEAF];
    struct Tile {
        std::int64_t row, column;
    };
    std::vector<Tile> tiles_;
    std::vector<float> rows_, panels_, half_;
    Locks locks_;
};

}  // namespace

void nearest(const Groups& groups, const std::function<void(double)>& poll) {
    const Kernels run = kernel_of(groups.kernel);
    Search search(groups, run);
    in_threads(groups.threads, search.size(), [&](std::int64_t i, int) { search.tile(i); }, poll);
}

}  // namespace dbscan
