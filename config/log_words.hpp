// The words of [log], which every program has.
#pragma once

#include "config/agent_config.hpp"
#include "config/value_types.hpp"

namespace meterbox::config {

inline Complaint read_log_level(const Value& value, LogLevel& field) {
    return read_choice<LogLevel>(value,
                                 {{"error", LogLevel::error},
                                  {"warn", LogLevel::warn},
                                  {"warning", LogLevel::warn},
                                  {"info", LogLevel::info},
                                  {"debug", LogLevel::debug}},
                                 field);
}

inline Complaint read_log_format(const Value& value, LogFormat& field) {
    return read_choice<LogFormat>(value, {{"text", LogFormat::text}, {"json", LogFormat::json}}, field);
}

}  // namespace meterbox::config
