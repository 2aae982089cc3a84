// The bytes of the journal's chain: part of the stored format, so they are written out here.
#include "core/chain.hpp"

#include "tests/support/catch.hpp"

using namespace meterbox::core;

namespace {

LinkState state() {
    LinkState state;
    state.start = StartMark{1, 2, 3, 4, 5, 6, 7, 8};
    state.forgotten = 9;
    state.resources = {{"ab", Amount{256}, {{"t1", Units{3}, Units{2}, Units{1}}}}, {"c", Amount{0}, {}}};
    return state;
}

std::string zeros(std::size_t count) {
    return std::string(count, '\0');
}

}  // namespace

TEST_CASE("a link's totals have the bytes of the format") {
    CHECK(bytes_of(state()) ==
          "s\x01\x02\x03\x04\x05\x06\x07\x08"
          "f\x09" +
              zeros(7) + "r\x02" + zeros(3) + "ab" + zeros(1) + "\x01" + zeros(6) + "t\x02" + zeros(3) +
              "t1\x03" + zeros(7) + "\x02" + zeros(7) + "\x01" + zeros(7) + "r\x01" + zeros(3) + "c" +
              zeros(8));
    CHECK(bytes_of(LinkState{}).empty());
}

TEST_CASE("a link's totals come back from their bytes") {
    CHECK(link_state_from(bytes_of(state())).value() == state());
    CHECK(link_state_from("").value() == LinkState{});
}

TEST_CASE("bytes that no totals write are refused, and so is each beginning of those that some do") {
    const std::string whole = bytes_of(state());
    for (std::size_t size = 1; size < whole.size(); ++size) {
        const auto part = link_state_from(std::string_view(whole).substr(0, size));
        if (part) CHECK(bytes_of(*part) == whole.substr(0, size));  // it ended between two members
    }
    for (const std::string& wrong :
         {std::string("x"), "t" + zeros(28), whole + "s", "f" + zeros(8) + "f" + zeros(8)})
        CHECK_FALSE(link_state_from(wrong));
}

TEST_CASE("two different events never have the same frame") {
    const auto frame = [](std::string_view source, std::string_view id, std::string_view subject) {
        std::string bytes;
        append_event_frame(bytes, {1, 2, source, id, subject, UtcTime{3}, Amount{4}, UtcTime{5}});
        return bytes;
    };
    CHECK(frame("ab", "c", "") != frame("a", "bc", ""));
    CHECK(frame("a", "", "b") != frame("a", "b", ""));
    CHECK(frame("a", "b", "c").size() == 1 + 2 * 8 + 3 * 5 + 3 * 8);
}
