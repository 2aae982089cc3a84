// Reading and writing points in time and durations: RFC 3339, ISO 8601 durations, and the short
// form of settings and commands. Everything is integer arithmetic on the text, with every digit
// counted; nothing asks the system for a clock, a locale or a zone.
#include "core/time.hpp"

#include <array>
#include <chrono>

namespace meterbox::core {
namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::int64_t week_ms = 7 * day_ms;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Takes a text apart from the left; every read says whether it succeeded.
class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    bool at_end() const { return rest_.empty(); }

    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool take(std::string_view word) {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    bool fixed_digits(std::size_t count, int& value) {
        if (rest_.size() < count) return false;
        value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (!is_digit(rest_[i])) return false;
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(count);
        return true;
    }
    // All the digits that are there, at least one.
    std::string_view digits() {
        std::size_t count = 0;
        while (count < rest_.size() && is_digit(rest_[count])) ++count;
        const std::string_view result = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return result;
    }
    std::optional<std::int64_t> number() {
        const std::string_view text = digits();
        if (text.empty()) return std::nullopt;
        std::int64_t value = 0;
        for (const char c : text) {
            if (__builtin_mul_overflow(value, 10, &value)) return std::nullopt;
            if (__builtin_add_overflow(value, c - '0', &value)) return std::nullopt;
        }
        return value;
    }

private:
    std::string_view rest_;
};

// The first three digits of a fraction of a second, as milliseconds.
std::int64_t milliseconds_of(std::string_view fraction) {
    std::int64_t value = 0;
    for (std::size_t i = 0; i < 3; ++i) value = value * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
    return value;
}

bool add_scaled(std::int64_t& total, std::int64_t count, std::int64_t scale) {
    std::int64_t product = 0;
    return !__builtin_mul_overflow(count, scale, &product) && !__builtin_add_overflow(total, product, &total);
}

constexpr std::int64_t ms_at(int year, unsigned month, unsigned day) {
    const sys_days days =
        year_month_day{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
    return days.time_since_epoch().count() * day_ms;
}
constexpr std::int64_t first_ms = ms_at(1, 1, 1);
constexpr std::int64_t last_ms = ms_at(9999, 12, 31) + day_ms - 1;

// Offset from UTC in milliseconds: Z or +hh:mm.
std::optional<std::int64_t> scan_offset(Scanner& scan) {
    if (scan.take('Z') || scan.take('z')) return 0;
    const bool west = scan.take('-');
    if (!west && !scan.take('+')) return std::nullopt;
    int hours = 0;
    int minutes = 0;
    if (!scan.fixed_digits(2, hours) || !scan.take(':') || !scan.fixed_digits(2, minutes))
        return std::nullopt;
    if (hours > 23 || minutes > 59) return std::nullopt;
    const std::int64_t offset = hours * hour_ms + minutes * minute_ms;
    return west ? -offset : offset;
}

// A leap second can only be 23:59:60 UTC on the last day of a month.
bool may_hold_leap_second(std::int64_t minute_start_ms) {
    const std::int64_t next_minute = minute_start_ms + minute_ms;
    if (next_minute % day_ms != 0) return false;
    const year_month_day date{sys_days{std::chrono::days{next_minute / day_ms}}};
    return date.day() == std::chrono::day{1};
}

}  // namespace

std::optional<UtcTime> parse_rfc3339(std::string_view text) {
    Scanner scan{text};
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    if (!scan.fixed_digits(4, year) || !scan.take('-') || !scan.fixed_digits(2, month) || !scan.take('-') ||
        !scan.fixed_digits(2, day)) {
        return std::nullopt;
    }
    if (!scan.take('T') && !scan.take('t')) return std::nullopt;
    if (!scan.fixed_digits(2, hour) || !scan.take(':') || !scan.fixed_digits(2, minute) || !scan.take(':') ||
        !scan.fixed_digits(2, second)) {
        return std::nullopt;
    }
    std::string_view fraction;
    if (scan.take('.')) {
        fraction = scan.digits();
        if (fraction.empty()) return std::nullopt;
    }
    const std::optional<std::int64_t> offset = scan_offset(scan);
    if (!offset || !scan.at_end()) return std::nullopt;

    const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                              std::chrono::day{static_cast<unsigned>(day)}};
    if (year < 1 || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    const std::int64_t minute_start =
        sys_days{date}.time_since_epoch().count() * day_ms + hour * hour_ms + minute * minute_ms - *offset;
    if (second == 60 && !may_hold_leap_second(minute_start)) return std::nullopt;
    const std::int64_t within = second == 60 ? minute_ms - 1 : second * second_ms + milliseconds_of(fraction);
    const UtcTime result{minute_start + within};
    if (result.ms < first_ms || result.ms > last_ms) return std::nullopt;
    return result;
}

namespace {

void put_digits(std::string& text, std::size_t place, std::size_t count, int number) {
    for (std::size_t i = count; i-- > 0; number /= 10) text[place + i] = static_cast<char>('0' + number % 10);
}

}  // namespace

// A forecast can lie beyond year 9999, which RFC 3339 can't write: it is then the calendar's end.
std::string format_rfc3339(UtcTime time) {
    const std::int64_t ms = time.ms < first_ms ? first_ms : time.ms > last_ms ? last_ms : time.ms;
    std::int64_t day_number = ms / day_ms;
    std::int64_t rest = ms % day_ms;
    if (rest < 0) {
        rest += day_ms;
        --day_number;
    }
    const year_month_day date{sys_days{std::chrono::days{day_number}}};
    std::string text = "0000-00-00T00:00:00";
    put_digits(text, 0, 4, int{date.year()});
    put_digits(text, 5, 2, static_cast<int>(unsigned{date.month()}));
    put_digits(text, 8, 2, static_cast<int>(unsigned{date.day()}));
    put_digits(text, 11, 2, static_cast<int>(rest / hour_ms));
    put_digits(text, 14, 2, static_cast<int>(rest % hour_ms / minute_ms));
    put_digits(text, 17, 2, static_cast<int>(rest % minute_ms / second_ms));
    if (const int fraction = static_cast<int>(rest % second_ms); fraction != 0) {
        text += ".000";
        put_digits(text, 20, 3, fraction);
    }
    return text + 'Z';
}

std::optional<std::int64_t> parse_iso8601_duration_ms(std::string_view text) {
    struct Field {
        char designator;
        bool after_t;
        std::int64_t scale;
    };
    static constexpr std::array<Field, 5> fields{{{'W', false, week_ms},
                                                  {'D', false, day_ms},
                                                  {'H', true, hour_ms},
                                                  {'M', true, minute_ms},
                                                  {'S', true, second_ms}}};
    Scanner scan{text};
    if (!scan.take('P')) return std::nullopt;
    std::int64_t total = 0;
    bool any = false;
    bool after_t = false;
    std::size_t next = 0;  // fields come in this order, each at most once
    while (!scan.at_end()) {
        if (!after_t && scan.take('T')) {
            after_t = true;
            any = false;  // a T must be followed by a field
        }
        const std::optional<std::int64_t> count = scan.number();
        if (!count) return std::nullopt;
        std::string_view fraction;
        if (scan.take('.') || scan.take(',')) {
            fraction = scan.digits();
            if (fraction.empty() || fraction.size() > 3) return std::nullopt;
        }
        while (next < fields.size() &&
               !(fields[next].after_t == after_t && scan.take(fields[next].designator)))
            ++next;
        if (next == fields.size()) return std::nullopt;
        if (!fraction.empty() && fields[next].designator != 'S') return std::nullopt;
        if (!add_scaled(total, *count, fields[next].scale)) return std::nullopt;
        if (!add_scaled(total, milliseconds_of(fraction), 1)) return std::nullopt;
        ++next;
        any = true;
    }
    if (!any) return std::nullopt;
    return total;
}

namespace {
struct ShortUnit {
    std::string_view name;
    std::int64_t scale;
};
constexpr std::array<ShortUnit, 5> short_units{
    {{"d", day_ms}, {"h", hour_ms}, {"m", minute_ms}, {"s", second_ms}, {"ms", 1}}};
}  // namespace

std::optional<std::int64_t> parse_short_duration_ms(std::string_view text) {
    Scanner scan{text};
    std::int64_t total = 0;
    std::size_t next = 0;
    if (scan.at_end()) return std::nullopt;
    while (!scan.at_end()) {
        const std::optional<std::int64_t> count = scan.number();
        if (!count) return std::nullopt;
        // "ms" before "m", whose first letter it shares.
        std::size_t unit = short_units.size();
        if (scan.take("ms")) {
            unit = short_units.size() - 1;
        } else {
            for (std::size_t i = 0; i + 1 < short_units.size(); ++i) {
                if (scan.take(short_units[i].name)) {
                    unit = i;
                    break;
                }
            }
        }
        if (unit == short_units.size() || unit < next) return std::nullopt;
        if (!add_scaled(total, *count, short_units[unit].scale)) return std::nullopt;
        next = unit + 1;
    }
    return total;
}

std::string format_short_duration(std::int64_t ms) {
    if (ms == 0) return "0s";
    std::string text;
    if (ms < 0) text = "-";
    for (const ShortUnit& unit : short_units) {
        const std::int64_t count = ms / unit.scale;
        ms -= count * unit.scale;
        if (count == 0) continue;
        text += std::to_string(count < 0 ? -count : count);
        text += unit.name;
    }
    return text;
}

}  // namespace meterbox::core
