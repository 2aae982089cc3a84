// The journal's second high-water mark, kept in a file of its own (agent/witness.hpp): how far the journal
// had come when units or a lease were last committed. A journal that knows of less than its witness was put
// back from a copy, or lost. The witness is written after the commit, so that it is never ahead of an honest
// journal, and a witness that is behind, torn or gone says nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/chain.hpp"
#include "core/error.hpp"
#include "core/time.hpp"

namespace meterbox::core {

struct WitnessRecord {
    std::int64_t incarnation = 1;
    std::int64_t lease_number = 0;
    std::int64_t sequence = 0;  // of the newest link
    std::string hash;           // its hash, in hex
    std::optional<UtcTime> high_water;
    // M of each resource; G, U and R summed up over its tranches, as one tranche without a name.
    std::vector<ResourceTotals> resources;
    friend bool operator==(const WitnessRecord&, const WitnessRecord&) = default;
};

std::string bytes_of(const WitnessRecord& record);
// Refuses anything that bytes_of() doesn't write.
[[nodiscard]] Result<WitnessRecord> witness_from(std::string_view bytes);

// The same of a journal as it was opened.
struct JournalMark {
    std::int64_t incarnation = 1;
    std::int64_t lease_number = 0;
    std::int64_t sequence = 0;
    std::optional<std::string> hash_there;  // of its link that has the witness's number, if it is kept
};

// What the witness knows and the journal doesn't, in one line; none: nothing.
std::optional<std::string> missing_from(const JournalMark& journal, const WitnessRecord& witness);

}  // namespace meterbox::core
