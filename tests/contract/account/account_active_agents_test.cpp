// N of sizing: how many agents of a team synced in the last 24 h, counted without looking at each of a large
// team's at every sync.
#include "account/agents.hpp"
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct Team : AccountFixture {
    Team() { done({"team", "add", "lab"}); }

    void add_agents(int count) {
        for (int i = 0; i < count; ++i) {
            const std::string id = "a-" + std::to_string(agents_++);
            database().run(
                "INSERT INTO agent (id, team, name, state, incarnation, key_fingerprint, "
                "certificate_fingerprint, certificate, certificate_expires_at, acknowledged, "
                "acknowledged_hash, lease_number, enrolled_at, last_sync_at) VALUES (?1, 'lab', ?1, "
                "'active', "
                "1, ?1, ?1, '', 0, 0, '', 0, 0, ?2)",
                id, clock.wall_now());
        }
        REQUIRE_FALSE(database().failed());
    }
    std::int64_t count() { return active.of(database(), "lab", clock.wall_now()); }

    account::ActiveAgents active;

private:
    int agents_ = 0;
};

}  // namespace

TEST_CASE_METHOD(Team, "each agent of a small team counts at once") {
    CHECK(count() == 1);  // at least one: who asks
    add_agents(2);
    CHECK(count() == 2);
    add_agents(200);
    CHECK(count() == 202);
    clock.advance(25 * core::hour_ms);
    CHECK(count() == 1);
}

TEST_CASE_METHOD(Team, "a large team is counted again after as many milliseconds as it has agents") {
    add_agents(300);
    CHECK(count() == 300);
    add_agents(5);
    clock.advance(299);
    CHECK(count() == 300);
    clock.advance(1);
    CHECK(count() == 305);
    CHECK(active.of(database(), "lab", clock.wall_now() + -1'000) == 305);  // a clock set back: counted again
    clock.advance(25 * core::hour_ms);
    CHECK(count() == 1);
}
