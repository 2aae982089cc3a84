// A journal with a chain of five links, whoever changes it behind its back, and what its check says.
#pragma once

#include "agent/chain_check.hpp"
#include "agent/journal.hpp"
#include "agent/journal_schema.hpp"
#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace meterbox::tests {

using agent::ChainReport;
using agent::Journal;

inline constexpr core::UtcTime noon{1'800'000'000'000};
inline constexpr std::int64_t unit = 1'000;

inline agent::JournalNow now() {
    return {core::Now::at(noon), noon, true};
}

inline core::Resource render() {
    core::Resource resource;
    resource.key = "render";
    resource.name = "Render";
    resource.unit_size = core::Amount{unit};
    return resource;
}

inline core::Lease lease() {
    core::LeaseTranche tranche;
    tranche.tranche = "t1";
    tranche.granted = core::Units{100};
    tranche.valid_from = noon + -core::day_ms;
    core::Lease lease;
    lease.resources = {{"render", core::Amount{unit}, {}, {tranche}}};
    return lease;
}

inline agent::JournalEvent event(int number, std::int64_t amount = 700) {
    agent::JournalEvent entry;
    entry.event.source = "/test";
    entry.event.id = std::to_string(number);
    entry.event.type = "render";
    entry.event.amount = core::Amount{amount};
    entry.identity.bytes[0] = static_cast<std::byte>(number);
    entry.identity.bytes[1] = static_cast<std::byte>(number >> 8);
    entry.time = noon;
    return entry;
}

template <class Work>
void transaction(Journal& journal, Work work) {
    REQUIRE(journal.begin());
    work();
    REQUIRE(journal.commit());
}

inline void report(Journal& journal, int first, int count) {
    transaction(journal, [&] {
        for (int i = first; i < first + count; ++i) REQUIRE(journal.report(std::vector{event(i)}, now()));
    });
}

// Five links: the start with the catalogue, the lease, and three reports with 2, 3 and 1 events.
inline void fill(const std::filesystem::path& path) {
    Journal journal(path);
    transaction(journal, [&] { journal.describe({render()}); });
    transaction(journal, [&] { journal.take_lease(lease(), now()); });
    report(journal, 1, 2);
    report(journal, 3, 3);
    report(journal, 6, 1);
}

// Up to the newest link of a chain that others may have written beside the journal.
inline ChainReport check(Journal& journal, const agent::ChainHead& head) {
    agent::ChainCheck check(journal.connection());
    while (check.go_on([] { return true; }).value()) {
    }
    return check.finish(head).value();
}

inline ChainReport check(Journal& journal) {
    return check(journal, journal.chain().head());
}

inline void tamper(platform::sqlite::Connection& connection, const std::string& sql) {
    const std::int64_t before = connection.number("SELECT total_changes()").value();
    REQUIRE(connection.execute(sql));
    REQUIRE(connection.number("SELECT total_changes()").value() > before);
}

// Somebody with the file and without the journal. Journal and thief take turns: one has it open at a time.
inline void tamper(const std::filesystem::path& path, const std::string& sql) {
    const auto connection = platform::sqlite::Connection::open({path, agent::journal_application_id}).value();
    tamper(*connection, sql);
}

// Whether the start that found it so put the journal aside for this.
inline bool is_set_aside_for(const std::filesystem::path& path, const std::string& word) {
    const Journal journal(path);
    return journal.suspicion() && journal.suspicion()->cause == agent::Suspicion::Cause::set_aside &&
           journal.suspicion()->detail.find(word) != std::string::npos;
}

// After a start of its own, with another lease.
inline void go_on_as_second(Journal& journal) {
    transaction(journal, [] {});  // the start's
    const std::int64_t head = journal.chain().head().sequence;
    transaction(journal, [&] { journal.begin_incarnation({2, head, head}); });
    transaction(journal, [&] { journal.take_lease(lease(), now()); });
}

}  // namespace meterbox::tests
