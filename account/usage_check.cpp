// Rows of one message against the counters beside them.
#include "account/usage_check.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "core/account_limits.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::wire::UsageRow;

namespace {

// What sessions run without enforcement comes on top of what is reported, which is bounded.
constexpr std::int64_t unmetered_hour_max = 2 * core::limits::hour_amount_max;

Error problem(ErrorCode code, std::string detail, std::size_t row) {
    return {code, std::move(detail), std::nullopt, "/usage/" + std::to_string(row)};
}

// Where nothing was ever recorded without being metered, and nothing came along from an incarnation before,
// all hours together are M.
bool is_all_metered(Database& database, const Agent& agent, const std::string& resource) {
    return agent.incarnation == 1 &&
           database.number("SELECT ever_unmetered FROM resource WHERE key = ?", resource) == 0;
}

std::int64_t metered_of(const CounterMessage& message, const std::string& resource) {
    const auto said = std::ranges::find(message.resources, resource, &core::wire::ResourceCounters::resource);
    return said == message.resources.end() ? 0 : said->metered.value();
}

std::string hour_text(core::UtcHour hour) {
    return core::format_rfc3339(core::start_of(hour));
}

}  // namespace

Result<void> check_usage(Database& database, const Catalogue& catalogue, const Agent& agent,
                         const CounterMessage& message) {
    std::set<std::tuple<std::string_view, std::int64_t, std::string_view>> named;
    std::map<std::string_view, std::int64_t> sums;
    std::map<std::string_view, bool> all_metered;
    for (std::size_t i = 0; i < message.usage.size(); ++i) {
        const UsageRow& row = message.usage[i];
        const auto known = std::ranges::find(catalogue.resources, row.resource, &core::Resource::key);
        if (known == catalogue.resources.end()) {
            return Error{ErrorCode::invalid, "unknown resource " + row.resource, std::nullopt,
                         "/usage/" + std::to_string(i) + "/resource"};
        }
        if (!named.emplace(row.resource, row.hour.number, row.subject).second)
            return problem(ErrorCode::invalid, "the same hour, resource and subject twice", i);
        if (known->kind == core::Kind::returnable) continue;  // the most that was held at once
        std::int64_t& sum = sums[row.resource];
        if (__builtin_add_overflow(sum, row.usage.value(), &sum))
            sum = std::numeric_limits<std::int64_t>::max();
        if (sum <= metered_of(message, row.resource)) continue;
        const auto [metered, first] = all_metered.try_emplace(row.resource);
        if (first) metered->second = is_all_metered(database, agent, row.resource);
        if (!metered->second && row.usage.value() <= unmetered_hour_max) continue;
        return problem(
            ErrorCode::conflict,
            "usage of " + row.resource + " in the hour " + hour_text(row.hour) + " is more than was metered",
            i);
    }
    return {};
}

void note_hours_to_come(Database& database, const Agent& agent, const CounterMessage& message,
                        core::UtcTime now) {
    const std::int64_t last = core::hour_of(now + core::limits::hour_ahead_ms_max).number;
    const auto note = [&](const std::string& resource, core::UtcHour hour) {
        if (hour.number <= last) return;
        const std::string detail = "usage of " + resource + " in the hour " + hour_text(hour) +
                                   ", which is still to come: the clock of its machine was wrong";
        keep_evidence(database, agent, detail, now, Judgement::taken);
    };
    for (const UsageRow& row : message.usage) note(row.resource, row.hour);
    for (const auto& said : message.resources)
        for (const auto& tranche : said.tranches)
            for (const auto& hour : tranche.hours) note(said.resource, hour.hour);
}

std::string kept_subject(const std::string& subject) {
    if (core::is_line(subject)) return subject;
    static constexpr char digits[] = "0123456789abcdef";
    std::string kept;
    for (const char c : subject) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = byte >= 0x20 && byte < 0x7f;  // what else is one, and what a part of one?
        kept += plain ? std::string{c} : std::string{'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
    }
    return kept;
}

}  // namespace meterbox::account
