// An account that was put back by hand from before a roll of its lease key: what its agents hold can't be
// read, and none of them is refused for that, nor loses what it used.
#include "learning_lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;
namespace fs = std::filesystem;

namespace {
constexpr const char* by_a_forgotten_key = "a lease that a key signed which the store doesn't know";
}

TEST_CASE_METHOD(LearningLab,
                 "who used units of a lease whose key is forgotten, too, is no longer refused for ever",
                 "[folder]") {
    CHECK(say_sync(one, 4) == 4);
    const fs::path copy = folder().parent_path() / "copy";
    REQUIRE(account::back_up(store(), copy));
    CHECK(say_sync(one, 9) == 9);
    use(one, 7);
    put_back(copy);
    one.lease = by_a_forgotten_key;
    leave_behind(one);
    CHECK(number("SELECT charged FROM tranche") == 4);
    CHECK(number("SELECT overage_units FROM team_resource") == 3);
    check_audit();
}

TEST_CASE_METHOD(LearningLab,
                 "who holds a lease whose key is forgotten, too, drops it before it uses more of it",
                 "[folder]") {
    CHECK(say_sync(one, 4) == 4);
    const fs::path copy = folder().parent_path() / "copy";
    REQUIRE(account::back_up(store(), copy));
    CHECK(say_sync(one, 9) == 9);
    const std::int64_t number_held = core::lease_from_json(one.lease)->number;
    use(one, 2);
    put_back(copy);
    one.lease = by_a_forgotten_key;
    CHECK(say_hello(one) == Verdict::ok);
    one.lease_number = number_held;
    CHECK(say_sync(one, 0) == -1);
    CHECK(agent_row("lab", one.id).session.empty());
    leave_behind(one);
    CHECK(number("SELECT charged FROM tranche") == 2);
    CHECK(number("SELECT leased FROM tranche") == 2);  // until it syncs as what it is now
    one.lease_number = 0;
    one.lease.clear();
    one.used = 0;
    say_sync(one, 0);
    CHECK(number("SELECT leased FROM tranche") == 0);
    check_audit();
}
