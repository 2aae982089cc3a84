// fsync_probe [--dir FOLDER] [--ms LENGTH] [--json]: what a durable write costs on this disk now.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/bench/fdatasync.hpp"

int main(int argc, char** argv) {
    std::filesystem::path folder = ".";
    std::int64_t length_ms = 1'000;
    bool json = false;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (std::strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
            folder = argv[++i];
        } else if (std::strcmp(argv[i], "--ms") == 0 && i + 1 < argc) {
            length_ms = std::atoll(argv[++i]);
        } else {
            std::fprintf(stderr, "usage: fsync_probe [--dir FOLDER] [--ms LENGTH] [--json]\n");
            return 2;
        }
    }
    try {
        const auto rate = meterbox::bench::measure_fdatasync(folder, std::chrono::milliseconds(length_ms));
        const char* form = json ? "{\"per_second\":%lld,\"p50_us\":%lld,\"p99_us\":%lld,\"max_us\":%lld}\n"
                                : "fdatasync of 4 KiB: %lld/s, p50 %lld us, p99 %lld us, max %lld us\n";
        std::printf(form, static_cast<long long>(rate.per_second), static_cast<long long>(rate.p50_ns / 1000),
                    static_cast<long long>(rate.p99_ns / 1000), static_cast<long long>(rate.max_ns / 1000));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fsync_probe: %s\n", error.what());
        return 1;
    }
}
