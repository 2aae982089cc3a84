// The reference that durable commits are measured against: what the disk does in this minute.
// 4 KiB overwrites of a preallocated file, one fdatasync each, one after the other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

namespace meterbox::bench {

// A run's times, and what one asks of them.
struct Latencies {
    std::vector<std::int64_t> ns;

    std::int64_t at_per_mille(std::size_t per_mille) {
        if (ns.empty()) return 0;
        const std::size_t index = std::min(ns.size() - 1, ns.size() * per_mille / 1000);
        std::nth_element(ns.begin(), ns.begin() + static_cast<std::ptrdiff_t>(index), ns.end());
        return ns[index];
    }
};

struct Rate {
    std::int64_t per_second = 0;
    std::int64_t p50_ns = 0;
    std::int64_t p99_ns = 0;
    std::int64_t max_ns = 0;
};

inline Rate rate_of(Latencies& latencies, std::chrono::nanoseconds elapsed) {
    const auto count = static_cast<std::int64_t>(latencies.ns.size());
    return {count * 1'000'000'000 / std::max<std::int64_t>(elapsed.count(), 1), latencies.at_per_mille(500),
            latencies.at_per_mille(990), latencies.at_per_mille(1000)};
}

inline Rate measure_fdatasync(const std::filesystem::path& folder, std::chrono::milliseconds length) {
    using Clock = std::chrono::steady_clock;
    constexpr std::size_t block = 4096;
    constexpr std::size_t blocks = 1024;
    const std::filesystem::path path = folder / "fdatasync.probe";
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) throw std::runtime_error("can't write " + path.string());
    const std::vector<char> bytes(block, 'x');
    const auto write_block = [&](std::size_t number) {
        if (::pwrite(file, bytes.data(), block, static_cast<off_t>(number * block)) !=
            static_cast<ssize_t>(block)) {
            throw std::runtime_error("can't write " + path.string());
        }
    };
    for (std::size_t i = 0; i < blocks; ++i) write_block(i);
    ::fsync(file);
    Latencies latencies;
    const auto start = Clock::now();
    auto now = start;
    for (std::size_t i = 0; now - start < length; ++i) {
        const auto before = now;
        write_block(i % blocks);
        if (::fdatasync(file) != 0) throw std::runtime_error("can't sync " + path.string());
        now = Clock::now();
        latencies.ns.push_back((now - before).count());
    }
    ::close(file);
    std::filesystem::remove(path);
    return rate_of(latencies, now - start);
}

}  // namespace meterbox::bench
