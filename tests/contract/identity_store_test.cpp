// The identities on a real database, beside a plain map that says what must be known.
#include "agent/identity_store.hpp"

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <vector>

#include "agent/journal_schema.hpp"
#include "core/limits.hpp"
#include "platform/sqlite/connection.hpp"
#include "platform/sqlite/migrations.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using agent::IdentityStore;
using Seen = agent::IdentityStore::Seen;

namespace {

constexpr std::int64_t today = 20'000;

struct Fixture {
    tests::TemporaryFolder folder;
    std::unique_ptr<platform::sqlite::Connection> connection;
    std::unique_ptr<IdentityStore> store;
    std::mt19937_64 random{1};

    Fixture() { open(); }

    void open() {
        store.reset();
        connection.reset();
        platform::sqlite::OpenOptions options;
        options.path = folder / "journal.db";
        options.application_id = agent::journal_application_id;
        connection = std::move(*platform::sqlite::Connection::open(options));
        REQUIRE(platform::sqlite::migrate(*connection, agent::journal_migrations()));
        // These tests ask what is kept, not whether it survives the power: a disk's syncs would only be
        // waited for.
        REQUIRE(connection->execute("PRAGMA synchronous=OFF"));
        store = std::make_unique<IdentityStore>(*connection);
    }
    core::IdentityHash fresh_identity() {
        core::IdentityHash identity;
        const std::uint64_t halves[] = {random(), random()};
        std::memcpy(identity.bytes.data(), halves, sizeof halves);
        return identity;
    }
    Seen remember(const core::IdentityHash& identity, std::uint64_t contents = 7, std::int64_t day = today) {
        const auto seen = store->remember(identity, contents, day);
        REQUIRE(seen);
        return *seen;
    }
    template <class Work>
    void transaction(Work work, bool commits = true) {
        REQUIRE(connection->begin());
        work();
        REQUIRE(store->flush());
        if (commits) {
            REQUIRE(connection->commit());
            store->committed();
        } else {
            connection->rollback();
            store->rolled_back();
        }
    }
    std::vector<core::IdentityHash> add(std::size_t count, std::int64_t day = today) {
        std::vector<core::IdentityHash> added;
        transaction([&] {
            for (std::size_t i = 0; i < count; ++i) {
                added.push_back(fresh_identity());
                REQUIRE(remember(added.back(), 7, day) == Seen::fresh);
            }
        });
        return added;
    }
    std::int64_t number(const char* query) { return *connection->number(query); }
};

}  // namespace

TEST_CASE("identities: what was committed is known, what was rolled back is not, across restarts") {
    Fixture agent;
    std::map<core::IdentityHash, std::uint64_t> known;
    std::vector<core::IdentityHash> all;
    std::size_t wrong = 0;
    std::size_t restarts = 0;
    while (known.size() < 4 * core::limits::recent_identities) {
        const bool commits = agent.random() % 8 != 0;
        const std::size_t size = 1 + agent.random() % 600;
        std::map<core::IdentityHash, std::uint64_t> now;
        agent.transaction(
            [&] {
                for (std::size_t i = 0; i < size; ++i) {
                    const bool again = !all.empty() && agent.random() % 4 == 0;
                    const core::IdentityHash identity =
                        again ? all[agent.random() % all.size()] : agent.fresh_identity();
                    const std::uint64_t contents = agent.random() % 2;
                    const auto before = known.find(identity);
                    const auto here = now.find(identity);
                    Seen expected = Seen::fresh;
                    if (before != known.end())
                        expected = before->second == contents ? Seen::duplicate : Seen::conflict;
                    else if (here != now.end())
                        expected = here->second == contents ? Seen::duplicate : Seen::conflict;
                    if (agent.remember(identity, contents) != expected) ++wrong;
                    if (expected != Seen::fresh) continue;
                    all.push_back(identity);
                    if (agent.random() % 16 == 0) {
                        agent.store->take_back(identity);
                    } else {
                        now.emplace(identity, contents);
                    }
                }
            },
            commits);
        if (commits) known.insert(now.begin(), now.end());
        if (agent.random() % 24 == 0) {
            agent.open();
            ++restarts;
        }
    }
    CHECK(wrong == 0);
    CHECK(restarts > 2);
    CHECK(agent.number("SELECT count(*) FROM identity") > 2 * std::int64_t{core::limits::recent_identities});
    agent.open();
    agent.transaction([&] {
        for (const auto& [identity, contents] : known)
            if (agent.remember(identity, contents) != Seen::duplicate) ++wrong;
    });
    CHECK(wrong == 0);
}

TEST_CASE("identities: what waits for its way into the B-tree is bounded, in commits of any size") {
    const std::size_t size = GENERATE(1, 64, 1'000);
    Fixture agent;
    std::int64_t bytes_max = 0;
    for (std::size_t added = 0; added < 4 * core::limits::recent_identities; added += size) {
        agent.add(size);
        if (added / size % 64 == 0)
            bytes_max = std::max(
                bytes_max, agent.number("SELECT coalesce(sum(length(entries)), 0) FROM identity_recent"));
    }
    CHECK(bytes_max > 0);
    CHECK(bytes_max <= 28 * std::int64_t{3 * core::limits::recent_identities + 1'000});
}

TEST_CASE(
    "identities: the old ones are found and forgotten wherever they are, and come back with a rollback") {
    Fixture agent;
    const auto in_tree = agent.add(core::limits::recent_identities, today - 100);
    while (agent.number("SELECT count(*) FROM identity") < std::int64_t{core::limits::recent_identities})
        agent.add(512);
    const auto in_memory = agent.add(3, today - 100);

    const bool commits = GENERATE(true, false);
    std::size_t forgotten = 0;
    agent.transaction(
        [&] {
            std::optional<core::IdentityHash> place;
            do {
                const auto old = agent.store->older_than(today - 63, place, 64);
                REQUIRE(old);
                for (const core::IdentityHash& identity : *old) REQUIRE(agent.store->forget(identity));
                forgotten += old->size();
            } while (place);
        },
        commits);
    CHECK(forgotten == in_tree.size() + in_memory.size());
    agent.transaction([&] {
        const Seen expected = commits ? Seen::fresh : Seen::duplicate;
        CHECK(agent.remember(in_tree[5]) == expected);
        CHECK(agent.remember(in_memory[0]) == expected);
    });
}

TEST_CASE("identities: a row that is cut is an error, not fewer identities") {
    Fixture agent;
    agent.add(2);
    REQUIRE(agent.connection->execute("UPDATE identity_recent SET entries = substr(entries, 1, 40)"));
    CHECK_THROWS_AS(IdentityStore(*agent.connection), std::runtime_error);
}

TEST_CASE("identities: one that was forgotten and came again is known by its new contents after a restart") {
    Fixture agent;
    const core::IdentityHash identity = agent.fresh_identity();
    agent.transaction([&] { agent.remember(identity, 7, today - 100); });
    agent.transaction([&] { REQUIRE(agent.store->forget(identity)); });
    agent.transaction([&] { CHECK(agent.remember(identity, 8) == Seen::fresh); });
    agent.open();
    std::optional<core::IdentityHash> place;
    CHECK(agent.store->older_than(today - 63, place, 64)->empty());
    agent.transaction([&] { CHECK(agent.remember(identity, 8) == Seen::duplicate); });
}
