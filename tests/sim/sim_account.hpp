// The account's machine: the real store, rules and group commit on a memory disk, without sockets. It
// crashes, and comes back with what its disk made durable.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "account/exchange.hpp"
#include "account/store.hpp"
#include "platform/sql/connection_transactions.hpp"
#include "platform/tls/jws.hpp"
#include "platform/transport.hpp"
#include "tests/sim/memory_disk.hpp"
#include "tests/sim/power.hpp"
#include "tests/sim/world.hpp"
#include "tests/support/fake_clock.hpp"

namespace meterbox::sim {

// A signature that costs nothing: the claims, the key's name and a sum of both.
class CheapSigner final : public account::LeaseSigner {
public:
    core::Result<std::string> sign(std::string_view claims) const override;
    core::Result<std::string> claims_of(std::string_view lease,
                                        const std::vector<core::wire::LeaseKey>& known) const override;
    static core::Result<std::string> verify(std::string_view lease,
                                            std::span<const platform::tls::VerificationKey> known);
    static core::wire::LeaseKey key(const std::string& kid);
    static inline const std::string first = "key-1";

    void use(std::string kid) { kid_ = std::move(kid); }

private:
    std::string kid_ = first;
};

struct AgentName {
    std::string id;
    std::string team;
};

class SimAccount final : public Machine {
public:
    using Reply = std::function<void(const platform::Answer&)>;

    // keys: a folder with the account's keys; the same for all worlds.
    SimAccount(World& world, const std::filesystem::path& keys);
    ~SimAccount() override;

    void advance(std::int64_t ms) override { clock_.advance(ms); }
    std::int64_t next_in_ms() const override { return core::day_ms * 365; }
    void run_due() override;

    bool up() const { return process_ != nullptr; }
    // An agent's request, as its body came; the reply is made once it is committed. False: nobody listens.
    bool handle(const std::string& path, const std::string& body, const AgentName& from, Reply reply);
    // An operator's command, when it is up.
    std::string command(const std::vector<std::string>& arguments);
    void add_agent(const AgentName& agent);
    // Something else that an operator has done, in a transaction of its own.
    void change(const std::function<void(account::Database&)>& work);
    void roll_lease_key();

    void begin_faults();
    void heal();  // faults have stopped
    void restart_after(std::int64_t ms);

    // Of the process that runs; the tables as they are committed. Requires up().
    account::Store& store() { return *process_->store; }
    core::UtcTime now() const { return clock_.wall_now(); }
    std::uint64_t commits() const { return commits_; }
    int put_backs() const { return put_backs_; }  // of its store, from a copy
    core::UtcTime put_back_at() const { return put_back_at_; }
    const MemoryDisk& disk() const { return disk_; }

private:
    struct Process {
        boost::asio::io_context loop{1};
        std::unique_ptr<account::Store> store;
        std::unique_ptr<platform::sql::ConnectionTransactions> real;
        std::unique_ptr<PoweredTransactions> transactions;
        std::unique_ptr<platform::store::StoreThread> thread;
    };
    void start();
    void name_first_key();
    void next_copy();
    void put_back(const MemoryDisk::Image& image, bool by_hand);
    void begin_to_serve();
    void check_left_behind(const account::Agent& before, const core::wire::SyncRequest& said);
    void fall();
    void begin_crashes();
    void crash_soon();
    void count_old_request(const core::wire::SyncRequest& request);
    platform::Answer answer(const std::string& path, const std::string& body, const AgentName& from);

    World& world_;
    std::filesystem::path keys_;
    MemoryDisk disk_;
    tests::FakeClock clock_;
    tests::SeededRandom random_;
    CheapSigner signer_;
    Dice dice_;
    std::unique_ptr<Process> process_;
    std::uint64_t commits_ = 0;
    std::uint64_t run_ = 0;
    std::map<std::string, std::int64_t> newest_request_;  // by session
    std::int64_t renumbered_ = 0;                         // by the canary
    bool named_first_key_ = false;
    int put_backs_ = 0;
    core::UtcTime put_back_at_;
    std::int64_t restored_epoch_ = 0;  // the next start begins this epoch
};

}  // namespace meterbox::sim
