// The account's store: a folder with the database and the keys, which one process at a time has open; or a
// PostgreSQL database with both, shared by many. Opening it makes what is missing, so that any command makes
// an empty store.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "account/agents.hpp"
#include "account/database.hpp"
#include "account/keys.hpp"
#include "account/pool.hpp"
#include "account/settings.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "platform/sql/connection.hpp"
#include "platform/system/clock.hpp"
#include "platform/system/random.hpp"

namespace meterbox::account {

class Store {
public:
    // unreachable: another process has it open.
    [[nodiscard]] static core::Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder,
                                                                   platform::system::Clock& clock,
                                                                   platform::system::Random& random);

    // At a URL. unreachable: nothing answers there; invalid: it can't be one.
    [[nodiscard]] static core::Result<std::unique_ptr<Store>> open_database(const std::string& url,
                                                                            platform::system::Clock& clock,
                                                                            platform::system::Random& random);

    // Empty: it is in a database that others use, too.
    const std::filesystem::path& folder() const { return folder_; }
    bool shared() const { return folder_.empty(); }
    KeptFiles& files() { return *files_; }
    platform::sql::Connection& connection() { return *connection_; }
    Database& database() { return database_; }
    const Authority& authority() const { return authority_; }
    const LeaseSigner& signer() const { return signer_; }
    LeaseKeySigner& lease_keys() { return signer_; }
    const Settings& settings() const { return settings_; }
    void use(const Settings& settings) { settings_ = settings; }
    ActiveAgents& active_agents() { return active_agents_; }
    KeptPool& kept_pool() { return kept_pool_; }
    platform::system::Random& random() { return random_; }
    core::UtcTime opened_at() const { return opened_at_; }
    core::UtcTime now() const { return clock_.wall_now(); }
    core::MonotonicTime monotonic_now() const { return clock_.monotonic_now(); }

private:
    Store(std::filesystem::path folder, std::unique_ptr<platform::sql::Connection> connection,
          platform::system::Clock& clock, platform::system::Random& random);
    core::Result<void> prepare();
    core::Result<void> take_authority();
    core::Result<void> make_account();

    std::filesystem::path folder_;
    std::unique_ptr<platform::sql::Connection> connection_;
    Database database_;
    std::unique_ptr<KeptFiles> files_;
    Authority authority_;
    LeaseKeySigner signer_;
    Settings settings_;
    ActiveAgents active_agents_;
    KeptPool kept_pool_;
    platform::system::Clock& clock_;
    platform::system::Random& random_;
    core::UtcTime opened_at_;
};

// Runs a job that may be refused in a transaction's own savepoint: if a statement of it failed, it is
// undone and the error given; what others did in the same transaction stays. In one that is all or nothing
// there is no savepoint: the commit fails then, and the jobs are run again.
template <class Job>
auto in_savepoint(Database& database, Job&& job) -> decltype(job()) {
    database.forgive();
    if (database.connection().all_or_nothing()) {
        auto outcome = job();
        database.connection().send();
        if (!database.failed()) return outcome;
        const core::Error error = database.error();
        database.forgive();
        return decltype(job())(error);
    }
    database.run("SAVEPOINT job");
    auto outcome = job();
    if (!database.failed()) {
        database.changed_by("RELEASE job");  // what failed before it is known by now
        if (!database.failed()) return outcome;
    }
    const core::Error error = database.error();
    database.forgive();
    database.run("ROLLBACK TO job");
    database.run("RELEASE job");
    database.forgive();
    return decltype(job())(error);
}

}  // namespace meterbox::account
