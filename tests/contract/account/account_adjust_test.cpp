// adjust: charged units given back as entries of the ledger, which the audit agrees with.
#include "account/adjustment.hpp"
#include "core/account_limits.hpp"

#include "tiers_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct Adjusted : Tiers {
    // An agent of the team takes so many units in draw order.
    void use(std::int64_t units) {
        Said one = joined();
        const core::Lease lease = sync_lease(one, {counters("render", 0, units, 0)});
        tell(one, {used_up(lease, "render", units, clock.wall_now())});
    }
    int give_back(const std::string& units, const std::string& reason = "a fault of ours") {
        return exit({"adjust", "lab", "--resource", "render", "--units", units, "--reason", reason});
    }
    std::int64_t charged(const std::string& tier) {
        return database().number("SELECT sum(charged) FROM tranche WHERE tier = ? AND resource <> ''", tier);
    }
};

}  // namespace

TEST_CASE_METHOD(Adjusted, "units that are given back leave the latest tier drawn and can be used again") {
    units("free", "2");
    units("flex", "4");
    grant({"--resource", "render", "--tier", "payg"});
    use(8);
    CHECK(give_back("-3") == exit_done);
    CHECK(charged("payg") == 0);
    CHECK(charged("flex") == 3);
    CHECK(charged("free") == 2);
    const auto shown = card();
    CHECK(shown.at("charged_units") == 5);
    CHECK(shown.at("available_units") == 1);
    audited();

    const auto told = json({"adjust", "lab", "--resource", "render", "--units", "-4", "--reason", "again"});
    CHECK(told.at("units") == -4);
    CHECK(told.at("tranches").as_array().size() == 2);
    CHECK(told.at("tranches").at(0).at("tier") == "flex");
    CHECK(told.at("tranches").at(1).at("units") == -1);
    audited();
    use(5);
    CHECK(card().at("charged_units") == 6);
    audited();
}

TEST_CASE_METHOD(Adjusted, "tokens come back with the units that they were") {
    grant({"--tier", "flex", "--tokens", "9"});
    use(3);
    CHECK(card().at("available_units") == 0);
    CHECK(give_back("-2") == exit_done);
    CHECK(card().at("available_units") == 2);
    CHECK(database().number("SELECT available FROM tranche WHERE resource = ''") == 6);
    audited();
}

TEST_CASE_METHOD(Adjusted,
                 "units of a grant that has ended come back to nobody, and after those of valid ones") {
    units("free", "5", {"--ends", "2026-07-21"});
    use(4);
    clock.set_wall(at("2026-07-22T00:00:00Z"));
    units("free", "5");
    use(2);
    CHECK(give_back("-3") == exit_done);
    CHECK(stored("charged", 2) == 0);
    CHECK(stored("charged", 1) == 3);
    CHECK(stored("expired", 1) == 2);
    CHECK(card().at("available_units") == 5);
    audited();
}

TEST_CASE_METHOD(Adjusted, "no more is given back than was charged, and nothing by halves") {
    units("flex", "4");
    use(3);
    const std::int64_t entries = database().number("SELECT count(*) FROM ledger");
    const account::Outcome outcome =
        command({"adjust", "lab", "--resource", "render", "--units", "-4", "--reason", "too many"});
    CHECK(outcome.exit == exit_failed);
    CHECK(outcome.err.find("3 units") != std::string::npos);
    for (const char* units : {"0", "3", "+3", "-0", "-1.5", "-", "", "x", "-1099511627777",
                              "-9223372036854775808", "-9223372036854775809", "9223372036854775808"}) {
        INFO(units);
        CHECK(give_back(units) == exit_usage);
    }
    CHECK(give_back("-1", "") == exit_usage);
    CHECK(give_back("-1", "two\nlines") == exit_usage);
    CHECK(give_back("-1", "\xff") == exit_usage);
    CHECK(give_back("-1", std::string(core::limits::adjustment_reason_bytes_max + 1, 'x')) == exit_usage);
    CHECK(exit({"adjust", "lab", "--resource", "none", "--units", "-1", "--reason", "x"}) == exit_failed);
    CHECK(exit({"adjust", "nobody", "--resource", "render", "--units", "-1", "--reason", "x"}) ==
          exit_failed);
    CHECK(exit({"adjust", "lab", "--units", "-1", "--reason", "x"}) == exit_usage);
    CHECK(exit({"adjust", "lab", "--resource", "render", "--reason", "x"}) == exit_usage);
    CHECK(exit({"adjust", "lab", "--resource", "render", "--units", "-1"}) == exit_usage);
    CHECK(database().number("SELECT count(*) FROM ledger") == entries);

    CHECK(give_back("-1", std::string(core::limits::adjustment_reason_bytes_max, 'x')) == exit_done);
    CHECK(give_back("-2") == exit_done);
    CHECK(give_back("-1") == exit_failed);
    audited();
}

TEST_CASE_METHOD(Adjusted, "what was counted for a lost agent is not given back: it may come again") {
    units("flex", "6");
    Said lost = joined();
    sync_lease(lost, {counters("render", 0, 4, 0)});
    done({"agent", "write-off", lost.agent, "--as", "count"});
    use(2);
    CHECK(card().at("charged_units") == 6);
    CHECK(give_back("-3") == exit_failed);
    CHECK(give_back("-2") == exit_done);
    lost.request.session = session("lab", lost.agent);
    lost.request.request_number = 0;
    const core::Lease lease = sync_lease(lost, {counters("render", 0, 0, 0)});
    tell(lost, {used_up(lease, "render", 1, clock.wall_now())});
    CHECK(card().at("charged_units") == 1);
    audited();
}

TEST_CASE_METHOD(Adjusted, "a damaged sum is found by the audit though units were given back") {
    units("flex", "4");
    use(3);
    CHECK(give_back("-2") == exit_done);
    audited();
    REQUIRE(
        store().connection().execute("UPDATE tranche SET charged = charged + 1, available = available - 1"));
    CHECK(exit({"audit", "lab"}) == exit_failed);
}

TEST_CASE_METHOD(Adjusted, "an adjustment that is refused writes nothing") {
    grant({"--resource", "render", "--tier", "payg"});
    use(2);
    database().run("UPDATE team SET open_until = 0");
    const std::int64_t entries = database().number("SELECT count(*) FROM ledger");
    clock.advance(core::day_ms * 90);
    const auto refused = command({"adjust", "lab", "--resource", "render", "--units", "-3", "--reason", "x"});
    CHECK(refused.exit == exit_failed);
    CHECK(refused.err.find("give --units -2 at most") != std::string::npos);
    CHECK(database().number("SELECT open_until FROM team") == 0);
    CHECK(database().number("SELECT count(*) FROM ledger") == entries);
    CHECK(database().number("SELECT count(*) FROM invoice") == 0);
    CHECK(give_back("-2") == exit_done);
    CHECK(database().number("SELECT open_until FROM team") > 0);
}
