// Rows of one message against the counters beside them.
#include "account/usage_check.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "account/learning.hpp"
#include "account/usage_roll_up.hpp"
#include "core/account_limits.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::wire::UsageRow;

Error unknown_resource(const std::string& key, std::string pointer) {
    return {ErrorCode::invalid,
            "unknown resource " + key + "; if a backup of before it was restored, add it again as it was",
            std::nullopt, std::move(pointer)};
}

namespace {

// What sessions run without enforcement comes on top of what is reported, which is bounded.
constexpr std::int64_t unmetered_hour_max = 2 * core::limits::hour_amount_max;

Error problem(ErrorCode code, std::string detail, std::size_t row) {
    return {code, std::move(detail), std::nullopt, "/usage/" + std::to_string(row)};
}

// Where nothing was ever recorded without being metered, and nothing came along from an incarnation before,
// all hours together are M. A store that was put back may have forgotten what was.
bool is_all_metered(Database& database, const Agent& agent, const std::string& resource) {
    return agent.incarnation == 1 &&
           database.number("SELECT ever_unmetered FROM resource WHERE key = ?", resource) == 0 &&
           list_incidents(database, agent.team).empty();
}

std::optional<std::int64_t> metered_of(const CounterMessage& message, const std::string& resource) {
    const auto said = std::ranges::find(message.resources, resource, &core::wire::ResourceCounters::resource);
    if (said == message.resources.end()) return std::nullopt;
    return said->metered.value();
}

// What is known of a resource while a message is read.
struct Resource {
    std::int64_t said = 0;     // M of this message
    std::int64_t metered = 0;  // M: the larger of that and what was seen, for an older message may come late
    std::int64_t here = 0;     // usage in this message
    std::int64_t told = 0;     // usage in all messages
    std::optional<bool> all_metered;
};

// None: nobody ever said counters of it, so that nothing could keep what is told.
std::optional<Resource> seen_of(Known& known, const CounterMessage& message, const std::string& resource) {
    const KnownUsage& seen = known.usage(resource);
    const auto said = metered_of(message, resource);
    if (!said && !seen.any) return std::nullopt;
    return Resource{said.value_or(0), std::max(said.value_or(0), seen.metered.value()), 0, seen.told.value(),
                    std::nullopt};
}

void add(std::int64_t& sum, std::int64_t amount) {
    if (__builtin_add_overflow(sum, amount, &sum)) sum = std::numeric_limits<std::int64_t>::max();
}

// What is kept of some rows of a message, given by their places; all are asked at once.
std::map<std::size_t, std::int64_t> amounts_of(Database& database, const Agent& agent,
                                               const std::vector<UsageRow>& rows,
                                               const std::vector<std::size_t>& asked) {
    std::map<std::size_t, std::int64_t> amounts;
    database.each_of(
        "SELECT amount FROM usage WHERE agent = ? AND incarnation = ? AND hour = ? AND resource = ? "
        "AND subject = ?",
        asked,
        [&](std::size_t place) {
            const UsageRow& row = rows[place];
            return std::tie(agent.id, agent.incarnation, row.hour, row.resource, row.subject);
        },
        [&](std::size_t place, auto& found) { amounts[place] = found.integer(0); });
    return amounts;
}

// Rows of hours before end_hour that aren't kept, but their month's sum is: they become the month's.
// amounts: what is kept of rows, by their places; gets that of these.
void join_months(Database& database, const Agent& agent, std::vector<UsageRow>& rows,
                 const std::vector<std::size_t>& places, std::int64_t end_hour,
                 std::map<std::size_t, std::int64_t>& amounts) {
    std::vector<std::size_t> asked;
    for (const std::size_t i : places)
        if (rows[i].hour.number < end_hour && !amounts.contains(i)) asked.push_back(i);
    if (asked.empty()) return;
    std::vector<UsageRow> months = rows;
    for (const std::size_t i : asked) months[i].hour = {first_hour_of_month(rows[i].hour)};
    for (const auto& [place, amount] : amounts_of(database, agent, months, asked)) {
        rows[place].hour = months[place].hour;
        amounts[place] = amount;
    }
}

// Of what is exhaustible: of a returnable resource it is the most that was held at once.
Result<std::vector<std::size_t>> rows_to_ask(const Catalogue& catalogue, const std::vector<UsageRow>& rows) {
    std::set<std::tuple<std::string_view, std::int64_t, std::string_view>> named;
    std::vector<std::size_t> asked;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const UsageRow& row = rows[i];
        const auto listed = std::ranges::find(catalogue.resources, row.resource, &core::Resource::key);
        if (listed == catalogue.resources.end()) {
            return unknown_resource(row.resource, "/usage/" + std::to_string(i) + "/resource");
        }
        if (!named.emplace(row.resource, row.hour.number, row.subject).second)
            return problem(ErrorCode::invalid, "the same hour, resource and subject twice", i);
        if (listed->kind == core::Kind::exhaustible) asked.push_back(i);
    }
    return asked;
}

std::string hour_text(core::UtcHour hour) {
    return core::format_rfc3339(core::start_of(hour));
}

}  // namespace

Result<UsageTold> check_usage(Database& database, const Catalogue& catalogue, Known& known,
                              const CounterMessage& message) {
    const auto asked = rows_to_ask(catalogue, message.usage);
    if (!asked) return asked.error();
    UsageTold usage{{}, message.usage};
    for (UsageRow& row : usage.rows) row.subject = kept_subject(row.subject);
    auto amounts = amounts_of(database, known.agent(), usage.rows, *asked);
    join_months(database, known.agent(), usage.rows, *asked, message.rolled_up_to, amounts);
    // Rows that have become one are so one after the other.
    std::map<std::tuple<std::string_view, std::int64_t, std::string_view>, std::int64_t> kept;
    std::map<std::string_view, Resource> resources;
    for (const std::size_t i : *asked) {
        const UsageRow& row = message.usage[i];
        const UsageRow& as_kept = usage.rows[i];
        const auto [found, first] = resources.try_emplace(row.resource);
        Resource& resource = found->second;
        if (first) {
            const auto seen = seen_of(known, message, row.resource);
            if (!seen)
                return problem(ErrorCode::conflict, "usage of " + row.resource + " without its counters", i);
            resource = *seen;
        }
        add(resource.here, row.usage.value());
        std::int64_t& before =
            kept.try_emplace({row.resource, as_kept.hour.number, as_kept.subject}, amounts[i]).first->second;
        if (const std::int64_t growth = row.usage.value() - before; growth > 0) {
            add(resource.told, growth);
            usage.told[row.resource] = core::Amount{resource.told};
            before = row.usage.value();
        }
        if (resource.here <= resource.said && resource.told <= resource.metered) continue;
        if (!resource.all_metered)
            resource.all_metered = is_all_metered(database, known.agent(), row.resource);
        if (!*resource.all_metered &&
            (resource.here <= resource.said || row.usage.value() <= unmetered_hour_max))
            continue;
        const bool by_itself = resource.here > resource.said;
        return problem(ErrorCode::conflict,
                       "usage of " + row.resource + " up to the hour " + hour_text(row.hour) + " is " +
                           std::to_string(by_itself ? resource.here : resource.told) + ", more than the " +
                           std::to_string(by_itself ? resource.said : resource.metered) +
                           " that were metered",
                       i);
    }
    return usage;
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
