#include "agent/admin_token.hpp"

#include <algorithm>

#include "core/limits.hpp"
#include "platform/system/files.hpp"
#include "platform/system/random.hpp"

namespace meterbox::agent {

namespace system = platform::system;
namespace limits = core::limits;

namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_token(std::string_view text) {
    return text.size() >= limits::admin_token_bytes_min && text.size() <= limits::admin_token_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

core::Result<std::string> make_admin_token(const std::filesystem::path& file, system::Random& random) {
    constexpr mode_t owner_alone = 0600;
    const std::string token = system::random_hex(random, limits::admin_token_random_bytes);
    const core::Result<void> written = system::write_file(file, token + "\n", owner_alone);
    if (!written) return written.error();
    return token;
}

}  // namespace

core::Result<std::string> load_admin_token(const std::filesystem::path& file) {
    const core::Result<std::string> text = system::read_secret(file, 2 * limits::admin_token_bytes_max);
    if (!text) return text;
    const std::string token{trimmed(*text)};
    if (!is_token(token)) {
        return core::Error{core::ErrorCode::invalid,
                           file.string() + ": holds no token: it must be " +
                               std::to_string(limits::admin_token_bytes_min) + " to " +
                               std::to_string(limits::admin_token_bytes_max) +
                               " printable characters without blanks; remove the file to have one made",
                           {},
                           {}};
    }
    return token;
}

core::Result<std::string> load_or_make_admin_token(const std::filesystem::path& file,
                                                   system::Random& random) {
    const core::Result<std::string> token = load_admin_token(file);
    if (!token && token.error().code == core::ErrorCode::not_found) return make_admin_token(file, random);
    return token;
}

}  // namespace meterbox::agent
