// A team with one agent, of whose disk there may be copies.
#pragma once

#include "fixture.hpp"

namespace meterbox::tests {

using core::Units;
using core::wire::HelloReply;
using core::wire::HelloRequest;
using core::wire::JournalHead;
using core::wire::SyncRequest;
using core::wire::Verdict;

inline core::wire::TrancheCounters used(std::int64_t units) {
    core::wire::TrancheCounters said{"t1", Units{units}, Units{0}, {}};
    if (units > 0) said.hours.push_back({{472'222}, Units{units}});
    return said;
}

// One disk of the agent, as far as it says something: its chain and its counters.
struct Disk {
    std::string agent;
    std::int64_t incarnation = 1;
    JournalHead head{1, "start"};
    std::vector<JournalHead> starts{{1, "start"}};
    std::int64_t metered = 0;
    std::int64_t used_units = 0;
    std::string session;
    std::int64_t requests = 0;

    void commit(const std::string& hash) { head = {head.sequence + 1, hash}; }
    void begin_start(const std::string& hash) {
        commit(hash);
        starts.insert(starts.begin(), head);
    }
    std::vector<core::wire::ResourceCounters> said(std::int64_t need) const {
        auto made = counters("render", metered, need, 0, {});
        if (used_units > 0) made.tranches.push_back(used(used_units));
        made.overage_units = Units{metered / 1'000 - used_units};
        return {made};
    }
};

struct FencingLab : AccountFixture {
    FencingLab() {
        team_with("lab", "render");
        free_grant("lab", "render", 10);
        disk.agent = agent("lab");
        REQUIRE(say_hello(disk)->verdict == Verdict::ok);
    }
    HelloRequest hello_of(const Disk& of) {
        HelloRequest said;
        said.agent = of.agent;
        said.incarnation = of.incarnation;
        said.head = of.head;
        said.starts = of.starts;
        said.resources = of.said(0);
        said.nonce = platform::system::random_hex(random);
        return said;
    }
    core::Result<HelloReply> say_hello(Disk& of) { return hear(of, hello_of(of)); }
    core::Result<HelloReply> hear(Disk& of, const HelloRequest& said) {
        auto reply = hello("lab", said);
        if (reply && !reply->session.empty()) {
            of.session = reply->session;
            of.requests = 0;
        }
        return reply;
    }
    core::Result<core::wire::SyncReply> say_sync(Disk& of, std::int64_t need) {
        SyncRequest said;
        said.session = of.session;
        said.request_number = ++of.requests;
        said.resources = of.said(need);
        said.head = of.head;
        said.starts = of.starts;
        said.more_usage = more_usage;
        return sync("lab", of.agent, said);
    }
    // What its lease covers is used, and told.
    void use(Disk& of, std::int64_t amount, std::int64_t units) {
        of.metered += amount;
        of.used_units += units;
        of.commit("link of " + std::to_string(of.metered));
    }
    // As the agent does when it hears that it is fenced: what came after the link is overage of the next one.
    void carry(Disk& of, const HelloReply& reply, std::int64_t metered_there) {
        of.incarnation = reply.incarnation;
        of.metered -= metered_there;
        of.used_units = 0;
    }
    account::Agent row() { return agent_row("lab", disk.agent); }
    std::int64_t evidence() { return database().number("SELECT count(*) FROM evidence"); }

    Disk disk;
    bool more_usage = false;  // of each sync: it leaves some out
};

}  // namespace meterbox::tests
