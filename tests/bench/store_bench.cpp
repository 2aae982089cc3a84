// store_bench [--dir FOLDER] [--ms LENGTH] [--rounds N] [--work-us W]: durable acknowledgements a second of
// the store alone, against fdatasync in the same rounds. A client thread keeps N requests of 200 bytes open
// over N socket pairs; the loop reads each, stores an identity (random, keyed) and an event row, and
// answers after the commit. What HTTP and JSON cost the loop isn't in it, unless it is simulated as W
// microseconds of work a request.
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

#include "platform/sql/connection_transactions.hpp"
#include "platform/sqlite/connection.hpp"
#include "platform/sqlite/migrations.hpp"
#include "platform/system/random.hpp"
#include "tests/bench/fdatasync.hpp"

namespace {

using namespace meterbox;
using namespace meterbox::platform;
using Socket = boost::asio::local::stream_protocol::socket;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

constexpr std::size_t request_bytes = 200;
std::chrono::microseconds work_of_request{0};

void work() {
    const auto end = Clock::now() + work_of_request;
    while (Clock::now() < end) {
    }
}

template <class T>
T must(core::Result<T> result) {
    if (!result) throw std::runtime_error(result.error().detail);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::unique_ptr<sqlite::Connection> make_database(const std::filesystem::path& path) {
    constexpr sqlite::Migration schema[] = {{1, R"(
        CREATE TABLE identity(hash BLOB PRIMARY KEY, contents INTEGER NOT NULL, day INTEGER NOT NULL)
            STRICT, WITHOUT ROWID;
        CREATE TABLE event(sequence INTEGER PRIMARY KEY, resource TEXT NOT NULL, subject TEXT NOT NULL,
            at INTEGER NOT NULL, amount INTEGER NOT NULL) STRICT;)"}};
    auto connection = must(sqlite::Connection::open({path, 1}));
    must(sqlite::migrate(*connection, schema));
    return connection;
}

struct Store {
    explicit Store(const std::filesystem::path& path) : connection(make_database(path)) {}
    std::unique_ptr<sqlite::Connection> connection;
    sqlite::Statement identity =
        connection->statement("INSERT INTO identity VALUES(?,?,?) ON CONFLICT DO NOTHING");
    sqlite::Statement event = connection->statement("INSERT INTO event VALUES(NULL,?,?,?,?)");
};

class Peer {
public:
    Peer(boost::asio::io_context& loop, int descriptor, Store& store, store::StoreThread& thread)
        : socket_(loop, boost::asio::local::stream_protocol(), descriptor), store_(store), thread_(thread) {
        read();
    }

private:
    class Job final : public store::CommitJob {
    public:
        Job(Peer& peer, const core::IdentityHash& hash) : peer_(peer), hash_(hash) {}
        void apply() override {
            must(peer_.store_.identity.run(hash_, 1, 20'000));
            must(peer_.store_.event.run("render", "job 17", 1'700'000'000'000, 600'000));
        }
        void finish(const core::Result<void>& committed) override {
            must(committed);
            peer_.answer();
        }

    private:
        Peer& peer_;
        core::IdentityHash hash_;
    };

    void read() {
        socket_.async_read_some(boost::asio::buffer(buffer_), [this](error_code error, std::size_t) {
            if (error) return;
            work();
            core::IdentityHash hash;
            std::memcpy(hash.bytes.data(), buffer_.data(), hash.bytes.size());
            thread_.submit(std::make_unique<Job>(*this, hash));
        });
    }
    void answer() {
        error_code ignored;
        socket_.write_some(boost::asio::buffer(buffer_.data(), 100), ignored);
        read();
    }

    Socket socket_;
    Store& store_;
    store::StoreThread& thread_;
    std::array<char, request_bytes> buffer_;
};

// Keeps one request open on each socket for the length of the run.
bench::Latencies run_client(const std::vector<int>& sockets, std::chrono::milliseconds length) {
    bench::Latencies latencies;
    platform::system::SystemRandom random;
    std::vector<Clock::time_point> sent(sockets.size());
    const int poll = ::epoll_create1(EPOLL_CLOEXEC);
    const auto send = [&](std::size_t i) {
        std::array<std::byte, request_bytes> request{};
        random.fill(std::span(request).first(16));
        sent[i] = Clock::now();
        if (::write(sockets[i], request.data(), request.size()) < 0) throw std::runtime_error("write");
    };
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        epoll_event interest{};
        interest.events = EPOLLIN;
        interest.data.u64 = i;
        ::epoll_ctl(poll, EPOLL_CTL_ADD, sockets[i], &interest);
        send(i);
    }
    const auto end = Clock::now() + length;
    std::array<epoll_event, 64> ready;
    while (Clock::now() < end) {
        const int count = ::epoll_wait(poll, ready.data(), ready.size(), 1000);
        for (int r = 0; r < count; ++r) {
            const std::size_t i = ready[static_cast<std::size_t>(r)].data.u64;
            std::array<char, 256> answer;
            if (::read(sockets[i], answer.data(), answer.size()) <= 0) throw std::runtime_error("read");
            latencies.ns.push_back((Clock::now() - sent[i]).count());
            send(i);
        }
    }
    ::close(poll);
    return latencies;
}

bench::Rate measure_store(const std::filesystem::path& folder, std::size_t open,
                          std::chrono::milliseconds length, store::StoreStatistics& statistics) {
    const std::filesystem::path path = folder / "store_bench.db";
    std::filesystem::remove(path);
    boost::asio::io_context loop(1);
    bench::Latencies latencies;
    {
        Store database(path);
        sql::ConnectionTransactions transactions(*database.connection);
        store::StoreThread thread(loop, transactions);
        std::vector<std::unique_ptr<Peer>> peers;
        std::vector<int> client_ends;
        for (std::size_t i = 0; i < open; ++i) {
            int pair[2];
            if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
                throw std::runtime_error("socketpair");
            client_ends.push_back(pair[0]);
            peers.push_back(std::make_unique<Peer>(loop, pair[1], database, thread));
        }
        std::thread client([&] {
            latencies = run_client(client_ends, length);
            loop.stop();
        });
        loop.run();
        client.join();
        thread.stop();
        statistics = thread.statistics();
        for (const int end : client_ends) ::close(end);
    }
    std::filesystem::remove(path);
    return bench::rate_of(latencies, length);
}

void print(const char* what, const bench::Rate& rate, const bench::Rate& reference,
           const store::StoreStatistics& s) {
    const auto ll = [](auto value) { return static_cast<long long>(value); };
    std::printf(
        "%-14s %8lld/s  x%lld.%02lld  p50 %5lld us  p99 %5lld us  max %6lld us  jobs/commit %lld.%lld  "
        "inline %lld%%\n",
        what, ll(rate.per_second), ll(rate.per_second / reference.per_second),
        ll(rate.per_second * 100 / reference.per_second % 100), ll(rate.p50_ns / 1000),
        ll(rate.p99_ns / 1000), ll(rate.max_ns / 1000), ll(s.jobs / std::max<std::uint64_t>(s.commits, 1)),
        ll(s.jobs * 10 / std::max<std::uint64_t>(s.commits, 1) % 10),
        ll(s.inline_commits * 100 / std::max<std::uint64_t>(s.commits, 1)));
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    std::filesystem::path folder = ".";
    std::chrono::milliseconds length(1'000);
    int rounds = 5;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::strcmp(argv[i], "--dir") == 0) folder = argv[i + 1];
        if (std::strcmp(argv[i], "--ms") == 0) length = std::chrono::milliseconds(std::atoll(argv[i + 1]));
        if (std::strcmp(argv[i], "--work-us") == 0)
            work_of_request = std::chrono::microseconds(std::atoll(argv[i + 1]));
        if (std::strcmp(argv[i], "--rounds") == 0) rounds = std::atoi(argv[i + 1]);
    }
    for (int round = 0; round < rounds; ++round) {
        const bench::Rate reference = bench::measure_fdatasync(folder, length);
        print("fdatasync", reference, reference, {});
        for (const std::size_t open : {1u, 8u, 64u}) {
            store::StoreStatistics statistics;
            const bench::Rate rate = measure_store(folder, open, length, statistics);
            print((std::to_string(open) + " open").c_str(), rate, reference, statistics);
        }
    }
}
