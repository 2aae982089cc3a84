// Bounds that the account alone has: its reports, invoices and settings, and who signs in to its admin port.
// As in core/limits.hpp, which has all others: sizes in bytes, times in milliseconds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meterbox::core::limits {

// The admin port
inline constexpr std::int64_t admin_cookie_ms = std::int64_t{12} * 3600 * 1000;
inline constexpr int sign_in_failures_max = 10;  // of one address, within the window
inline constexpr std::int64_t sign_in_window_ms = 60'000;
inline constexpr std::size_t sign_in_addresses_max = 4'096;  // that are remembered

// The database of several processes
inline constexpr int database_connect_s = 5;
inline constexpr std::int64_t database_silent_ms = 20'000;  // until an unanswered connection is lost
inline constexpr std::int64_t database_turn_ms = 10'000;    // for a process to wait for its turn
inline constexpr std::int64_t database_idle_ms = 8'000;     // of a process that has the turn and is silent

inline constexpr std::size_t agent_name_bytes_max = 128;

inline constexpr std::int64_t epoch_max = 1'000'000;  // of what an operator may set

// By so many an agent may be ahead of a store that was put back; each was a fence.
inline constexpr std::int64_t incarnations_ahead_max = 100'000;

// An hour that begins later than so much ahead was named by a clock that is wrong.
inline constexpr std::int64_t hour_ahead_ms_max = std::int64_t{24} * 3600 * 1000;

// Reports and invoices
inline constexpr std::int64_t report_page_rows = 500;              // of usage, read at once
inline constexpr std::size_t report_rows_max = 200'000;            // of one usage report
inline constexpr std::int64_t audit_page_rows = 500;               // of the ledger, read at once
inline constexpr std::int64_t audit_clocks_apart_ms_max = 60'000;  // of an account's processes
inline constexpr std::int64_t roll_up_page_rows = 100;             // of old usage, in one commit
inline constexpr std::int64_t roll_up_check_ms = 3'600'000;        // between looks for what is old
inline constexpr std::size_t invoices_max = 120;                   // of one answer: ten years
inline constexpr std::size_t adjustment_reason_bytes_max = 256;
inline constexpr std::int64_t expiries_ahead_ms = std::int64_t{90} * 24 * 3600 * 1000;

// Settings: defaults, and the range of what an operator may set
inline constexpr std::int64_t usage_keep_default_ms = std::int64_t{731} * 24 * 3600 * 1000;  // 24 months
inline constexpr std::int64_t lease_horizon_min_ms = 60'000;
inline constexpr std::int64_t lease_horizon_max_ms = std::int64_t{30} * 24 * 3600 * 1000;
inline constexpr std::int64_t offline_horizon_min_ms = 60'000;
inline constexpr std::int64_t offline_horizon_max_ms = std::int64_t{366} * 24 * 3600 * 1000;
inline constexpr std::int64_t idle_default_ms = 15 * 60 * 1000;
inline constexpr std::int64_t idle_min_ms = 1'000;
inline constexpr std::int64_t idle_max_ms = std::int64_t{30} * 24 * 3600 * 1000;
inline constexpr int low_percent_default = 20;
inline constexpr int low_percent_max = 100;
inline constexpr std::int64_t invoice_final_after_min_ms = 1'000;
inline constexpr std::int64_t invoice_final_after_max_ms =
    std::int64_t{27} * 24 * 3600 * 1000;  // under a month

}  // namespace meterbox::core::limits
