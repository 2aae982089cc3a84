// config: a settings file, from TOML to typed settings. What is taken lies in its ranges, what is refused
// is refused in one line that begins with its place.
#include <sys/mman.h>
#include <unistd.h>

#include "config/value.hpp"
#include "tests/fuzz/config_checks.hpp"

namespace {

using namespace meterbox;

// Settings are loaded from a file: it is in memory, and written anew for each input.
std::string file_with(std::string_view text) {
    static const int descriptor = ::memfd_create("agent.toml", 0);
    METERBOX_ASSERT(::ftruncate(descriptor, 0) == 0);
    METERBOX_ASSERT(::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return "/proc/self/fd/" + std::to_string(descriptor);
}

// Loading reads the files that are named: none of them is the fuzzer's business.
bool names_a_file(const config::Value& document) {
    return std::any_of(document.members.begin(), document.members.end(), [](const auto& section) {
        const auto& members = section.value.members;
        return std::any_of(members.begin(), members.end(),
                           [](const auto& member) { return member.name.ends_with("_file"); });
    });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const auto document = config::parse_toml(text, "agent.toml");
    if (!document) {
        fuzz::check_one_line(document.error());
        METERBOX_ASSERT(document.error().detail.starts_with("agent.toml:"));
        return 0;
    }
    if (names_a_file(*document)) return 0;
    config::Sources sources;
    sources.path = file_with(text);
    const auto settings = config::load(sources);
    if (settings) {
        fuzz::check_config(*settings);
    } else {
        fuzz::check_one_line(settings.error());
        METERBOX_ASSERT(settings.error().detail.starts_with(*sources.path + ":"));
    }
    return 0;
}
