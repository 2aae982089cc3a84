// The agent as an admin sees it.
#include <filesystem>
#include <system_error>

#include "agent/agent_cards.hpp"
#include "agent/app_parts.hpp"

namespace meterbox::agent {

bool App::Parts::ready(std::string& why_not) const {
    if (!link_.identity()) {
        why_not = access_.last_error().empty() ? "not enrolled" : access_.last_error();
    } else if (balances_.empty()) {
        why_not = "no resources known yet: no sync has succeeded, or the account has none";
    }
    return why_not.empty();
}

std::string App::Parts::no_catalogue() const {
    if (link_.knows_catalogue()) return {};
    const std::string error = access_.last_error();
    return error.empty() ? "it has not yet" : error;
}

StatusSnapshot App::Parts::status() const {
    StatusSnapshot status;
    const core::ClockReading reading = time_.read();
    const core::UtcTime now = time_.trusted().now(reading);
    const Identity* identity = access_.who();
    status.agent.id = identity ? identity->agent : "";
    status.agent.name = config_.agent.name;
    status.agent.team = identity ? identity->team : "";
    status.agent.version = METERBOX_VERSION;
    status.agent.started_at = started_at_;
    status.agent.uptime_ms = reading.boot - started_boot_;
    if (link_.identity()) status.enrollment.certificate_expires_at = link_.identity()->life.ends_at;
    status.enrollment.state = access_.state();
    status.enrollment.retiring = link_.retiring() == AccountLink::Retiring::draining ||
                                 link_.retiring() == AccountLink::Retiring::sealed;
    status.account.url = access_.url();
    status.account.reachable = link_.reachable();
    status.account.learning = link_.learning();
    status.account.last_sync_at = link_.last_sync_at();
    status.account.last_error = access_.last_error();
    if (const auto wait = link_.next_sync_in_ms()) status.account.next_sync_at = now + *wait;
    status.account.consecutive_failures = link_.consecutive_failures();
    status.cards = agent_cards(balances_, sessions_, rate_, time_.range(), now);
    status.pending.units = link_.pending_units().value();
    status.pending.usage_rows = balances_.pending_usage_rows().value_or(pending_usage_rows_at_start_);
    status.journal = journal_status();
    status.journal.rows = rows_at_start_.events + balances_.events_taken();
    status.journal.oldest =
        rows_at_start_.oldest_event ? rows_at_start_.oldest_event : balances_.first_event();
    status.journal.bytes = journal_bytes();
    status.journal.budget_bytes = config_.journal.budget_bytes;
    status.clock.trusted_now = time_.trusted().trusted_now(reading);
    status.clock.wall_now = reading.wall;
    status.clock.state = time_.trusted().quality();
    status.sessions.active = static_cast<std::int64_t>(sessions_.active());
    status.counters.reports = product_routes_.reports();
    status.counters.refused = product_routes_.refused();
    status.counters.events = static_cast<std::uint64_t>(balances_.events_taken());
    status.counters.duplicates = meter_.duplicates();
    status.counters.syncs = link_.syncs();
    status.counters.sync_failures = link_.failures();
    status.counters.commits = store_.statistics().commits;
    status.counters.commit_failures = store_.statistics().failed_commits;
    return status;
}

JournalStatus App::Parts::journal_status() const {
    JournalStatus status;
    status.set_aside = set_aside_;
    status.damage = damage_;
    if (journal_.reserve().gone()) {
        status.state = JournalState::full;
        status.detail = "the disk is full: reports are refused until there is room for the reserve twice";
    } else if (balances_.suspicion()) {
        status.state = JournalState::suspect;
        status.detail = balances_.suspicion()->detail;
    }
    return status;
}

// The database and its write-ahead log, as they lie on the disk.
std::int64_t App::Parts::journal_bytes() const {
    std::int64_t bytes = 0;
    for (const char* name : {"journal.db", "journal.db-wal"}) {
        std::error_code missing;
        const auto size =
            std::filesystem::file_size(std::filesystem::path(config_.agent.state_dir) / name, missing);
        if (!missing) bytes += static_cast<std::int64_t>(size);
    }
    return bytes;
}

}  // namespace meterbox::agent
