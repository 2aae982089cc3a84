// One sweep through the journal: what is past its age goes, chunk by chunk, in transactions between those of
// others; then, where the journal has outgrown its budget, the oldest events that the account has heard of.
// What is to go when is Retention's to say. Store side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "agent/journal.hpp"
#include "agent/retention.hpp"
#include "platform/store/store_thread.hpp"

namespace meterbox::agent {

// What is older than this goes.
struct RetentionCutoffs {
    core::UtcTime events;
    core::UtcTime sessions;
    std::int64_t identity_day = 0;
    core::UtcHour usage;
};

// Its statements, each once. Throws std::runtime_error if the journal can't be read.
class RetentionTables {
public:
    explicit RetentionTables(Journal& journal)
        : connection(journal.connection()),
          heard(connection.statement("SELECT last_event FROM link WHERE seq <= ? ORDER BY seq DESC LIMIT 1")),
          events(connection.statement("SELECT seq, taken_at_ms FROM event ORDER BY seq LIMIT ?")),
          forget_events(connection.statement("DELETE FROM event WHERE seq <= ?")),
          sessions(
              connection.statement("SELECT id, ended_at_ms FROM session WHERE id > ? ORDER BY id LIMIT ?")),
          forget_session(connection.statement("DELETE FROM session WHERE id = ?")),
          resource_after(connection.statement("SELECT id FROM resource WHERE id > ? ORDER BY id LIMIT 1")),
          usage(connection.statement(
              "SELECT hour, subject, EXISTS (SELECT 1 FROM usage_pending p WHERE p.resource = u.resource AND "
              "p.hour = u.hour AND p.subject = u.subject) FROM usage u WHERE resource = ? AND hour < ? AND "
              "(hour, subject) > (?, ?) ORDER BY hour, subject LIMIT ?")),
          forget_usage(
              connection.statement("DELETE FROM usage WHERE resource = ? AND hour = ? AND subject = ?")),
          units(connection.statement("SELECT resource, tranche, hour FROM unit_hour WHERE changed <= ? "
                                     "ORDER BY changed LIMIT ?")),
          forget_units(
              connection.statement("DELETE FROM unit_hour WHERE resource = ? AND tranche = ? AND hour = ?")),
          page_size(connection.statement("PRAGMA page_size")),
          pages(connection.statement("PRAGMA page_count")),
          free_pages(connection.statement("PRAGMA freelist_count")) {}

    platform::sqlite::Connection& connection;
    platform::sqlite::Statement heard, events, forget_events, sessions, forget_session, resource_after, usage,
        forget_usage, units, forget_units, page_size, pages, free_pages;
};

class RetentionSweep final : public platform::store::IdleWork {
public:
    using Finished = std::function<void(const Forgotten&)>;

    // links_kept: at least so many, the newest. walk: go through the tables that have no order by age, too.
    RetentionSweep(Journal& journal, RetentionTables& tables, const RetentionCutoffs& cutoffs,
                   std::int64_t budget_bytes, std::int64_t links_kept, bool walk, Finished finished)
        : journal_(journal),
          tables_(tables),
          cutoffs_(cutoffs),
          budget_bytes_(budget_bytes),
          links_kept_(links_kept),
          walk_(walk),
          finished_(std::move(finished)) {}

    bool run(const platform::store::Slice& slice) override;
    void finish() override { finished_(forgotten_); }

private:
    enum class Stage { events, budget, vacuum, units, usage, identities, sessions, links, over };
    // Of the journal's file, in bytes: in use, and kept for what comes.
    struct Room {
        std::int64_t used = 0;
        std::int64_t free = 0;
    };

    core::Result<void> chunk();
    core::Result<void> events();
    core::Result<void> budget();
    core::Result<void> vacuum();
    core::Result<Room> room();
    core::Result<void> units();
    core::Result<void> usage();
    core::Result<void> identities();
    core::Result<void> sessions();
    core::Result<void> links();
    core::Result<void> forget_events(std::int64_t last);
    core::Result<void> note_oldest();
    // Inside a transaction, which begins with the first row that goes.
    template <class... Values>
    core::Result<void> forget(platform::sqlite::Statement& statement, std::int64_t& count,
                              const Values&... values);
    core::Result<void> begin();

    Journal& journal_;
    RetentionTables& tables_;
    RetentionCutoffs cutoffs_;
    std::int64_t budget_bytes_;
    std::int64_t links_kept_;
    bool walk_;
    Finished finished_;
    Forgotten forgotten_;
    Stage stage_ = Stage::events;
    bool begun_ = false;
    // How far it has come.
    ResourceId resource_ = 0;
    std::optional<UsageKey> usage_;
    std::optional<core::IdentityHash> identity_;
    std::string session_;
};

}  // namespace meterbox::agent
