// The token of the admin's endpoint on loopback, in a file that its owner alone can read.
#pragma once

#include <filesystem>
#include <string>

#include "core/error.hpp"

namespace meterbox::platform::system {
class Random;
}

namespace meterbox::agent {

// The token that the file holds, blanks at its ends taken off. One that isn't there (not_found), that others
// can read, or that holds no token (less than 16 or more than 256 characters, or any that a header can't
// carry), is an error that names the file.
[[nodiscard]] core::Result<std::string> load_admin_token(const std::filesystem::path& file);

// The same, but a file that isn't there is made, mode 0600, of 32 random bytes in hexadecimal.
[[nodiscard]] core::Result<std::string> load_or_make_admin_token(const std::filesystem::path& file,
                                                                 platform::system::Random& random);

}  // namespace meterbox::agent
