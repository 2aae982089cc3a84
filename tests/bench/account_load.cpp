// The load of ./dev bench --account: agents that sync as fast as they are answered, each on its own kept
// connection. Enrolls one for each token, then does what it is told, a line a command, and prints a line of
// JSON for each:
//
//   day SECONDS     half of the agents idle, half running: each of those completes a unit every fifth sync
//   fresh SECONDS   the same, each sync on a new connection, whose TLS session is resumed
//   units SECONDS   every sync completes a unit in every resource, from a reserve that lasts
//   subjects SECONDS
//                   the same; the usage of each is told as 100 rows of the present hour
//   catchup SECONDS
//                   as `units`; but each sync of one agent tells 2,000 rows, 100 of each of 20 hours of
//                   before. `apart` are its times, and the other figures are the others'
//   lease SECONDS   the same without a reserve: every sync asks the pool for another unit
//   paced SECONDS   as `lease`, but each agent once a second, which is as often as the protocol lets one
//   charge UNITS    as `units`, until so many are completed
//   echo SECONDS    the same bodies to a server that only sends them back: what TLS and HTTP alone allow
//
// SIGUSR1 ends a command before its time.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <memory>
#include <random>
#include <sstream>

#include "durations.hpp"
#include "load_agent.hpp"

namespace {

using namespace meterbox;
using bench::LoadAgent;
using bench::Synced;
using bench::Work;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t unit_ms = 20 * 60 * 1000;
constexpr std::int64_t sync_every_ms = 4 * 60 * 1000;
constexpr core::Amount whole_hour{core::hour_ms};
constexpr std::int64_t many_subjects = 100;
constexpr std::int64_t hours_caught_up = 20;
constexpr std::chrono::minutes longest{10};

[[noreturn]] void end(const std::string& why) {
    std::fprintf(stderr, "account_load: %s\n", why.c_str());
    std::exit(1);
}

struct Options {
    platform::https::Endpoint account;
    platform::https::Endpoint echo;
    std::string ca;
    std::string tokens;
};

platform::https::Endpoint endpoint_of(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) end("HOST:PORT is needed, not " + text);
    return {text.substr(0, colon), static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))), {}};
}

Options options_of(int argc, char** argv) {
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i];
        const std::string value = argv[i + 1];
        if (name == "--account") options.account = endpoint_of(value);
        if (name == "--echo") options.echo = endpoint_of(value);
        if (name == "--ca") options.ca = value;
        if (name == "--tokens") options.tokens = value;
    }
    if (options.ca.empty() || options.tokens.empty() || options.account.host.empty())
        end("usage: account_load --account HOST:PORT --echo HOST:PORT --ca FILE --tokens FILE");
    return options;
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

enum class Kind { day, fresh, units, subjects, catchup, lease, paced, echo };

class Load {
public:
    explicit Load(const Options& options) {
        const std::string ca = text_of(options.ca);
        std::istringstream tokens(text_of(options.tokens));
        for (std::string token; std::getline(tokens, token);) {
            agents_.push_back(std::make_unique<LoadAgent>(loop_, options.account, options.echo, ca,
                                                          "load-" + std::to_string(agents_.size())));
            agents_.back()->join(token, [](const core::Result<Synced>& joined) {
                if (!joined) end(joined.error().detail);
            });
        }
        loop_.run();
        settle();
    }

    std::size_t size() const { return agents_.size(); }

    void run(Kind kind, Clock::duration length, std::int64_t units) {
        kind_ = kind;
        units_ = units;
        taken_ = apart_ = {};
        syncs_ = completed_ = leases_ = 0;
        const auto start = Clock::now();
        ends_ = start + length;
        busy_ = agents_.size();
        for (std::size_t i = 0; i < agents_.size(); ++i) next(i);
        boost::asio::signal_set interrupt(loop_, SIGUSR1);
        interrupt.async_wait([this](const boost::system::error_code& cancelled, int) {
            if (!cancelled) ends_ = Clock::now();
        });
        loop_.restart();
        while (busy_ > 0) loop_.run_one();
        interrupt.cancel();
        loop_.run();
        const std::chrono::duration<double> took = Clock::now() - start;
        const auto count = static_cast<double>(syncs_);
        std::printf(
            R"({"syncs":%lld,"per_second":%.1f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"units":%lld,"leases":%lld,"seconds":%.3f,"apart":%llu,"apart_p50_ms":%.3f})"
            "\n",
            static_cast<long long>(syncs_), count / took.count(), taken_.us_at(0.5) / 1000,
            taken_.us_at(0.99) / 1000, taken_.max_us() / 1000, static_cast<long long>(completed_),
            static_cast<long long>(leases_), took.count(), static_cast<unsigned long long>(apart_.count()),
            apart_.us_at(0.5) / 1000);
        std::fflush(stdout);
    }

private:
    // A first lease for each, and no other news.
    void settle() {
        for (int round = 0; round < 2; ++round) {
            for (auto& agent : agents_) {
                agent->sync({}, [](const core::Result<Synced>& synced) {
                    if (!synced) end(synced.error().detail);
                });
            }
            loop_.restart();
            loop_.run();
        }
    }

    Work work_of(std::size_t agent) const {
        if (asks_the_pool()) return {core::Amount{unit_ms}, {}};
        const core::Amount reserve{unit_ms * 3'600};
        if (is_apart(agent)) return {core::Amount{unit_ms}, reserve, many_subjects, hours_caught_up};
        if (kind_ == Kind::units || kind_ == Kind::catchup) return {core::Amount{unit_ms}, reserve};
        if (kind_ == Kind::subjects) return {core::Amount{unit_ms}, reserve, many_subjects};
        return agent % 2 == 0 ? Work{} : Work{core::Amount{sync_every_ms}, whole_hour};
    }

    bool is_apart(std::size_t agent) const { return kind_ == Kind::catchup && agent == 0; }
    bool asks_the_pool() const { return kind_ == Kind::lease || kind_ == Kind::paced; }

    void next(std::size_t agent) {
        if (kind_ != Kind::paced) return ask(agent);
        auto timer = std::make_shared<boost::asio::steady_timer>(loop_);
        timer->expires_after(std::chrono::milliseconds(pause_ms_(random_)));
        timer->async_wait([this, agent, timer](const boost::system::error_code&) { ask(agent); });
    }

    void ask(std::size_t agent) {
        const auto started = Clock::now();
        if (started >= ends_ || completed_ >= units_) {
            --busy_;
            return;
        }
        auto done = [this, agent, started](const core::Result<Synced>& synced) {
            if (!synced) end(synced.error().detail);
            completed_ += synced->completed;
            leases_ += synced->leased ? 1 : 0;
            const auto took =
                static_cast<std::uint64_t>(std::chrono::nanoseconds(Clock::now() - started).count());
            if (is_apart(agent)) {
                apart_.add(took);
                return next(agent);
            }
            ++syncs_;
            // Of those that ask the pool, the times of those that it answered with a lease are of interest.
            if (!asks_the_pool() || synced->leased) taken_.add(took);
            next(agent);
        };
        if (kind_ == Kind::echo) return agents_[agent]->echo(std::move(done));
        if (kind_ == Kind::fresh) agents_[agent]->disconnect();
        agents_[agent]->sync(work_of(agent), std::move(done));
    }

    boost::asio::io_context loop_{1};
    std::vector<std::unique_ptr<LoadAgent>> agents_;
    Kind kind_ = Kind::day;
    Clock::time_point ends_;
    std::size_t busy_ = 0;  // agents that go on
    std::minstd_rand random_{1};
    std::uniform_int_distribution<int> pause_ms_{0, 2'000};
    std::int64_t units_ = 0;
    bench::Durations taken_;
    bench::Durations apart_;
    std::int64_t syncs_ = 0;
    std::int64_t completed_ = 0;
    std::int64_t leases_ = 0;
};

void obey(Load& load, const std::string& line) {
    constexpr std::int64_t no_end = std::numeric_limits<std::int64_t>::max();
    std::istringstream words(line);
    std::string name;
    double amount = 0;
    words >> name >> amount;
    const auto length = std::chrono::milliseconds(static_cast<std::int64_t>(amount * 1000));
    if (length > longest && name != "charge") end("too long: " + line);
    if (name == "day") return load.run(Kind::day, length, no_end);
    if (name == "fresh") return load.run(Kind::fresh, length, no_end);
    if (name == "units") return load.run(Kind::units, length, no_end);
    if (name == "subjects") return load.run(Kind::subjects, length, no_end);
    if (name == "catchup") return load.run(Kind::catchup, length, no_end);
    if (name == "lease") return load.run(Kind::lease, length, no_end);
    if (name == "paced") return load.run(Kind::paced, length, no_end);
    if (name == "echo") return load.run(Kind::echo, length, no_end);
    if (name == "charge") return load.run(Kind::units, longest, static_cast<std::int64_t>(amount));
    end("unknown command: " + line);
}

}  // namespace

int main(int argc, char** argv) {
    Load load(options_of(argc, argv));
    std::printf("{\"agents\":%zu}\n", load.size());
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) obey(load, line);
    return 0;
}
