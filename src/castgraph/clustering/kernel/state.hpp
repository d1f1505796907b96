// What is known of a clustering while pairs of neighbours come in, from several threads at once.
// The same as castgraph/clustering/state.py, where what it means is written down.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace dbscan {

// Of points within eps of each other; level: the place of that eps.
struct Pair {
    std::int32_t x, y;
    std::uint8_t level;
};

// Neighbours of a point that is not core, ascending.
class Neighbours {
public:
    Neighbours() = default;
    Neighbours(const Neighbours&) = delete;
    Neighbours& operator=(const Neighbours&) = delete;
    ~Neighbours() { clear(); }

    std::uint32_t size() const { return list_ ? list_[0] : 0; }
    const std::uint32_t* begin() const { return list_ + 2; }
    const std::uint32_t* end() const { return list_ + 2 + size(); }

    bool insert(std::uint32_t value) {
        if (!list_ || list_[0] == list_[1]) grow(list_ ? 2 * list_[0] : 4);
        const std::uint32_t n = size();
        const std::ptrdiff_t place = std::lower_bound(begin(), end(), value) - begin();
        if (place < n && list_[2 + place] == value) return false;
        std::memmove(list_ + 3 + place, list_ + 2 + place, std::size_t(n - place) * sizeof(std::uint32_t));
        list_[2 + place] = value;
        list_[0] = n + 1;
        return true;
    }

    void clear() {
        std::free(list_);
        list_ = nullptr;
    }

private:
    void grow(std::uint32_t capacity) {
        const bool fresh = !list_;
        auto* larger = static_cast<std::uint32_t*>(std::realloc(list_, (2 + std::size_t(capacity)) * 4));
        if (!larger) throw std::bad_alloc();
        list_ = larger;
        if (fresh) list_[0] = 0;
        list_[1] = capacity;
    }

    std::uint32_t* list_ = nullptr;  // size, capacity, values
};

class Locks {
public:
    // Both points of a pair, in an order that all threads share.
    class Both {
    public:
        Both(Locks& locks, std::int32_t x, std::int32_t y) : a_(locks.of(x)), b_(locks.of(y)) {
            if (&a_ == &b_) {
                take(a_);
            } else {
                take(&a_ < &b_ ? a_ : b_);
                take(&a_ < &b_ ? b_ : a_);
            }
        }
        Both(const Both&) = delete;
        Both& operator=(const Both&) = delete;
        ~Both() {
            a_.clear(std::memory_order_release);
            if (&a_ != &b_) b_.clear(std::memory_order_release);
        }

    private:
        static void take(std::atomic_flag& flag) {
            while (flag.test_and_set(std::memory_order_acquire))
                while (flag.test(std::memory_order_relaxed)) {
                }
        }
        std::atomic_flag &a_, &b_;
    };

private:
    static constexpr std::uint32_t COUNT = 1u << 14;
    std::atomic_flag& of(std::int32_t x) { return flags_[(std::uint32_t(x) * 2654435761u) >> 18]; }
    std::vector<std::atomic_flag> flags_ = std::vector<std::atomic_flag>(COUNT);
};

class Level {
public:
    // `core` and `root` are the caller's arrays of n values.
    Level(std::uint8_t* core, std::int32_t* root, std::int64_t n, std::int64_t min_samples)
        : core_(core), root_(root), min_samples_(min_samples), neighbours_(new Neighbours[std::size_t(n)]) {}

    bool core(std::int32_t x) const { return std::atomic_ref(core_[x]).load(std::memory_order_seq_cst); }

    std::int32_t root(std::int32_t x) const {
        for (;;) {
            std::int32_t parent = at(x).load(std::memory_order_relaxed);
            if (parent == x) return x;
            const std::int32_t above = at(parent).load(std::memory_order_relaxed);
            if (above != parent) at(x).compare_exchange_weak(parent, above, std::memory_order_relaxed);
            x = above;
        }
    }

    // Both facts only ever become true, so an answer that is out of date only costs time.
    bool knows(std::int32_t x, std::int32_t y) const { return core(x) && core(y) && root(x) == root(y); }

    void consume(std::int32_t x, std::int32_t y, Locks& locks) {
        const Locks::Both locked(locks, x, y);
        const bool x_core = core(x), y_core = core(y);
        if (x_core && y_core) unite(x, y);
        if (!x_core) append(x, y);
        if (!y_core) append(y, x);
    }

    const Neighbours& neighbours(std::int32_t x) const { return neighbours_[std::size_t(x)]; }

private:
    std::atomic_ref<std::int32_t> at(std::int32_t x) const { return std::atomic_ref(root_[x]); }

    void append(std::int32_t x, std::int32_t y) {
        Neighbours& list = neighbours_[std::size_t(x)];
        if (!list.insert(std::uint32_t(y))) return;
        if (std::int64_t(list.size()) >= min_samples_ - 1) {
            // First core, then a look at the others: of two that become core at once, one sees the other.
            std::atomic_ref(core_[x]).store(1, std::memory_order_seq_cst);
            for (const std::uint32_t other : list)
                if (core(std::int32_t(other))) unite(x, std::int32_t(other));
            list.clear();
        }
    }

    void unite(std::int32_t x, std::int32_t y) {
        for (;;) {
            std::int32_t low = root(x), high = root(y);
            if (low == high) return;
            if (low > high) std::swap(low, high);
            if (at(high).compare_exchange_strong(high, low, std::memory_order_relaxed)) return;
        }
    }

    std::uint8_t* core_;
    std::int32_t* root_;
    std::int64_t min_samples_;
    std::unique_ptr<Neighbours[]> neighbours_;
};

}  // namespace dbscan
