// The simulator: runs seeds, says what they came by, and replays the one that failed.
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/sim/memory_disk.hpp"
#include "tests/sim/quick_memory.hpp"
#include "tests/sim/simulation.hpp"
#include "tests/sim/table_watch.hpp"
#include "tests/sim/workers.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;

namespace {

constexpr const char* usage =
    "usage: meterbox_sim --seeds N [--from S] [--jobs J]   so many seeds, beginning with S (1), in J "
    "processes\n"
    "           [--first-failure]                          each process ends with the first seed that fails\n"
    "           [--traces]                                 says each seed's trace: the same before and "
    "after\n"
    "                                                      a change that is to change nothing\n"
    "       meterbox_sim --seed S               one, twice, and what went over its wires\n"
    "       meterbox_sim --canary NAME [--seeds N]   must fail: forgotten-commits, early-answer,\n"
    "                                                booked-twice\n"
    "METERBOX_SEEDS=N in the environment goes before --seeds.\n";

// So many seeds must have come by every rare path.
constexpr std::uint64_t seeds_for_every_path = 300;
constexpr std::uint64_t seeds_between_repeats = 25;  // run twice, for the same trace
constexpr std::size_t lines_of_a_failure = 60;
constexpr std::uint64_t jobs_max = 256;

struct Options {
    std::uint64_t from = 1;
    std::uint64_t seeds = 20;
    std::uint64_t jobs = 1;
    bool first_failure = false;
    bool traces = false;
    bool one = false;
    sim::Canary canary = sim::Canary::none;
};

std::uint64_t number(const char* text) {
    std::uint64_t value = 0;
    const char* const end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, value);
    if (error != std::errc{} || stop != end) throw std::invalid_argument(text);
    return value;
}

sim::Canary canary_from(const std::string& name) {
    if (name == "forgotten-commits") return sim::Canary::forgotten_commits;
    if (name == "early-answer") return sim::Canary::early_answer;
    if (name == "booked-twice") return sim::Canary::booked_twice;
    throw std::invalid_argument(name);
}

Options options_from(int count, char** words) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--first-failure") {
            options.first_failure = true;
            continue;
        }
        if (word == "--traces") {
            options.traces = true;
            continue;
        }
        if (i + 1 >= count) throw std::invalid_argument(word);
        const char* const value = words[++i];
        if (word == "--seeds") {
            options.seeds = number(value);
        } else if (word == "--from") {
            options.from = number(value);
        } else if (word == "--jobs") {
            options.jobs = number(value);
            if (options.jobs < 1 || options.jobs > jobs_max) throw std::invalid_argument(value);
        } else if (word == "--seed") {
            options.from = number(value);
            options.seeds = 1;
            options.one = true;
        } else if (word == "--canary") {
            options.canary = canary_from(value);
            options.first_failure = true;
        } else {
            throw std::invalid_argument(word);
        }
    }
    const char* const more = std::getenv("METERBOX_SEEDS");
    if (more != nullptr && *more != '\0' && !options.one) options.seeds = number(more);
    return options;
}

std::uint64_t running_seed = 0;

// An assertion of the product's: say which seed it was.
void on_abort(int) {
    std::fprintf(stderr, "seed %llu aborted; replay: ./dev sim --seed %llu\n",
                 static_cast<unsigned long long>(running_seed),
                 static_cast<unsigned long long>(running_seed));
}

void show_end(const std::vector<std::string>& lines, std::size_t most) {
    for (std::size_t i = lines.size() > most ? lines.size() - most : 0; i < lines.size(); ++i)
        std::printf("%s\n", lines[i].c_str());
}

// False: a promise was broken.
bool run_seed(std::uint64_t seed, const Options& options, const std::filesystem::path& keys,
              sim::Tally& tally) {
    running_seed = seed;
    const sim::Plan plan(seed, options.canary);
    sim::Outcome outcome = sim::simulate(plan, keys, options.one);
    tally.add(outcome.tally);
    if (outcome.violation.empty() && (options.one || seed % seeds_between_repeats == 0)) {
        const sim::Outcome again = sim::simulate(plan, keys, false);
        if (again.hash != outcome.hash) outcome.violation = "the same seed gave another trace";
    }
    if (options.one) show_end(outcome.lines, outcome.violation.empty() ? 0 : lines_of_a_failure);
    if (options.one || options.traces)
        std::printf("seed %llu: trace %016llx\n", static_cast<unsigned long long>(seed),
                    static_cast<unsigned long long>(outcome.hash));
    if (outcome.violation.empty()) return true;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), outcome.violation.c_str());
    if (!options.one) std::printf("replay: ./dev sim --seed %llu\n", static_cast<unsigned long long>(seed));
    return false;
}

sim::Share run_share(const Options& options, std::uint64_t job, std::uint64_t jobs) {
    const tests::TemporaryFolder keys;
    sim::Share share;
    for (std::uint64_t seed = options.from + job; seed < options.from + options.seeds; seed += jobs) {
        if (!run_seed(seed, options, keys / "account", share.tally)) ++share.failed;
        if (share.failed > 0 && options.first_failure) break;
    }
    return share;
}

int run(const Options& options) {
    const auto began = std::chrono::steady_clock::now();
    const auto [tally, failed] = sim::over_processes(
        options.jobs,
        [&options](std::uint64_t job, std::uint64_t jobs) { return run_share(options, job, jobs); });
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    std::printf("%s", tally.text().c_str());
    std::printf("%llu seeds, %llu failed; %lld agent-hours in %.1f s; %llu faults took effect\n",
                static_cast<unsigned long long>(options.seeds), static_cast<unsigned long long>(failed),
                static_cast<long long>(tally.agent_ms() / core::hour_ms),
                static_cast<double>(took.count()) / 1e3, static_cast<unsigned long long>(tally.faults()));
    if (options.canary != sim::Canary::none) {
        std::printf("%s\n", failed > 0 ? "the canary was caught" : "the canary lived: the net has a hole");
        return failed > 0 ? 0 : 1;
    }
    const std::vector<std::string> unseen = tally.unseen();
    for (const std::string& path : unseen) std::printf("never seen: %s\n", path.c_str());
    const bool thorough = options.seeds < seeds_for_every_path || unseen.empty();
    return failed == 0 && thorough ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    try {
        const Options options = options_from(count, words);
        std::signal(SIGABRT, on_abort);
        std::setvbuf(stdout, nullptr, _IOLBF, 0);
        sim::make_sqlite_quick();
        sim::open_memory_files();
        sim::watch_tables();
        return run(options);
    } catch (const std::invalid_argument& wrong) {
        std::fprintf(stderr, "meterbox_sim: %s\n%s", wrong.what(), usage);
        return 2;
    }
}
