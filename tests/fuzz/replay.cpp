// fuzz_replay CORPUS: every fuzz target on every input of its folder in CORPUS, and on mutations of them
// that are the same every time. fuzz_replay CORPUS TARGET FILE: that target on that file alone. When a
// target stops the process, it says last which input did it, and keeps it in ./fuzz-failure.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/mutation.hpp"

#define TARGET(name) extern "C" int name##_fuzz(const std::uint8_t* data, std::size_t size);
#include "targets.inc"
#undef TARGET

// Where the sanitizers stop the process, without a signal.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

struct Target {
    std::string_view name;
    int (*run)(const std::uint8_t* data, std::size_t size);
};

#define TARGET(name) Target{#name, name##_fuzz},
constexpr std::array targets{
#include "targets.inc"
};
#undef TARGET

constexpr int mutations_of_each = 500;

// What is running, for the last words.
std::string current_name;
std::string current_input;

void say_last_words() {
    const int file = ::open("fuzz-failure", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file >= 0 && ::write(file, current_input.data(), current_input.size()) >= 0) ::close(file);
    constexpr std::string_view kept = "; the input is kept in ./fuzz-failure\n";
    if (::write(STDERR_FILENO, current_name.data(), current_name.size()) < 0) return;
    if (::write(STDERR_FILENO, kept.data(), kept.size()) < 0) return;
}

void on_abort(int) {
    say_last_words();
}

void run(const Target& target, std::string name, std::string input) {
    current_name = std::move(name);
    current_input = std::move(input);
    // A copy of its own, so that a byte read past the end is seen.
    const std::vector<std::uint8_t> bytes(current_input.begin(), current_input.end());
    target.run(bytes.data(), bytes.size());
}

std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Of the name alone, so that a run is the same on every machine.
std::uint64_t seed_of(std::string_view name) {
    std::uint64_t seed = 14'695'981'039'346'656'037U;
    for (const char c : name) seed = (seed ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
    return seed;
}

std::size_t replay(const Target& target, const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> paths{std::filesystem::directory_iterator(folder), {}};
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> seeds;
    for (const auto& path : paths) seeds.push_back(content_of(path));
    std::size_t inputs = 0;
    for (std::size_t i = 0; i < seeds.size(); ++i) {
        const std::string name = std::string(target.name) + '/' + paths[i].filename().string();
        run(target, name, seeds[i]);
        ++inputs;
        std::mt19937_64 random(seed_of(name));
        for (int n = 1; n <= mutations_of_each; ++n, ++inputs) {
            const std::string& other = seeds[random() % seeds.size()];
            run(target, name + ", mutation " + std::to_string(n),
                meterbox::fuzz::mutated(seeds[i], other, random));
        }
    }
    return inputs;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2 && count != 4) {
        std::fputs("usage: fuzz_replay CORPUS [TARGET FILE]\n", stderr);
        return 2;
    }
    std::signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(say_last_words);
    const std::filesystem::path corpus = arguments[1];
    for (const Target& target : targets) {
        if (count == 4) {
            if (target.name == arguments[2]) run(target, arguments[3], content_of(arguments[3]));
            continue;
        }
        const std::size_t inputs = replay(target, corpus / target.name);
        if (inputs == 0) {
            std::fprintf(stderr, "%s: no input in the corpus\n", target.name.data());
            return 1;
        }
        std::printf("%-20s %zu inputs\n", target.name.data(), inputs);
    }
    return 0;
}
