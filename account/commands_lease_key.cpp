// lease-key roll, list.
#include <boost/json.hpp>

#include "account/commands.hpp"
#include "account/lease_keys.hpp"
#include "account/table.hpp"
#include "core/limits.hpp"

namespace meterbox::account {

Outcome lease_key_roll(Store& store, bool json) {
    const auto key = store.lease_keys().next(store.now());
    if (!key) return from_error(key.error());
    add_lease_key(store.database(), *key, store.now());
    if (!json) return {exit_done, key->kid + "\n", {}};
    return {exit_done, boost::json::serialize(boost::json::object{{"id", key->kid}}) + "\n", {}};
}

Outcome lease_key_list(Store& store, bool json) {
    boost::json::array list;
    Table table({"KEY", "MADE AT", "LEASES COUNT UNTIL"});
    std::optional<core::UtcTime> until;  // the newest has no end
    for (const LeaseKeyRow& row : lease_key_rows(store.database())) {
        const std::string made_at = core::format_rfc3339(row.made_at);
        const std::string end = until ? core::format_rfc3339(*until) : "";
        list.push_back({{"id", row.kid},
                        {"made_at", made_at},
                        {"until", end.empty() ? boost::json::value() : boost::json::value(end)}});
        table.add({row.kid, made_at, end.empty() ? "(signs)" : end});
        until = row.made_at + core::limits::lease_key_overlap_ms;
    }
    if (!json) return {exit_done, table.text(), {}};
    return {exit_done, boost::json::serialize(boost::json::object{{"keys", std::move(list)}}) + "\n", {}};
}

}  // namespace meterbox::account
