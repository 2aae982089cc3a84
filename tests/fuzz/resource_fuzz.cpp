// core/resource and the other tables of names: a name that is known is the one that is written, and a
// key is short and plain enough to stand in a path, a header and a line of a log.
#include "core/resource.hpp"

#include "core/card.hpp"
#include "core/limits.hpp"
#include "core/wire.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace meterbox;

template <class Enum>
void check_name(std::string_view text, std::optional<Enum> (*from)(std::string_view)) {
    if (const std::optional<Enum> value = from(text)) METERBOX_ASSERT(name_of(*value) == text);
}

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    check_name(text, core::kind_from);
    check_name(text, core::measure_from);
    check_name(text, core::enforcement_from);
    check_name(text, core::tier_from);
    check_name(text, core::balance_state_from);
    check_name(text, core::wire::verdict_from);
    if (core::is_key(text)) {
        METERBOX_ASSERT(!text.empty() && text.size() <= core::limits::key_bytes_max);
        METERBOX_ASSERT(std::all_of(text.begin(), text.end(), is_plain) && text.front() != '.');
    }
    return 0;
}
