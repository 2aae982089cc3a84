// The log: one line an event on stderr, `level=info event=sync.failed account="https://..."` or the
// same as a JSON object. What happened has a dotted name, what it was about are fields; sentences go
// into the field `detail`. Any thread may write; a line is one write(2). Never put a secret into a field.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/time.hpp"

namespace meterbox::platform::system {

class Clock;

enum class LogLevel { error, warn, info, debug };
enum class LogFormat { text, json };
std::string_view name_of(LogLevel);
std::optional<LogLevel> log_level_from(std::string_view);
std::optional<LogFormat> log_format_from(std::string_view);

struct LogField {
    LogField(std::string_view field, std::string_view text) : key(field), value(text) {}
    LogField(std::string_view field, const std::string& text) : key(field), value(std::string_view(text)) {}
    LogField(std::string_view field, const char* text) : key(field), value(std::string_view(text)) {}
    LogField(std::string_view field, bool truth) : key(field), value(truth) {}
    template <std::integral T>
    LogField(std::string_view field, T number) : key(field), value(static_cast<std::int64_t>(number)) {}

    std::string_view key;
    std::variant<std::string_view, std::int64_t, bool> value;
};
using LogFields = std::initializer_list<LogField>;

class Log {
public:
    // With a clock each line begins with its time; left out when stderr is the journal's, which adds
    // its own, and which then gets its <N> priorities.
    explicit Log(LogLevel level = LogLevel::info, LogFormat format = LogFormat::text,
                 const Clock* clock = nullptr, int descriptor = 2);

    void set(LogLevel level, LogFormat format);  // SIGHUP; any thread
    bool takes(LogLevel level) const { return level <= level_.load(std::memory_order_relaxed); }

    void error(std::string_view event, LogFields fields = {}) { write(LogLevel::error, event, fields); }
    void warn(std::string_view event, LogFields fields = {}) { write(LogLevel::warn, event, fields); }
    void info(std::string_view event, LogFields fields = {}) { write(LogLevel::info, event, fields); }
    void debug(std::string_view event, LogFields fields = {}) { write(LogLevel::debug, event, fields); }
    // Waits for nobody: lines for which a pipe or a terminal has no room are lost, and their number is said
    // as soon as there is room again.
    void write(LogLevel level, std::string_view event, LogFields fields);

private:
    std::string line(LogLevel level, std::string_view event, LogFields fields) const;
    bool put(std::string_view text);

    std::atomic<LogLevel> level_;
    std::atomic<LogFormat> format_;
    const Clock* clock_;
    int descriptor_;
    bool journal_;
    std::mutex writing_;
    std::int64_t lost_ = 0;
    bool torn_ = false;  // the last line has no end
};

// The line that Log writes, newline included. time: none, no time in it.
std::string format_log_line(LogFormat format, LogLevel level, std::string_view event, LogFields fields,
                            std::optional<core::UtcTime> time);

// For states that repeat (a sync that keeps failing): log a change, not each event.
class LogOnChange {
public:
    // True when this state isn't the one given last.
    bool changed(std::string_view state);

private:
    std::optional<std::string> state_;
};

// For events that an outsider can cause at will: at most one line an interval.
class LogLimit {
public:
    explicit LogLimit(std::int64_t interval_ms) : interval_ms_(interval_ms) {}
    // How many were left out since the last line, when this one may be written; none: leave it out.
    std::optional<std::uint64_t> admit(core::MonotonicTime now);

private:
    std::int64_t interval_ms_;
    std::optional<core::MonotonicTime> last_;
    std::uint64_t left_out_ = 0;
};

}  // namespace meterbox::platform::system
