// A team with two agents that say and sync what a test wants, and a store that can be put back.
#pragma once

#include <algorithm>
#include <filesystem>

#include "account/audit.hpp"
#include "account/backup.hpp"
#include "account/catalogue.hpp"
#include "account/learning.hpp"
#include "account/pool.hpp"
#include "account/retirement.hpp"
#include "account/team_cards.hpp"
#include "fixture.hpp"

namespace meterbox::tests {

using core::Units;
using core::wire::HelloRequest;
using core::wire::SyncRequest;
using core::wire::Verdict;

struct Speaker {
    std::string id;
    std::int64_t incarnation = 1;
    std::int64_t link = 1;
    std::int64_t used = 0;
    std::int64_t returned = 0;
    std::string returned_of = "t1";
    std::int64_t later = 0;  // used of t2, beside t1
    std::string session;
    std::string lease;                         // as it was signed
    std::optional<std::int64_t> lease_number;  // it says so with sync, and may hear that it must say hello
    std::int64_t requests = 0;
    std::string tranche = "t1";
    std::int64_t acknowledged = 0;
    std::int64_t counted = 0;  // its links up to here, as the last answer to hello said
    std::string unused;        // another resource that it has heard of

    std::vector<core::wire::ResourceCounters> said(std::int64_t need) const {
        std::vector<core::wire::TrancheCounters> tranches;
        if (used > 0) tranches.push_back({tranche, Units{used}, Units{0}, {{{472'222}, Units{used}}}});
        if (returned > 0) tranches.push_back({returned_of, Units{0}, Units{returned}, {}});
        if (later > 0) tranches.push_back({"t2", Units{later}, Units{0}, {{{472'222}, Units{later}}}});
        std::vector all{counters("render", (used + later) * 1'000, need, 0, tranches)};
        if (!unused.empty()) all.push_back(counters(unused, 0, 0, 0));
        return all;
    }
};

struct LearningLab : AccountFixture {
    LearningLab() {
        team_with("lab", "render");
        free_grant("lab", "render", 20);
        for (Speaker* speaker : {&one, &two}) {
            speaker->id = agent("lab");
            REQUIRE(say_hello(*speaker) == Verdict::ok);
        }
    }
    Verdict say_hello(Speaker& of) {
        HelloRequest said;
        said.agent = of.id;
        said.incarnation = of.incarnation;
        said.head = {of.link, "link " + std::to_string(of.link)};
        said.acknowledged = {of.acknowledged,
                             of.acknowledged ? "link " + std::to_string(of.acknowledged) : ""};
        said.starts = {{1, "link 1"}};
        said.last_lease = of.lease;
        said.resources = of.said(0);
        said.nonce = platform::system::random_hex(random);
        const auto reply = hello("lab", said);
        REQUIRE(reply);
        of.session = reply->session;
        of.incarnation = reply->incarnation;
        of.requests = 0;
        of.counted = reply->acknowledged.sequence;
        return reply->verdict;
    }
    // How much its lease grants afterwards.
    std::int64_t say_sync(Speaker& of, std::int64_t need) {
        SyncRequest said;
        said.session = of.session;
        said.request_number = ++of.requests;
        said.resources = of.said(need);
        said.head = {of.link, "link " + std::to_string(of.link)};
        said.starts = {{1, "link 1"}};
        if (of.lease_number) said.lease_number = of.lease_number;
        const auto reply = sync("lab", of.id, said);
        if (!reply && of.lease_number) return -1;
        REQUIRE(reply);
        of.acknowledged = reply->acknowledged.sequence;
        learning = reply->learning;
        if (reply->lease) of.lease = *reply->lease;
        const auto lease = core::lease_from_json(of.lease);
        return lease ? granted(*lease, "render") : 0;
    }
    // It names what the account has forgotten: it tells all, and hears that it is another incarnation.
    void leave_behind(Speaker& of) {
        CHECK(say_hello(of) == Verdict::learning);
        say_sync(of, 4);
        CHECK(learning);
        CHECK(agent_row("lab", of.id).session.empty());
        CHECK(say_hello(of) == Verdict::fenced);
        CHECK_FALSE(agent_row("lab", of.id).fenced_at);
        CHECK(of.incarnation == 2);
        const auto findings = check_audit();
        const auto told = [&](const char* words) {
            return std::ranges::count_if(findings, [&](const std::string& finding) {
                return finding.find(of.id + ": its incarnation 1 " + words) != std::string::npos;
            });
        };
        CHECK(told("ended, and it went on as another") == 1);
        CHECK(told("was fenced") == 0);
    }
    void use(Speaker& of, std::int64_t units) {
        of.used += units;
        ++of.link;
    }
    void put_back(const std::filesystem::path& copy) {
        close();
        std::filesystem::remove(folder() / "account.db");
        std::filesystem::copy_file(copy, folder() / "account.db");
        reopen();
    }
    std::int64_t number(const char* sql) { return database().number(sql); }

    Speaker one, two;
    bool learning = false;  // as the last sync said
};

}  // namespace meterbox::tests
