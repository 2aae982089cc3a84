#include "tests/sim/operator.hpp"

namespace meterbox::sim {

namespace {
constexpr int rolls_max = 8;  // all of them fit one message
constexpr int rolled_where_forgotten_per_mille = 300;
constexpr int allowed_with_two_max = 12;  // then the copy is taken off first
}  // namespace

void Operator::set_up(const std::vector<AgentName>& agents) {
    agents_ = agents;
    for (const std::string& team : world_.plan.teams) {
        account_.command({"team", "add", team});
        if (world_.plan.lost_after_ms > 0)
            account_.command({"team", "set", team, "--lost", world_.plan.lost_policy, "--lost-after",
                              std::to_string(world_.plan.lost_after_ms) + "ms"});
    }
    for (std::size_t i = 0; i < world_.plan.resources.size(); ++i) {
        const core::Resource& resource = world_.plan.resources[i];
        const auto [token_flex, flex] = world_.plan.rates[i];
        const bool duration = resource.measure == core::Measure::duration;
        const std::string size = std::to_string(resource.unit_size.value()) + (duration ? "ms" : "");
        std::vector<std::string> words{"resource",
                                       "add",
                                       resource.key,
                                       "--kind",
                                       std::string(core::name_of(resource.kind)),
                                       "--measure",
                                       std::string(core::name_of(resource.measure)),
                                       "--unit",
                                       size,
                                       "--enforcement",
                                       std::string(core::name_of(resource.enforcement))};
        if (resource.kind == core::Kind::exhaustible)
            words.insert(words.end(), {"--price", "100", "--currency", "EUR", "--rate-token-flex",
                                       std::to_string(token_flex), "--rate-flex", std::to_string(flex)});
        account_.command(words);
    }
    for (const AgentName& agent : agents) account_.add_agent(agent);
    for (const std::string& team : world_.plan.teams)
        for (const core::Resource& resource : world_.plan.resources)
            if (dice_.chance(800)) buy(team, resource);
    if (world_.plan.disk_copied_every > 0 || !world_.plan.disk_copies.empty()) allow_waiting();
    top_up(dice_.chance(700));
}

void Operator::start() {
    world_.schedule.after(dice_.between(1, 2 * world_.plan.grant_every), [this] {
        if (!world_.faults) return;
        buy_later();
        correct_later();
        start();
    });
}

// Hears of it when somebody waits for units, and buys some more; in most worlds also for a while after
// faults have stopped, for who waits asks every ten seconds. In the others some end in overage.
void Operator::top_up(bool to_the_end) {
    world_.schedule.after(dice_.between(3, 30) * core::minute_ms, [this, to_the_end] {
        const std::int64_t since_faults = world_.now() - world_begins - world_.plan.length_ms;
        if (!world_.faults && (!to_the_end || since_faults > core::hour_ms)) return;
        std::vector<std::pair<std::string, std::string>> lacking;  // team and resource
        if (account_.up())
            account_.store().database().each(
                "SELECT team, resource FROM ticket ORDER BY number",
                [&](auto& row) { lacking.emplace_back(row.string(0), row.string(1)); });
        for (const core::Resource& resource : world_.plan.resources)
            if (!lacking.empty() && resource.key == lacking.front().second && account_.up())
                buy(lacking.front().first, resource);
        top_up(to_the_end);
    });
}

// Looks every now and then for agents that wait, and lets them go on; in some worlds not before a copy is
// off.
void Operator::allow_waiting() {
    world_.schedule.after(dice_.between(1, world_.faults ? 120 : 10) * core::minute_ms, [this] {
        std::vector<std::string> waiting;
        if (account_.up())
            account_.store().database().each("SELECT id FROM agent WHERE waits_since IS NOT NULL ORDER BY id",
                                             [&](auto& row) { waiting.push_back(row.string(0)); });
        for (const std::string& agent : waiting) {
            const bool two = world_.copies_at_work[agent] > 0;
            if (two) world_.tally.saw("agent fenced again while a copy is at work");
            if (!account_.up() || (two && !world_.plan.allowed_with_two)) continue;
            if (two && allowed_with_two_[agent]++ >= allowed_with_two_max) continue;
            if (two) world_.tally.saw("agent allowed while a copy is at work");
            account_.command({"agent", "allow", agent});
        }
        allow_waiting();
    });
}

// Agents are given up that aren't lost at all, and one or the other is revoked.
void Operator::give_up_agents() {
    for (std::size_t index = 0; index < agents_.size(); ++index)
        if (const std::int64_t after = world_.plan.revoke_after[index]; after > 0)
            world_.schedule.after(after, [this, index] { revoke(agents_[index].id); });
    if (world_.plan.write_off_every > 0)
        world_.schedule.after(dice_.between(1, 2 * world_.plan.write_off_every), [this] { write_off(); });
}

void Operator::revoke(const std::string& agent) {
    if (!account_.up()) return world_.schedule.after(core::minute_ms, [this, agent] { revoke(agent); });
    world_.trace.add("revoke", agent);
    world_.tally.saw("agent revoked");
    account_.command({"agent", "revoke", agent});
    if (!account_.up()) revoke(agent);  // it fell before the commit, or after it
}

// Leased, or held in doubt, of a cycle that hasn't begun: count would release that.
bool Operator::holds_ahead(const std::string& agent) {
    if (!account_.up()) return false;
    return account_.store().database().number(
               "SELECT count(*) FROM tranche WHERE starts_at > ?1 AND (EXISTS (SELECT 1 FROM holding WHERE "
               "tranche = tranche.id AND agent = ?2 AND used + returned < granted) OR EXISTS (SELECT 1 FROM "
               "doubt WHERE tranche = tranche.id AND agent = ?2 AND held > 0))",
               account_.now(), agent) > 0;
}

// What was released is counted anew by whoever used it: where modes change nobody could tell how much that
// is.
void Operator::write_off() {
    if (!world_.faults) return;
    static constexpr std::string_view policies[] = {"hold", "count", "release"};
    const std::string& agent = agents_[dice_.number() % agents_.size()].id;
    const bool releases = !world_.plan.modes_change() && world_.plan.store_copied_every == 0;
    std::string policy(policies[dice_.number() % (releases ? 3 : 2)]);
    if (policy == "count" && !releases && holds_ahead(agent)) policy = "hold";
    // One that is given up, and of which nothing is held any more, is refused.
    const bool active =
        account_.up() &&
        account_.store().database().number(
            "SELECT count(*) FROM agent WHERE id = ? AND state = 'active' AND (written_off_at IS NULL OR "
            "EXISTS (SELECT 1 FROM doubt WHERE doubt.agent = agent.id AND held > 0))",
            agent) == 1;
    if (active) {
        world_.trace.add("write-off", agent + " as " + policy);
        world_.tally.saw("agent written off as " + policy);
        account_.command({"agent", "write-off", agent, "--as", policy});
    }
    world_.schedule.after(dice_.between(1, 2 * world_.plan.write_off_every), [this] { write_off(); });
}

// Every now and then another mode, at most one at once. When faults have stopped, units are counted again,
// so that the bill can be made.
void Operator::change_modes() {
    if (!world_.plan.modes_change()) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.mode_change_every), [this] {
        if (!world_.faults) return;
        const auto at = static_cast<std::size_t>(dice_.number() % world_.plan.resources.size());
        static constexpr std::string_view modes[] = {"hard", "hard", "soft", "none"};
        const core::Resource& resource = world_.plan.resources[at];
        const std::string_view mode = modes[dice_.number() % 4];
        if (account_.up() && resource.kind == core::Kind::exhaustible) set_mode(resource.key, mode);
        change_modes();
    });
}

void Operator::set_mode(const std::string& resource, std::string_view mode) {
    world_.trace.add("mode", resource + " " + std::string(mode));
    account_.command({"resource", "set", resource, "--enforcement", std::string(mode)});
}

void Operator::settle() {
    if (!world_.plan.modes_change()) return;
    if (!account_.up()) return world_.schedule.after(core::minute_ms, [this] { settle(); });
    for (const core::Resource& resource : world_.plan.resources)
        if (account_.up()) set_mode(resource.key, "hard");
    if (!account_.up()) settle();  // it fell meanwhile
}

void Operator::buy_later() {
    if (!account_.up()) return;
    // A store that was put back from before a roll can roll to no key that agents which followed that one
    // would follow, so the operator rolls once then. Nor can it end a grant that it forgot.
    const bool forgets = world_.plan.store_copied_every > 0;
    const bool rolls =
        dice_.chance(forgets ? rolled_where_forgotten_per_mille : world_.plan.rolled_per_mille);
    if (rolls && rolls_ < (forgets ? 1 : rolls_max)) {
        ++rolls_;
        world_.tally.saw("lease key rolled");
        return account_.roll_lease_key();
    }
    const std::string& team = world_.plan.teams[dice_.number() % world_.plan.teams.size()];
    if (dice_.chance(100) && !forgets) return end_one(team);
    buy(team, world_.plan.resources[dice_.number() % world_.plan.resources.size()]);
}

// A date and zone whose next cycle begins within the first days of the world.
std::vector<std::string> Operator::anchor() {
    static const std::vector<std::string> zones{"UTC", "Europe/Paris", "Asia/Kathmandu", "America/New_York"};
    return {"--anchor", "2026-12-1" + std::to_string(dice_.between(5, 7)), "--zone",
            zones[dice_.number() % zones.size()]};
}

// Little for some, plenty for others.
std::string Operator::amount() {
    return std::to_string(dice_.chance(500) ? dice_.spread(1, 50) : dice_.spread(100, 5'000));
}

// What is bought, but for when it begins and ends.
std::vector<std::string> Operator::terms(const std::string& team, const core::Resource& resource) {
    const auto with = [](std::vector<std::string> words, const std::vector<std::string>& more) {
        words.insert(words.end(), more.begin(), more.end());
        return words;
    };
    const std::int64_t kind = dice_.between(0, 12);
    if (resource.kind == core::Kind::returnable)
        return {"--resource", resource.key, "--tier", "free", "--amount", amount()};
    if (kind == 0) return {"--tier", "token_flex", "--tokens", amount()};
    if (kind == 1) return {"--tier", "flex", "--tokens", amount()};
    if (kind == 2) return {"--resource", resource.key, "--tier", "flex", "--amount", amount()};
    std::vector<std::string> words{"--resource", resource.key, "--tier"};
    if (kind < 7) return with(words, {"free", "--amount", amount()});
    if (kind < 10) return with(with(words, {"free", "--amount", amount(), "--refresh", "cycle"}), anchor());
    words.push_back("payg");
    if (kind < 12) words = with(words, {"--cap", amount()});
    return billed_.insert(team).second ? with(words, anchor()) : words;
}

void Operator::buy(const std::string& team, const core::Resource& resource) {
    std::vector<std::string> words{"grant", "add", team};
    const std::vector<std::string> bought = terms(team, resource);
    words.insert(words.end(), bought.begin(), bought.end());
    core::UtcTime starts = account_.now();
    if (dice_.chance(300)) starts = starts + dice_.even(1'000, 12 * core::hour_ms);
    words.insert(words.end(), {"--starts", core::format_rfc3339(starts)});
    const bool ends = dice_.chance(500);
    if (ends)
        words.insert(words.end(),
                     {"--ends", core::format_rfc3339(starts + dice_.even(core::minute_ms, core::day_ms))});
    std::string said;
    for (const std::string& word : bought) said += word + " ";
    world_.trace.add("grant", team + " " + said);
    std::string id = account_.command(words);
    if (id.empty()) return;  // it fell, perhaps before it was stored
    id.pop_back();
    if (!ends) endless_[team].push_back(id);
}

void Operator::end_one(const std::string& team) {
    std::vector<std::string>& grants = endless_[team];
    if (grants.empty()) return;
    const std::string id = grants[dice_.number() % grants.size()];
    std::erase(grants, id);
    world_.trace.add("grant end", team + " " + id);
    world_.tally.saw("grant ended by an operator");
    account_.command({"grant", "end", team, id});
}

}  // namespace meterbox::sim
