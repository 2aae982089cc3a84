// Billing cycles and their invoices: what is on which, and that a final one stays.
#include "account/commands.hpp"
#include "tiers_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct Listed : Tiers {
    boost::json::array invoices() {
        return in_transaction([this] { return account::invoices_json(store(), "lab"); })
            ->at("invoices")
            .as_array();
    }
};

}  // namespace

TEST_CASE_METHOD(Tiers,
                 "an invoice counts a cycle's payg units, is final after a day, and never changes then") {
    grant({"--resource", "render", "--tier", "payg", "--cap", "50", "--anchor", "2026-07-15", "--zone",
           "Europe/Paris"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 9, 0)});
    tell(one, {used_up(lease, "render", 3, clock.wall_now())});
    clock.advance(1);
    done({"resource", "set", "render", "--price", "250"});  // holds from the next cycle on
    auto bill = json({"invoice", "lab"});
    CHECK(bill.at("from") == "2026-07-14T22:00:00Z");
    CHECK(bill.at("to") == "2026-08-14T22:00:00Z");
    CHECK(bill.at("zone") == "Europe/Paris");
    CHECK(bill.at("status") == "open");
    CHECK(bill.at("currency") == "EUR");
    CHECK(bill.at("total") == 300);

    // Heard of within the day: still of its cycle, though another has begun.
    clock.set_wall(at("2026-08-15T21:59:59Z"));
    auto late = used_up(lease, "render", 5, at("2026-08-14T20:00:00Z"));
    late.tranches[0].hours[0].units = Units{2};
    tell(one, {late});
    CHECK(json({"invoice", "lab", "--cycle", "2026-07-15"}).at("total") == 500);
    clock.set_wall(at("2026-08-15T22:00:00Z"));
    const auto last = json({"invoice", "lab", "--cycle", "2026-08-14"});
    CHECK(last.at("status") == "final");
    CHECK(last.at("lines").at(0).at("late_units") == 0);

    // Later: on the next one, named, at its own price.
    auto later = used_up(lease, "render", 6, at("2026-08-14T21:00:00Z"));
    later.tranches[0].hours[0].units = Units{1};
    tell(one, {later});
    CHECK(json({"invoice", "lab", "--cycle", "2026-07-15"}) == last);
    bill = json({"invoice", "lab"});
    CHECK(bill.at("from") == "2026-08-14T22:00:00Z");
    CHECK(bill.at("lines").at(0).at("units") == 1);
    CHECK(bill.at("lines").at(0).at("late_units") == 1);
    CHECK(bill.at("lines").at(0).at("unit_price") == 100);
    CHECK(bill.at("total") == 100);
    audited();
}

TEST_CASE_METHOD(Tiers, "an invoice that was deleted by hand fails the audit") {
    grant({"--resource", "render", "--tier", "payg", "--cap", "50", "--anchor", "2026-07-15"});
    Said one = joined();
    for (const char* time : {"2026-08-17T12:00:00Z", "2026-09-17T12:00:00Z", "2026-10-17T12:00:00Z"}) {
        clock.set_wall(at(time));
        sync_lease(one, {counters("render", 0, 0, 0)});
    }
    audited();
    const std::string which =
        GENERATE("(SELECT min(from_) FROM invoice)", "(SELECT max(from_) FROM invoice)", "from_");
    CAPTURE(which);
    REQUIRE(store().connection().execute(in_its_words("DROP TRIGGER invoice_is_never_cut;")));
    REQUIRE(store().connection().execute("DELETE FROM invoice WHERE from_ = " + which));
    CHECK(account::audit(database(), "lab", clock.wall_now()).differences.size() == 1);
}

TEST_CASE_METHOD(Tiers, "a cycle's units cost what one cost when it began") {
    grant({"--resource", "render", "--tier", "payg", "--cap", "50", "--anchor", "2026-07-15"});
    done({"resource", "set", "render", "--price", "250"});
    clock.set_wall(at("2026-08-15T01:00:00Z"));
    done({"resource", "set", "render", "--price", "999"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 2, 0)});
    tell(one, {used_up(lease, "render", 2, clock.wall_now())});
    CHECK(json({"invoice", "lab"}).at("total") == 500);
    CHECK(done({"invoice", "lab"}).find("total 500 EUR") != std::string::npos);
    CHECK(json({"invoice", "lab", "--cycle", "2026-08-14"}).at("total") == 0);
}

TEST_CASE_METHOD(Tiers, "a grant that is made after a price was changed costs what its cycle costs") {
    grant({"--resource", "render", "--tier", "payg", "--cap", "3", "--anchor", "2026-07-15"});
    clock.advance(core::day_ms);
    done({"resource", "set", "render", "--price", "250"});
    grant({"--resource", "render", "--tier", "payg", "--anchor", "2026-07-15"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 5, 0)});
    tell(one, {used_up(lease, "render", 5, clock.wall_now())});
    CHECK(json({"invoice", "lab"}).at("lines").as_array().size() == 1);
    CHECK(json({"invoice", "lab"}).at("total") == 500);
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(json({"invoice", "lab", "--cycle", "2026-07-15"}).at("total") == 500);
    grant({"--resource", "render", "--tier", "payg", "--starts", "2026-07-10", "--anchor", "2026-07-15"});
    audited();
    // One that was final when each grant had its own price still is what it was.
    REQUIRE(store().connection().execute(in_its_words("DROP TRIGGER invoice_line_is_never_edited;")));
    REQUIRE(store().connection().execute("UPDATE invoice_line SET units = 3"));
    REQUIRE(
        store().connection().execute("INSERT INTO invoice_line SELECT team, from_, position + 1, resource, "
                                     "2, late_units, 250, reason FROM "
                                     "invoice_line"));
    audited();
}

TEST_CASE_METHOD(Tiers, "a grant that starts later doesn't change the price of what is used before") {
    clock.set_wall(at("2026-07-16T12:00:00Z"));
    grant({"--resource", "render", "--tier", "payg", "--starts", "2026-08-10", "--anchor", "2026-07-15"});
    grant({"--resource", "render", "--tier", "payg", "--anchor", "2026-07-15"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 5, 0)});
    tell(one, {used_up(lease, "render", 5, clock.wall_now())});
    clock.set_wall(at("2026-08-05T12:00:00Z"));
    done({"resource", "set", "render", "--price", "250"});
    CHECK(json({"invoice", "lab"}).at("total") == 500);
}

TEST_CASE_METHOD(Tiers, "a grant that was ended before its cycle sets no price in it") {
    grant({"--resource", "render", "--tier", "payg", "--anchor", "2026-07-15"});
    Said ahead = joined();
    sync_lease(ahead, {counters("render", 0, 5, 0)});  // makes the tranche of the next cycle, too
    clock.set_wall(at("2026-08-14T12:00:00Z"));
    done({"grant", "end", "lab", "g1"});
    clock.set_wall(at("2026-08-20T12:00:00Z"));
    done({"resource", "set", "render", "--price", "250"});
    grant({"--resource", "render", "--tier", "payg", "--anchor", "2026-07-15"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 5, 0)});
    tell(one, {used_up(lease, "render", 5, clock.wall_now())});
    CHECK(json({"invoice", "lab"}).at("total") == 5 * 250);
}

TEST_CASE_METHOD(Listed, "an amount that 64 bits can't hold is told as such, one that just fits as it is") {
    settings.payg_exposure = Units{20'000'000};
    done({"resource", "set", "render", "--price", "1000000000000"});
    grant({"--resource", "render", "--tier", "payg", "--anchor", "2026-07-15"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 9, 0)});
    tell(one, {used_up(lease, "render", 9'223'372, clock.wall_now())});
    CHECK(json({"invoice", "lab"}).at("total") == 9'223'372'000'000'000'000);
    tell(one, {used_up(lease, "render", 9'223'373, clock.wall_now())});
    const account::Outcome refused = command({"invoice", "lab"});
    CHECK(refused.exit == exit_failed);
    CHECK(refused.err.find("9223373 units of render at 1000000000000 each") != std::string::npos);
    const auto listed = invoices();  // which doesn't fail whole
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].at("total").is_null());
    CHECK(listed[0].at("lines").at(0).at("amount").is_null());
    CHECK(listed[0].at("lines").at(0).at("units") == 9'223'373);
    CHECK(listed[0].at("problem").as_string().find("9223373 units of render") != std::string::npos);
    audited();
}

TEST_CASE_METHOD(Tiers, "units of a payg grant that starts before its resource had a price aren't free") {
    clock.set_wall(at("2026-07-21T12:00:00Z"));
    done({"resource", "add", "bake", "--kind", "exhaustible", "--measure", "count", "--unit", "1000"});
    CHECK(exit({"grant", "add", "lab", "--resource", "bake", "--tier", "payg"}) == exit_failed);
    clock.set_wall(at("2026-07-25T12:00:00Z"));
    done({"resource", "set", "bake", "--price", "70", "--currency", "EUR"});
    clock.set_wall(at("2026-07-26T12:00:00Z"));
    done({"resource", "set", "bake", "--price", "90"});
    grant({"--resource", "bake", "--tier", "payg", "--starts", "2026-07-20", "--anchor", "2026-07-20"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("bake", 0, 2, 0)});
    tell(one, {used_up(lease, "bake", 2, clock.wall_now())});
    CHECK(json({"invoice", "lab"}).at("total") == 140);
    clock.set_wall(at("2026-08-22T12:00:00Z"));
    CHECK(json({"invoice", "lab", "--cycle", "2026-07-20"}).at("total") == 140);
    audited();
    // One that was final when such units were free still is what it was.
    REQUIRE(store().connection().execute(in_its_words("DROP TRIGGER invoice_line_is_never_edited;")));
    REQUIRE(store().connection().execute("UPDATE invoice_line SET unit_price = 0"));
    audited();
}

TEST_CASE_METHOD(Tiers, "units that are written off after a cycle's invoice was due are late on the next") {
    grant({"--resource", "render", "--tier", "payg", "--cap", "50", "--anchor", "2026-07-15"});
    Said one = joined();
    sync_lease(one, {counters("render", 0, 9, 0)});
    clock.set_wall(at("2026-08-20T00:00:00Z"));  // and nobody has asked since it was due
    done({"agent", "write-off", one.agent, "--as", "count"});
    CHECK(json({"invoice", "lab", "--cycle", "2026-07-15"}).at("total") == 0);
    const auto bill = json({"invoice", "lab"});
    REQUIRE(bill.at("lines").as_array().size() == 1);
    CHECK(bill.at("lines").at(0).at("late_units") == 9);
    CHECK(bill.at("lines").at(0).at("units") == 18);  // it held as many of this cycle
    audited();
}

TEST_CASE_METHOD(Tiers, "a team without payg has calendar months in its zone, without lines") {
    done({"team", "add", "free", "--zone", "Asia/Tokyo"});
    const auto bill = json({"invoice", "free"});
    CHECK(bill.at("from") == "2026-06-30T15:00:00Z");
    CHECK(bill.at("to") == "2026-07-31T15:00:00Z");
    CHECK(bill.at("lines").as_array().empty());
    CHECK(bill.at("currency").is_null());
    CHECK(bill.at("total") == 0);
    CHECK(exit({"invoice", "nobody"}) == exit_failed);
    CHECK(exit({"invoice", "free", "--cycle", "July"}) == exit_usage);
    CHECK(exit({"invoice", "free", "--cycle", "2026-02-30"}) == exit_usage);
    CHECK(exit({"invoice"}) == exit_usage);
}

TEST_CASE_METHOD(Tiers, "units that are given back are a line of the open invoice, with the reason") {
    grant({"--resource", "render", "--tier", "payg", "--anchor", "2026-07-15"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 9, 0)});
    tell(one, {used_up(lease, "render", 5, clock.wall_now())});
    done({"adjust", "lab", "--resource", "render", "--units", "-2", "--reason", "a fault of ours"});
    auto bill = json({"invoice", "lab"});
    REQUIRE(bill.at("lines").as_array().size() == 2);
    CHECK(bill.at("lines").at(0).at("units") == 5);
    CHECK(bill.at("lines").at(0).at("reason").is_null());
    CHECK(bill.at("lines").at(1).at("units") == -2);
    CHECK(bill.at("lines").at(1).at("amount") == -200);
    CHECK(bill.at("lines").at(1).at("reason") == "a fault of ours");
    CHECK(bill.at("total") == 300);
    CHECK(done({"invoice", "lab"}).find("a fault of ours") != std::string::npos);

    // After it is final: on the next one.
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    const auto last = json({"invoice", "lab", "--cycle", "2026-07-15"});
    done({"adjust", "lab", "--resource", "render", "--units", "-1", "--reason", "another"});
    CHECK(json({"invoice", "lab", "--cycle", "2026-07-15"}) == last);
    bill = json({"invoice", "lab"});
    REQUIRE(bill.at("lines").as_array().size() == 1);
    CHECK(bill.at("lines").at(0).at("units") == -1);
    CHECK(bill.at("lines").at(0).at("late_units") == -1);
    CHECK(bill.at("total") == -100);
    audited();
}

TEST_CASE_METHOD(Tiers,
                 "an invoice that is final stays, whatever the setting, the clock or the next charge") {
    grant({"--resource", "render", "--tier", "payg", "--anchor", "2026-07-15"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 9, 0)});
    tell(one, {used_up(lease, "render", 2, clock.wall_now())});
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    const auto last_invoice = [this] {
        boost::json::object invoice = json({"invoice", "lab", "--cycle", "2026-07-15"});
        invoice.erase("as_of");  // of the answer, not of the invoice
        return invoice;
    };
    const auto last = last_invoice();
    CHECK(last.at("status") == "final");

    clock.set_wall(at("2026-08-15T00:00:00Z"));  // the account's clock was put back
    auto late = used_up(lease, "render", 5, at("2026-07-20T13:00:00Z"));
    late.tranches[0].hours[0].units = Units{3};
    tell(one, {late});
    CHECK(last_invoice() == last);
    CHECK(json({"invoice", "lab", "--cycle", "2026-08-15"}).at("lines").at(0).at("late_units") == 3);
    CHECK_FALSE(store().connection().execute("UPDATE invoice SET final_at = 0"));
    CHECK_FALSE(store().connection().execute("DELETE FROM invoice"));
    CHECK_FALSE(store().connection().execute("UPDATE invoice_line SET units = 1"));
    CHECK_FALSE(store().connection().execute("DELETE FROM invoice_line"));
    audited();

    REQUIRE(store().connection().execute(in_its_words("DROP TRIGGER invoice_line_is_never_edited;")));
    REQUIRE(store().connection().execute("UPDATE invoice_line SET units = 1"));
    CHECK(exit({"audit", "lab"}) == exit_failed);
}

TEST_CASE_METHOD(Listed, "all invoices of a team are listed, the newest first, each unit on one of them") {
    CHECK(invoices().size() == 1);  // the month's, without lines
    grant({"--resource", "render", "--tier", "payg", "--anchor", "2026-07-15"});
    Said one = joined();
    auto said = counters("render", 0, 3, 0);
    for (int used = 1; used <= 3; ++used) {
        sync_lease(one, {said});
        said.metered = core::Amount{used * 1'000};
        const core::UtcHour hour = core::hour_of(clock.wall_now());
        said.tranches.push_back({"t" + std::to_string(used), Units{1}, Units{0}, {{hour, Units{1}}}});
        tell(one, {said});
        if (used == 1) clock.set_wall(at("2026-08-15T12:00:00Z"));
        if (used == 2) clock.set_wall(at("2026-09-20T12:00:00Z"));
    }
    const auto listed = invoices();
    REQUIRE(listed.size() == 3);
    CHECK(listed[0].at("status") == "open");
    CHECK(listed[1].at("status") == "final");
    CHECK(listed[2].at("from") == "2026-07-15T00:00:00Z");
    for (const auto& bill : listed) CHECK(bill.at("total") == 100);
    audited();
}
