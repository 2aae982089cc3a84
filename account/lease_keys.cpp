#include "account/lease_keys.hpp"

#include "core/limits.hpp"

namespace meterbox::account {

std::vector<core::wire::LeaseKey> lease_keys(Database& database) {
    std::vector<core::wire::LeaseKey> keys;
    database.each(
        "SELECT kid, x, y, coalesce(vouched, '') FROM lease_key ORDER BY number DESC LIMIT ?",
        [&](auto& row) {
            keys.push_back({row.string(0), row.string(1), row.string(2), row.string(3)});
        },
        static_cast<std::int64_t>(core::limits::message_lease_keys_max));
    return keys;
}

void add_lease_key(Database& database, const core::wire::LeaseKey& key, core::UtcTime now) {
    database.run("INSERT INTO lease_key (kid, x, y, created_at, vouched) VALUES (?, ?, ?, ?, ?)", key.kid,
                 key.x, key.y, now, key.vouched);
    database.run("UPDATE agent SET session = NULL");
    database.run("DELETE FROM session");
}

std::vector<LeaseKeyRow> lease_key_rows(Database& database) {
    std::vector<LeaseKeyRow> rows;
    database.each("SELECT kid, created_at FROM lease_key ORDER BY number DESC", [&](auto& row) {
        rows.push_back({row.string(0), {row.integer(1)}});
    });
    return rows;
}

}  // namespace meterbox::account
