// The reasons are those that the rules give; this is the one place that has all of them.
#include "account/audit_entries.hpp"

#include <algorithm>

#include "account/adjustment.hpp"
#include "account/tranche.hpp"
#include "core/account_limits.hpp"
#include "core/text.hpp"

namespace meterbox::account {

namespace {

// A place as what may be said of it: what is free comes from outside, is there, or has expired.
char kind_of(std::string_view place) {
    if (place == "leased") return 'L';
    if (place == "charged") return 'C';
    return place == "in_doubt" ? 'D' : 'F';
}

struct Reason {
    std::string_view name;
    std::string_view moves;  // pairs of kinds
};

constexpr Reason reasons[] = {
    {"purchase", "FF"},
    {"end", "FF"},
    {"lease", "FL"},
    {"next cycle", "FL"},
    {"hand over", "LF FL"},
    {"charge", "LC"},
    {"draw order", "FC LF CF"},
    {"return", "LF"},
    {"retire", "LF"},
    {"fence", "LD LF"},
    {"went on", "LD LF"},
    {"write-off", "LD LF"},
    {"count", "DC"},
    {"release", "DF"},
    {"heard again", "DL CL FL"},
    {"learned", "FL FC CF"},
};

bool fits(const EntrySaid& said) {
    const char kinds[] = {kind_of(said.from), kind_of(said.to)};
    const std::string_view move(kinds, 2);
    if (is_adjustment(said.reason)) return move == "CF";
    const auto* const found = std::ranges::find(reasons, said.reason, &Reason::name);
    return found != std::end(reasons) && found->moves.find(move) != std::string_view::npos;
}

std::string name_of(std::int64_t tranche, std::int64_t entry) {
    return "tranche " + tranche_name(tranche) + ": entry " + std::to_string(entry);
}

}  // namespace

void EntryChecks::look(std::int64_t tranche, const EntrySaid& said) {
    Seen& seen = tranches_[tranche];
    if (!seen.unknown && !fits(said)) {
        seen.unknown = true;
        differences.push_back(name_of(tranche, said.entry) + " moves units from " + std::string(said.from) +
                              " to " + std::string(said.to) +
                              ", and its reason isn't one of that: " + core::printable(said.reason));
    }
    const bool before = said.at + core::limits::audit_clocks_apart_ms_max < seen.latest;
    if (before && !seen.turned) {
        seen.turned = true;
        findings.push_back(name_of(tranche, said.entry) + " is of " + core::format_rfc3339(said.at) +
                           ", earlier than entry " + std::to_string(seen.entry) + ", of " +
                           core::format_rfc3339(seen.latest) +
                           ": a clock of the account was set, or one of them was changed");
    }
    if (said.at < seen.latest) return;
    seen.latest = said.at;
    seen.entry = said.entry;
}

core::UtcTime EntryChecks::latest() const {
    core::UtcTime latest;
    for (const auto& [tranche, seen] : tranches_) latest = std::max(latest, seen.latest);
    return latest;
}

void EntryChecks::look_ahead(core::UtcTime now) {
    for (const auto& [tranche, seen] : tranches_)
        if (now + core::limits::audit_clocks_apart_ms_max < seen.latest)
            findings.push_back(name_of(tranche, seen.entry) + " is of " + core::format_rfc3339(seen.latest) +
                               ", which is still to come");
}

}  // namespace meterbox::account
