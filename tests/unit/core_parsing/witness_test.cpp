// A witness's bytes, and what it says of a journal.
#include "core/witness.hpp"

#include "tests/support/catch.hpp"

using namespace meterbox::core;

namespace {

WitnessRecord witness() {
    WitnessRecord record;
    record.incarnation = 2;
    record.lease_number = 7;
    record.sequence = 40;
    record.hash = std::string(64, 'a');
    record.high_water = UtcTime{1'800'000'000'000};
    record.resources = {{"render", Amount{2'500}, {{"", Units{10}, Units{2}, Units{1}}}},
                        {"calls", Amount{}, {}}};
    return record;
}

JournalMark level() {
    return {2, 7, 40, std::string(64, 'a')};
}

}  // namespace

TEST_CASE("what is written of a witness reads the same again") {
    CHECK(witness_from(bytes_of(witness())).value() == witness());
    CHECK(witness_from(bytes_of(WitnessRecord{})).value() == WitnessRecord{});
}

TEST_CASE("a witness that was changed anywhere in its form is refused") {
    const std::string bytes = bytes_of(witness());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto read = witness_from(bytes.substr(0, size));
        if (read) CHECK(bytes_of(*read) == bytes.substr(0, size));  // it may end with a resource
    }
    for (const char* wrong :
         {"", "\n", "meterbox-witness 1\n", "meterbox-witness 2 1 0 0 -1 \n", "meterbox-witness 1 1 0 0 -1\n",
          "meterbox-witness 1 01 0 0 -1 \n", "meterbox-witness 1 1 0 0 -1  \n",
          "meterbox-witness 1 1 0 x -1 \n", "meterbox-witness 1 99999999999999999999 0 0 -1 \n"})
        CHECK_FALSE(witness_from(wrong));
    CHECK(witness_from("meterbox-witness 1 1 0 0 -1 \n"));
}

TEST_CASE("a journal that is level with its witness, or ahead of it, lacks nothing") {
    CHECK_FALSE(missing_from(level(), witness()));
    CHECK_FALSE(missing_from({2, 8, 41, std::string(64, 'a')}, witness()));
    CHECK_FALSE(missing_from({2, 7, 99, std::nullopt}, witness()));  // its link isn't kept any more
    CHECK_FALSE(missing_from({3, 0, 50, std::nullopt}, witness()));  // leases count anew in an incarnation
}

TEST_CASE("a journal that is behind its witness in anything lacks it") {
    CHECK(missing_from({1, 9, 99, std::nullopt}, witness()).value() ==
          "the witness has seen incarnation 2, the journal holds 1");
    CHECK(missing_from({2, 6, 99, std::nullopt}, witness()).value() ==
          "the witness has seen lease 7, the journal holds 6");
    CHECK(missing_from({2, 7, 39, std::nullopt}, witness()).value() ==
          "the witness has seen commit 40, the journal holds 39");
    CHECK(missing_from({2, 7, 41, std::string(64, 'b')}, witness()));
}
