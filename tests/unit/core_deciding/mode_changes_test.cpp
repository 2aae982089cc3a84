// What ran under none never counts, wherever the change of mode falls.
#include "core/mode_changes.hpp"

#include <random>

#include "core/limits.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox;
using core::Amount;
using core::ModeChanges;
using core::MonotonicTime;

namespace {

MonotonicTime at(std::int64_t ms) {
    return {ms};
}

}  // namespace

TEST_CASE("without a change all time is of the mode in force") {
    const ModeChanges changes;
    CHECK(changes.counted(at(10), at(30), true) == Amount{20});
    CHECK(changes.counted(at(10), at(30), false) == Amount{0});
    CHECK(changes.stretches(at(10), at(10), true).empty());
    CHECK(changes.counting_since(at(10)) == at(10));
}

TEST_CASE("time is cut at the very millisecond of a change") {
    ModeChanges changes;
    changes.add(at(100), true);
    using Stretches = std::vector<ModeChanges::Stretch>;
    CHECK(changes.stretches(at(90), at(130), true) == Stretches{{10, false}, {30, true}});
    CHECK(changes.stretches(at(90), at(100), true) == Stretches{{10, false}});
    CHECK(changes.stretches(at(100), at(130), true) == Stretches{{30, true}});
    CHECK(changes.counting_since(at(90)) == at(100));
    CHECK(changes.counting_since(at(110)) == at(110));
    changes.add(at(120), false);
    CHECK(changes.stretches(at(90), at(130), false) == Stretches{{10, false}, {20, true}, {10, false}});
}

TEST_CASE("a change that changes nothing is none, and none goes back in time") {
    ModeChanges changes;
    changes.add(at(100), true);
    changes.add(at(200), true);
    CHECK(changes.all().size() == 1);
    changes.add(at(50), false);
    CHECK(changes.counted(at(0), at(300), false) == Amount{0});
}

TEST_CASE("cut anywhere, the pieces add up, and each millisecond is of one mode") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        std::mt19937 random{seed};
        ModeChanges changes;
        bool counts = random() % 2 == 0;
        std::vector<bool> counted;  // by millisecond
        for (int moment = 0; moment < 200; ++moment) {
            if (random() % 20 == 0) {
                counts = !counts;
                changes.add(at(moment), counts);
            }
            counted.push_back(counts);
        }
        for (int i = 0; i < 50; ++i) {
            const auto from = static_cast<std::int64_t>(random() % 200);
            const auto to = from + static_cast<std::int64_t>(random() % static_cast<unsigned>(201 - from));
            std::int64_t expected = 0;
            for (std::int64_t ms = from; ms < to; ++ms)
                expected += counted[static_cast<std::size_t>(ms)] ? 1 : 0;
            REQUIRE(changes.counted(at(from), at(to), counts) == Amount{expected});
        }
    }
}

TEST_CASE("what is kept of changes is bounded, and the latest are") {
    ModeChanges changes;
    for (std::int64_t i = 0; i < 1'000; ++i) changes.add(at(i * 10), i % 2 == 0);
    CHECK(changes.all().size() == core::limits::mode_changes_kept);
    CHECK(changes.counted(at(9'900), at(10'000), false) == Amount{50});
}
