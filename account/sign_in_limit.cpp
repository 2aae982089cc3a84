// Failures by address.
#include "account/sign_in_limit.hpp"

#include <algorithm>

#include "core/account_limits.hpp"

namespace meterbox::account {

using core::limits::sign_in_addresses_max;
using core::limits::sign_in_failures_max;
using core::limits::sign_in_window_ms;

std::optional<std::int64_t> SignInLimit::wait_ms(const std::string& address, core::MonotonicTime now) const {
    const auto found = failures_.find(address);
    if (found == failures_.end() || found->second.count < sign_in_failures_max) return std::nullopt;
    const std::int64_t left = sign_in_window_ms - (now - found->second.since);
    return left > 0 ? std::optional(left) : std::nullopt;
}

void SignInLimit::failed(const std::string& address, core::MonotonicTime now) {
    std::erase_if(failures_,
                  [now](const auto& entry) { return now - entry.second.since >= sign_in_window_ms; });
    if (failures_.size() >= sign_in_addresses_max && !failures_.contains(address)) {
        failures_.erase(
            std::ranges::min_element(failures_, {}, [](const auto& entry) { return entry.second.since; }));
    }
    auto [entry, fresh] = failures_.try_emplace(address, Failures{now, 0});
    ++entry->second.count;
}

}  // namespace meterbox::account
