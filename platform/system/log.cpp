#include "platform/system/log.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

#include "platform/system/clock.hpp"

namespace meterbox::platform::system {
namespace {

constexpr std::array<std::string_view, 4> level_names{"error", "warn", "info", "debug"};
constexpr std::array<std::string_view, 4> priorities{"<3>", "<4>", "<6>", "<7>"};  // syslog's

// JOURNAL_STREAM names the journal's socket by device and inode. Inherited by children whose stderr
// goes elsewhere, so it has to be compared (systemd.exec(5)).
bool is_journal(int descriptor) {
    const char* stream = std::getenv("JOURNAL_STREAM");
    unsigned long long device = 0;
    unsigned long long inode = 0;
    if (stream == nullptr || std::sscanf(stream, "%llu:%llu", &device, &inode) != 2) return false;
    struct stat status {};
    return fstat(descriptor, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

// How many bytes the UTF-8 sequence at the start of text has; 0 if it isn't one.
std::size_t sequence_length(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
    }
    return length;
}

// Both for JSON and for quoted text: nothing in a field can end the line or the quotes.
void append_quoted(std::string& line, std::string_view text) {
    line += '"';
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
        text.remove_prefix(sequence.size());
        const char c = sequence[0];
        const auto code = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else if (c == '\n') {
            line += "\\n";
        } else if (code < 0x20 || code == 0x7f) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", code);
            line += escape;
        } else if (length == 0) {
            line += "\\ufffd";
        } else {
            line += sequence;
        }
    }
    line += '"';
}

bool is_plain(std::string_view text) {
    if (text.empty()) return false;
    for (const char c : text) {
        const auto code = static_cast<unsigned char>(c);
        if (code <= 0x20 || code >= 0x7f || c == '"' || c == '\\' || c == '=') return false;
    }
    return true;
}

void append_text(std::string& line, LogFormat format, std::string_view text) {
    if (format == LogFormat::text && is_plain(text)) {
        line += text;
    } else {
        append_quoted(line, text);
    }
}

void append_value(std::string& line, LogFormat format, const LogField& field) {
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
        append_text(line, format, *text);
    } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
        line += std::to_string(*number);
    } else {
        line += std::get<bool>(field.value) ? "true" : "false";
    }
}

void append_field(std::string& line, LogFormat format, const LogField& field) {
    if (format == LogFormat::json) {
        line += line.empty() ? '{' : ',';
        append_quoted(line, field.key);
        line += ':';
    } else {
        if (!line.empty()) line += ' ';
        line += field.key;
        line += '=';
    }
    append_value(line, format, field);
}

}  // namespace

std::string_view name_of(LogLevel level) {
    return level_names[static_cast<std::size_t>(level)];
}

std::optional<LogLevel> log_level_from(std::string_view name) {
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (level_names[i] == name) return static_cast<LogLevel>(i);
    }
    return std::nullopt;
}

std::optional<LogFormat> log_format_from(std::string_view name) {
    if (name == "text") return LogFormat::text;
    if (name == "json") return LogFormat::json;
    return std::nullopt;
}

std::string format_log_line(LogFormat format, LogLevel level, std::string_view event, LogFields fields,
                            std::optional<core::UtcTime> time) {
    std::string line;
    line.reserve(128);
    if (time) append_field(line, format, {"time", core::format_rfc3339(*time)});
    append_field(line, format, {"level", name_of(level)});
    append_field(line, format, {"event", event});
    for (const LogField& field : fields) append_field(line, format, field);
    line += format == LogFormat::json ? "}\n" : "\n";
    return line;
}

Log::Log(LogLevel level, LogFormat format, const Clock* clock, int descriptor)
    : level_(level),
      format_(format),
      clock_(clock),
      descriptor_(descriptor),
      journal_(is_journal(descriptor)) {}

void Log::set(LogLevel level, LogFormat format) {
    level_.store(level, std::memory_order_relaxed);
    format_.store(format, std::memory_order_relaxed);
}

std::string Log::line(LogLevel level, std::string_view event, LogFields fields) const {
    std::optional<core::UtcTime> time;
    if (clock_ != nullptr && !journal_) time = clock_->wall_now();
    std::string line = format_log_line(format_.load(std::memory_order_relaxed), level, event, fields, time);
    if (journal_) line.insert(0, priorities[static_cast<std::size_t>(level)]);
    return line;
}

void Log::write(LogLevel level, std::string_view event, LogFields fields) {
    if (!takes(level)) return;
    const std::string text = line(level, event, fields);
    const std::lock_guard<std::mutex> lock(writing_);
    if (lost_ > 0) {
        const std::string before = torn_ ? "\n" : "";
        if (put(before + line(LogLevel::warn, "log.lost", {{"lines", lost_}}))) lost_ = 0;
    }
    if (lost_ > 0 || !put(text)) ++lost_;
}

// A log that can't be written must not stop the work. A pipe that says it has room has PIPE_BUF of it; it
// isn't made not to block, for others may write to it too.
bool Log::put(std::string_view text) {
    bool begun = false;
    while (!text.empty()) {
        pollfd room{descriptor_, POLLOUT, 0};
        if (::poll(&room, 1, 0) <= 0) break;
        const ssize_t written =
            ::write(descriptor_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        text.remove_prefix(static_cast<std::size_t>(written));
        begun = true;
    }
    if (begun) torn_ = !text.empty();
    return text.empty();
}

bool LogOnChange::changed(std::string_view state) {
    if (state_ == state) return false;
    state_ = std::string(state);
    return true;
}

std::optional<std::uint64_t> LogLimit::admit(core::MonotonicTime now) {
    if (last_ && now - *last_ < interval_ms_) {
        ++left_out_;
        return std::nullopt;
    }
    last_ = now;
    const std::uint64_t left_out = left_out_;
    left_out_ = 0;
    return left_out;
}

}  // namespace meterbox::platform::system
