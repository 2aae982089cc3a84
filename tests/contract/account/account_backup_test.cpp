// A backup that is made while agents sync: whole, and of one moment.
#include "account/backup.hpp"

#include "account/audit.hpp"
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct Busy : AccountFixture {
    Busy() {
        team_with("lab", "render");
        free_grant("lab", "render", 1'000);
        one = agent("lab");
        said.session = session("lab", one);
    }
    void complete_unit() {
        ++used;
        said.request_number = used;
        core::wire::TrancheCounters slots{
            "t1", core::Units{used - 1}, {}, {{{472'222}, core::Units{used - 1}}}};
        said.resources = {counters("render", (used - 1) * 1'000, 0, 1, {slots})};
        REQUIRE(sync("lab", one, said));
    }

    std::string one;
    core::wire::SyncRequest said;
    std::int64_t used = 0;
};

}  // namespace

TEST_CASE_METHOD(Busy, "a backup in pieces is whole, and of the moment of its last one", "[folder]") {
    TemporaryFolder elsewhere;
    account::Backup backup(elsewhere.path() / "backup.db");
    int pieces = 0;
    for (bool more = true; more; ++pieces) {
        complete_unit();
        const auto gone_on = backup.go_on(store(), [] { return true; });
        REQUIRE(gone_on);
        more = *gone_on;
    }
    CHECK(pieces > 1);
    const std::int64_t entries = account::audit(database(), "lab", clock.wall_now()).entries;
    complete_unit();

    REQUIRE(account::restore(elsewhere.path() / "restored", elsewhere.path() / "backup.db", clock));
    const auto restored = account::Store::open(elsewhere.path() / "restored", clock, random);
    REQUIRE(restored);
    const account::AuditReport report = account::audit((*restored)->database(), "lab", clock.wall_now());
    CHECK(report.differences == std::vector<std::string>{});
    CHECK(report.entries == entries);
}

TEST_CASE_METHOD(Busy, "a backup that is given up leaves nothing behind", "[folder]") {
    TemporaryFolder elsewhere;
    {
        account::Backup backup(elsewhere.path() / "backup.db");
        REQUIRE(backup.go_on(store(), [] { return true; }).value());
    }
    CHECK(std::filesystem::is_empty(elsewhere.path()));
    complete_unit();
    CHECK(account::audit(database(), "lab", clock.wall_now()).ok());
}
