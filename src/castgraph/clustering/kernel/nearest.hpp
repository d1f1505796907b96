// The nearest of groups of points, for average linkage.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "filter.hpp"

namespace dbscan {

// Groups and what is known of them; castgraph/clustering/merging.py says what each is.
struct Groups {
    std::int64_t n, k, finer_k, d;
    const float* rows;     // n x k
    const float* columns;  // n x k
    double slack, finer_slack, unit;
    const float* finer;    // n x finer_k
    const double* means;   // n x d
    const double* extra;
    const double* scale;
    const std::int32_t* frames;  // of each group those from begins[i] to begins[i + 1], ascending
    const std::int64_t* begins;
    double limit, share;
    const std::int32_t* order;  // groups that are compared, each once; the first n_sought with all that follow
    std::int64_t n_order, n_sought;
    double* least;          // of each group the squared distance of the nearest
    std::int32_t* nearest;  // and which it is, or -1
    std::uint8_t* near;     // set where there is any within the limit, one that must not be merged included
    int threads;
    std::string kernel;
};

// Finds nearer ones of all groups that are compared. Calls `poll` as `scan` does.
void nearest(const Groups& groups, const std::function<void(double)>& poll);

}  // namespace dbscan
