// What --store names: a folder, or a database at a URL. Pure.
#pragma once

#include <string_view>

namespace meterbox::account {

bool is_url(std::string_view store);  // of any kind
bool is_postgres_url(std::string_view store);
// Which whoever lists processes would see, were it an argument.
bool holds_password(std::string_view url);

}  // namespace meterbox::account
