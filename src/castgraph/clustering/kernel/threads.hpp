// Work on several threads.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace dbscan {

// Runs `work(i)` for all i < n on some threads, while the calling thread polls.
inline void in_threads(int threads, std::int64_t n, const std::function<void(std::int64_t, int)>& work,
                const std::function<void(double)>& poll) {
    std::atomic<std::int64_t> next{0}, done{0};
    std::atomic<bool> stop{false};
    std::exception_ptr failure;
    std::mutex mutex;
    std::condition_variable ended;
    int running = threads;
    std::vector<std::thread> workers;
    const auto run = [&](int worker) {
        try {
            for (std::int64_t i; !stop && (i = next++) < n; ++done) work(i, worker);
        } catch (...) {
            std::lock_guard<std::mutex> lock(mutex);
            if (!failure) failure = std::current_exception();
            stop = true;
        }
        std::lock_guard<std::mutex> lock(mutex);
        --running;
        ended.notify_all();
    };
    for (int worker = 0; worker < threads; ++worker) workers.emplace_back(run, worker);
    try {
        std::unique_lock<std::mutex> lock(mutex);
        while (running) {
            ended.wait_for(lock, std::chrono::milliseconds(100), [&] { return !running; });
            lock.unlock();
            poll(n ? double(done) / double(n) : 1.0);
            lock.lock();
        }
    } catch (...) {
        stop = true;
        for (std::thread& worker : workers) worker.join();
        throw;
    }
    for (std::thread& worker : workers) worker.join();
    if (failure) std::rethrow_exception(failure);
    poll(1);
}

}  // namespace dbscan
