// Abseil's reader of zone files, in this file alone.
#include "platform/zones/time_zone.hpp"

#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace meterbox::platform::zones {

using core::LocalDate;
using core::UtcTime;

struct TimeZone::Loaded {
    absl::TimeZone zone;
};

namespace {

constexpr std::size_t name_bytes_max = 64;
constexpr const char* database = "/usr/share/zoneinfo";

// What lies in the database beside zones: this machine's own, copies with leap seconds, the library's.
bool is_no_zone(std::string_view name) {
    static constexpr std::array others{"localtime", "posixrules", "Factory"};
    static constexpr std::array folders{"posix/", "right/", "Fixed/", "libc:"};
    return std::ranges::find(others, name) != others.end() ||
           std::ranges::any_of(folders, [name](const char* folder) { return name.starts_with(folder); });
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes_max && name.front() != '/' &&
           name.find("..") == std::string_view::npos &&
           name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
               std::string_view::npos &&
           !is_no_zone(name);
}

core::Error unknown(const std::string& name) {
    std::error_code ignored;
    const bool there = std::filesystem::exists(std::string(database) + "/Europe", ignored);
    std::string detail = there ? "no time zone " + name + ": an IANA name like Europe/Paris or UTC is needed"
                               : "time zone " + name + ": this machine has no zone data in " + database +
                                     ": `apt-get install tzdata`";
    return {core::ErrorCode::invalid, std::move(detail), std::nullopt, {}};
}

}  // namespace

core::Result<TimeZone> TimeZone::find(const std::string& name) {
    auto loaded = std::make_shared<Loaded>();
    if (!is_name(name) || !absl::LoadTimeZone(name, &loaded->zone)) return unknown(name);
    return TimeZone(std::move(loaded));
}

UtcTime TimeZone::first_instant(LocalDate date) const {
    const absl::CivilSecond midnight(static_cast<int>(date.year()), static_cast<int>(unsigned{date.month()}),
                                     static_cast<int>(unsigned{date.day()}));
    const absl::TimeZone::TimeInfo at = loaded_->zone.At(midnight);
    // Clocks that skip midnight begin the day where they land; those that show it twice, the first time.
    const bool skipped = at.kind == absl::TimeZone::TimeInfo::SKIPPED;
    return {absl::ToUnixMillis(skipped ? at.trans : at.pre)};
}

LocalDate TimeZone::date_of(UtcTime time) const {
    const absl::CivilDay day(loaded_->zone.At(absl::FromUnixMillis(time.ms)).cs);
    return LocalDate{std::chrono::year{static_cast<int>(day.year())},
                     std::chrono::month{static_cast<unsigned>(day.month())},
                     std::chrono::day{static_cast<unsigned>(day.day())}};
}

}  // namespace meterbox::platform::zones
