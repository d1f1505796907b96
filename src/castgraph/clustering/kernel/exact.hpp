// Only for files that are compiled without contraction.
#pragma once

#include <cstdint>

namespace dbscan {

// The squared distance to the last bit: with float64, from the first coordinate to the last.
template <typename T>
double exact(const T* x, const T* y, std::int64_t d) {
    double sum = 0;
    for (std::int64_t i = 0; i < d; ++i) {
        const double difference = double(x[i]) - double(y[i]);
        sum += difference * difference;
    }
    return sum;
}

}  // namespace dbscan
