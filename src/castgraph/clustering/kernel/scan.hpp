// All pairs of the points of chosen leaves, filtered, verified and consumed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "filter.hpp"
#include "state.hpp"

namespace dbscan {

// What is compared; castgraph/clustering/scan.py says what each is.
struct Task {
    const float* points32;   // n x d, or null
    const double* points64;  // n x d, or null
    std::int64_t n, d;
    const std::int32_t* order;
    const std::int32_t* starts;
    std::int64_t n_leaves;
    const float* slots;  // n_leaves x LEAF x k
    std::int64_t k;
    double scale;
    const std::int32_t* tiles;  // n_tiles x 4
    std::int64_t n_tiles;
    const std::int32_t* apart;
    std::vector<double> squares;  // of each eps, ascending
    std::int64_t min_samples;
    std::uint8_t* core;   // levels x n
    std::int32_t* root;   // levels x n
    std::vector<Pair> known;  // those with a point that is not core, of each level
    int threads;
    std::string kernel;
};

// Gives the pairs with a point that is not core, of each level; all else is in `core` and `root`.
// Calls `poll` with the share that is done, from the calling thread, several times a second. What it throws
// stops the work.
std::vector<Pair> scan(const Task& task, const std::function<void(double)>& poll);

}  // namespace dbscan
