// Every bound of meterbox, in one place: what is not bounded here is not bounded. Sizes in bytes,
// times in milliseconds. What an admin may set has its default in config/, and its range here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meterbox::core::limits {

// Reports
inline constexpr std::size_t body_bytes_max = 1024 * 1024;
inline constexpr std::size_t dropped_body_bytes_max = 8 * 1024 * 1024;  // read and dropped after a 413
inline constexpr std::size_t header_bytes_max = 16 * 1024;
inline constexpr std::size_t batch_events_max = 10'000;
inline constexpr std::size_t json_depth_max = 32;
inline constexpr std::size_t identity_bytes_max = 1024;  // each of source and id
inline constexpr std::size_t subject_bytes_max = 64;
inline constexpr std::size_t subjects_per_hour_max = 200;  // the rest goes to "other"
inline constexpr std::int64_t amount_max = (std::int64_t{1} << 53) - 1;
inline constexpr std::int64_t hour_amount_max = std::int64_t{1} << 57;  // without enforcement; a day adds up
inline constexpr std::int64_t event_ahead_ms_max = 5 * 60 * 1000;
inline constexpr std::int64_t event_age_ms_max = std::int64_t{62} * 24 * 3600 * 1000;
inline constexpr std::size_t key_bytes_max = 63;  // team, resource: [a-z0-9][a-z0-9._-]{0,62}

// Connections
inline constexpr std::size_t connections_default = 1024;
inline constexpr std::size_t loopback_connections_max = 64;       // of the agent: a browser's, Prometheus'
inline constexpr std::size_t agent_other_files = 1'408;           // admins, the journal, who is refused
inline constexpr std::size_t pipelined_requests_max = 256;        // answers owed on one connection
inline constexpr std::size_t unsent_bytes_max = 4 * 1024 * 1024;  // answers not read by a slow client
inline constexpr std::size_t held_bytes_max = 4 * 1024 * 1024;    // bodies of requests that wait for answers
inline constexpr std::size_t all_held_bytes_max = 64 * 1024 * 1024;  // of all connections of a server
inline constexpr std::int64_t request_timeout_ms = 30'000;           // from first byte to last of a request
inline constexpr std::int64_t idle_timeout_ms = 300'000;             // a kept connection without requests
inline constexpr std::int64_t write_timeout_ms = 30'000;
inline constexpr std::int64_t linger_timeout_ms = 5'000;    // for a client to take the last answer
inline constexpr std::int64_t drain_timeout_ms = 3'000;     // at the end, for what is owed to be answered
inline constexpr std::size_t refused_connections_max = 64;  // over the limit, and still to be told so
inline constexpr std::int64_t accept_backoff_ms = 200;      // out of descriptors
inline constexpr std::size_t read_chunk_bytes = 64 * 1024;  // read at once, from one connection
inline constexpr std::size_t kept_buffer_bytes = 4 * 1024;  // of one connection between requests
inline constexpr std::size_t conversations_a_turn_max =
    256;  // woken by answers, before others get their turn
inline constexpr int retry_after_s = 5;

// Admin
inline constexpr std::size_t admin_token_random_bytes = 32;  // of the one that is made
inline constexpr std::size_t admin_token_bytes_min = 16;     // of one that an admin wrote
inline constexpr std::size_t admin_token_bytes_max = 256;
inline constexpr std::size_t account_url_bytes_max = 1024;

// TLS
inline constexpr std::size_t tls_write_bytes_max = 64 * 1024;  // plaintext taken by one write
inline constexpr std::size_t tls_output_bytes_max =
    256 * 1024;  // owed to the wire; a peer that makes us owe more fails
inline constexpr std::size_t tls_input_bytes_max = 16 * 1024;  // off the wire at once
inline constexpr std::size_t tls_input_bytes_idle = 2 * 1024;  // the same, while little comes

// Certificates and lease keys
inline constexpr std::int64_t certificate_lifetime_ms = std::int64_t{90} * 24 * 3600 * 1000;
inline constexpr std::int64_t certificate_renewal_grace_ms = certificate_lifetime_ms;  // after its end
inline constexpr std::int64_t certificate_backdate_ms = 3'600'000;  // clocks elsewhere may be behind
inline constexpr std::int64_t certificate_check_ms = 3'600'000;     // how often one's end is thought of
inline constexpr std::int64_t renewal_backoff_base_ms = 60'000;
inline constexpr std::int64_t renewal_backoff_max_ms = 3'600'000;
inline constexpr std::int64_t renewal_sooner_ms =
    5'000;  // at least, where what failed for want of an answer is tried sooner
inline constexpr std::int64_t lease_key_overlap_ms = std::int64_t{30} * 24 * 3600 * 1000;  // after its roll

// Sessions
inline constexpr std::size_t sessions_default = 16'384;
inline constexpr std::size_t session_id_bytes_max = 128;
inline constexpr std::int64_t checkpoint_default_ms = 5'000;
inline constexpr std::int64_t heartbeat_default_ms = 30'000;
inline constexpr std::int64_t session_sweep_ms = 100;  // between looks for who gave no sign of life
inline constexpr std::int64_t session_retry_ms =
    1'000;                                            // until an end that couldn't be stored is tried again
inline constexpr std::int64_t clock_look_ms = 1'000;  // at the wall clock and at suspends, while sessions run
// A unit that sessions complete is stored at once, but that stores all of them: the more there are, the less
// often.
inline constexpr std::int64_t sessions_stored_a_ms = 2;
inline constexpr std::int64_t exhaustion_answer_ms = 500;       // R6: how long a session at 0 waits
inline constexpr std::int64_t exhaustion_ask_spacing_ms = 100;  // between syncs that sessions at 0 cause

inline constexpr std::int64_t forecast_ms_max = std::int64_t{100} * 366 * 24 * 3600 * 1000;  // and no further
inline constexpr std::int64_t mark_spacing_ms = 3'600'000;  // of the clock's high-water mark, at idle
inline constexpr std::size_t mode_changes_kept = 64;  // of one resource: for time that nobody confirmed yet

// Store
inline constexpr std::size_t group_commit_jobs_max = 4'096;     // of one transaction
inline constexpr std::size_t group_commit_events_max = 20'000;  // of one transaction
inline constexpr std::size_t reads_at_once_max = 1'024;         // between two commits
inline constexpr std::int64_t read_slice_ms = 2;
inline constexpr std::int64_t inline_commit_us_max = 2'000;  // slower disks are never waited for on the loop
inline constexpr std::int64_t gather_us_max = 500;           // wait for clients to come back, before a commit
inline constexpr int checkpoint_pages = 250;                 // longer logs make rarer but longer stalls
inline constexpr std::size_t recent_identities = 8'192;  // gathered in memory, before they go to the B-tree
inline constexpr std::int64_t write_ahead_log_bytes_max = 4 * 1024 * 1024;  // kept on disk after a checkpoint
inline constexpr std::size_t joined_log_bytes_max = 120 * 1024;             // in one call; SQLite's takes 128
inline constexpr std::size_t joined_log_bytes_kept = 64 * 1024;             // in memory, for the next one
inline constexpr std::size_t witness_slot_bytes = 64 * 1024;                // each of two
inline constexpr std::int64_t reserve_bytes_max = 8 * 1024 * 1024;          // let go when the disk is full
inline constexpr std::int64_t reserve_share_of_disk = 8;      // at most this part of the file system
inline constexpr std::int64_t reserve_retry_min_ms = 1'000;   // between looks whether there is room again:
inline constexpr std::int64_t reserve_retry_max_ms = 10'000;  // twice as long each time
inline constexpr std::int64_t store_faults_max =
    3;  // within the window, before the agent stays up without it
inline constexpr std::int64_t store_fault_window_ms = 10 * 60 * 1000;
inline constexpr std::int64_t store_fault_retry_ms = 5'000;  // between attempts to open it again

// Sync
inline constexpr std::int64_t sync_interval_default_ms = 240'000;
inline constexpr std::int64_t sync_interval_min_ms = 1'000;
inline constexpr std::int64_t sync_interval_max_ms = std::int64_t{24} * 3600 * 1000;
inline constexpr std::int64_t sync_timeout_default_ms = 10'000;
inline constexpr std::int64_t completion_sync_spacing_ms = 1'000;
inline constexpr std::int64_t unknown_resource_sync_spacing_ms = 60'000;
inline constexpr std::int64_t backoff_base_ms = 1'000;
inline constexpr std::int64_t backoff_max_ms = 60'000;
inline constexpr std::size_t sync_usage_rows_max = 2'000;  // of one sync; the rest follows at once
inline constexpr std::size_t sync_body_bytes_max = 1024 * 1024;
inline constexpr std::size_t lease_bytes_max = 256 * 1024;

// Messages between agent and account, and leases
inline constexpr std::size_t message_id_bytes_max = 128;    // of agents, tranches, sessions, tickets, keys
inline constexpr std::size_t journal_starts_max = 64;       // that a message names
inline constexpr std::size_t message_text_bytes_max = 256;  // of a name, a version, a token, a hash
inline constexpr std::size_t message_pem_bytes_max = 64 * 1024;
inline constexpr std::size_t message_resources_max = 1'000;
inline constexpr std::size_t message_tranches_max = 20'000;     // of one resource: what a body has room for
inline constexpr std::size_t card_turns_max = 64;               // of one tier; where there are more, none
inline constexpr std::size_t message_hours_max = 24 * 366 * 2;  // of one tranche: 24 months (R13)
inline constexpr std::size_t message_lease_keys_max = 16;
inline constexpr std::size_t message_signature_bytes_max = 4 * 1024;  // of one key over the next
inline constexpr std::size_t cycle_boundaries_max = 3;
inline constexpr std::int64_t counter_max = std::int64_t{1} << 60;  // totals of one incarnation
inline constexpr std::int64_t protocol_version_max = 1'000;

// The journal's chain
inline constexpr std::int64_t chain_links_kept = 250'000;    // of those that the account has acknowledged
inline constexpr std::int64_t links_compared_max = 100'000;  // with the tables, at a start

// Account
inline constexpr std::size_t agent_connections_max = 16'384;  // further agents take the place of idle ones
inline constexpr std::size_t account_other_files = 1'280;     // the store, the admin port and the commands
inline constexpr std::size_t account_connections_min = 16;    // of each port, however few files there are
inline constexpr std::int64_t fence_again_ms = std::int64_t{30} * 24 * 3600 * 1000;  // sooner: an operator's
inline constexpr std::int64_t journal_starts_kept = 1'000;     // of each agent's incarnation
inline constexpr std::int64_t refusal_log_spacing_ms = 1'000;  // between lines about who was refused
inline constexpr std::int64_t lease_horizon_default_ms = std::int64_t{24} * 3600 * 1000;
inline constexpr std::int64_t offline_horizon_default_ms = std::int64_t{30} * 24 * 3600 * 1000;
inline constexpr std::int64_t payg_exposure_default_units = 1'000;
inline constexpr std::int64_t units_max = std::int64_t{1} << 40;
inline constexpr std::int64_t unit_size_max = std::int64_t{1} << 40;
inline constexpr std::int64_t invoice_final_after_default_ms = std::int64_t{24} * 3600 * 1000;
inline constexpr std::int64_t tokens_max = std::int64_t{1} << 50;  // of one grant
inline constexpr std::int64_t rate_max = 1'000'000'000;            // tokens a unit
inline constexpr std::int64_t price_max = 1'000'000'000'000;       // minor units of a currency, a unit
inline constexpr std::int64_t grant_year_max = 9'000;              // so that its cycles have dates

// Settings: the range of what an admin may set
inline constexpr std::size_t config_bytes_max = 1024 * 1024;
inline constexpr std::int64_t connections_max = 65'536;
inline constexpr std::int64_t sessions_max = 1'000'000;
inline constexpr std::int64_t heartbeat_min_ms = 1'000;
inline constexpr std::int64_t heartbeat_max_ms = 3'600'000;
inline constexpr std::int64_t checkpoint_min_ms = 100;
inline constexpr std::int64_t checkpoint_max_ms = 60'000;
inline constexpr std::int64_t sync_timeout_min_ms = 100;
inline constexpr std::int64_t sync_timeout_max_ms = 300'000;
inline constexpr std::int64_t journal_budget_min_bytes = std::int64_t{16} << 20;
inline constexpr std::int64_t journal_budget_max_bytes = std::int64_t{1} << 40;
inline constexpr std::int64_t keep_min_ms = event_age_ms_max;  // an identity counts once for so long
inline constexpr std::int64_t keep_max_ms = std::int64_t{3660} * 24 * 3600 * 1000;

// The command line
inline constexpr std::int64_t client_answer_ms = 10'000;
inline constexpr std::int64_t client_account_answer_ms = sync_timeout_max_ms + 30'000;  // sync, enroll
inline constexpr std::int64_t client_session_answer_ms = 10'000;  // a session's first state
inline constexpr std::int64_t client_retry_answer_ms = 1'000;  // while a command runs and must be listened to
inline constexpr std::int64_t client_retry_base_ms = 100;
inline constexpr std::int64_t client_retry_max_ms = 1'000;
inline constexpr std::int64_t client_grace_max_ms = 3'600'000;
inline constexpr std::size_t client_answer_bytes_max = 64 * 1024 * 1024;
inline constexpr std::size_t enrollment_token_bytes_max = 1024;

}  // namespace meterbox::core::limits
