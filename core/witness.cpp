#include "core/witness.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace meterbox::core {

namespace {

constexpr std::string_view title = "meterbox-witness 1";
constexpr std::int64_t never = -1;  // a high-water mark that isn't there

std::optional<std::int64_t> number_from(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// The next word of the first line; takes it off with the blank before it.
std::string_view take_word(std::string_view& line) {
    if (!line.empty()) line.remove_prefix(1);
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    return word;
}

Error unreadable() {
    return {ErrorCode::malformed, "the witness can't be read", {}, {}};
}

}  // namespace

std::string bytes_of(const WitnessRecord& record) {
    std::string out(title);
    const std::int64_t high_water = record.high_water ? record.high_water->ms : never;
    for (const std::int64_t number : {record.incarnation, record.lease_number, record.sequence, high_water})
        out += ' ' + std::to_string(number);
    out += ' ' + record.hash + '\n';
    LinkState totals;
    totals.resources = record.resources;
    return out + bytes_of(totals);
}

Result<WitnessRecord> witness_from(std::string_view bytes) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos || !bytes.starts_with(title)) return unreadable();
    std::string_view line = bytes.substr(title.size(), end - title.size());
    std::array<std::int64_t, 4> numbers{};
    for (std::int64_t& number : numbers) {
        const auto read = number_from(take_word(line));
        if (!read) return unreadable();
        number = *read;
    }
    WitnessRecord record;
    record.incarnation = numbers[0];
    record.lease_number = numbers[1];
    record.sequence = numbers[2];
    if (numbers[3] != never) record.high_water = UtcTime{numbers[3]};
    record.hash = take_word(line);
    auto totals = link_state_from(bytes.substr(end + 1));
    if (!totals) return totals.error();
    record.resources = std::move(totals->resources);
    if (bytes_of(record) != bytes) return unreadable();
    return record;
}

std::optional<std::string> missing_from(const JournalMark& journal, const WitnessRecord& witness) {
    const auto ahead = [](const char* what, std::int64_t seen, std::int64_t here) {
        return std::string("the witness has seen ") + what + " " + std::to_string(seen) +
               ", the journal holds " + std::to_string(here);
    };
    if (witness.incarnation > journal.incarnation)
        return ahead("incarnation", witness.incarnation, journal.incarnation);
    if (witness.incarnation == journal.incarnation && witness.lease_number > journal.lease_number)
        return ahead("lease", witness.lease_number, journal.lease_number);
    if (witness.sequence > journal.sequence) return ahead("commit", witness.sequence, journal.sequence);
    if (journal.hash_there && *journal.hash_there != witness.hash)
        return "commit " + std::to_string(witness.sequence) +
               " of the journal isn't the one that its witness has seen";
    return std::nullopt;
}

}  // namespace meterbox::core
