#include "tests/sim/simulation.hpp"

#include <memory>

#include "tests/sim/copies.hpp"
#include "tests/sim/invariants.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/operator.hpp"
#include "tests/sim/products.hpp"
#include "tests/sim/sim_account.hpp"
#include "tests/sim/sim_agent.hpp"
#include "tests/sim/world.hpp"

namespace meterbox::sim {

namespace {

// Long enough for what is away to come back, for retries, the longest backoff, and two syncs.
std::int64_t settling_ms(const Plan& plan) {
    return 2 * core::hour_ms + 3 * plan.sync_interval_ms;
}

class Simulation {
public:
    Simulation(World& world, const std::filesystem::path& keys)
        : world_(world),
          account_(world, keys),
          network_(world, account_, world.plan.agents.size()),
          operator_(world, account_),
          invariants_(world, account_, agents_, products_),
          copies_(world, network_, agents_, products_, invariants_) {}

    void run() {
        std::vector<AgentName> names;
        for (const std::string& team : world_.plan.agents)
            names.push_back({"agent-" + std::to_string(names.size()), team});
        operator_.set_up(names);
        world_.schedule.add(account_);
        for (std::size_t index = 0; index < names.size(); ++index) {
            agents_.push_back(std::make_unique<SimAgent>(world_, network_, index, names[index]));
            products_.push_back(std::make_unique<Products>(world_, *agents_[index], index));
            world_.schedule.add(*agents_[index]);
        }
        invariants_.prepare();
        for (std::size_t index = 0; index < names.size(); ++index) {
            agents_[index]->start();
            agents_[index]->begin_faults();
            products_[index]->start();
        }
        network_.begin_faults();
        account_.begin_faults();
        operator_.start();
        operator_.change_modes();
        operator_.give_up_agents();
        copies_.begin();
        go_on_for(world_.plan.length_ms);
        world_.faults = false;
        network_.heal();
        account_.heal();
        operator_.settle();
        for (const auto& agent : agents_) agent->heal();
        go_on_for(settling_ms(world_.plan));
        invariants_.check_end();
        const auto agents = static_cast<std::int64_t>(names.size());
        world_.tally.ran(agents * (world_.plan.length_ms + settling_ms(world_.plan)));
    }

private:
    void go_on_for(std::int64_t ms) {
        world_.schedule.run_until(
            world_.now() + ms, [this] { invariants_.check_step(); }, world_.trace);
    }

    World& world_;
    SimAccount account_;
    Network network_;
    Operator operator_;
    std::vector<std::unique_ptr<SimAgent>> agents_;
    std::vector<std::unique_ptr<Products>> products_;
    Invariants invariants_;
    Copies copies_;
};

}  // namespace

Outcome simulate(const Plan& plan, const std::filesystem::path& keys, bool with_lines) {
    seed_sqlite(plan.seed);
    World world(plan);
    world.trace.keep_lines(with_lines);
    Outcome outcome;
    {
        Simulation simulation(world, keys);
        try {
            simulation.run();
        } catch (const Violation& violation) {
            outcome.violation = core::format_rfc3339(world.now()) + ": " + violation.what();
        }
    }
    outcome.hash = world.trace.hash();
    outcome.tally = world.tally;
    outcome.lines = world.trace.lines();
    return outcome;
}

}  // namespace meterbox::sim
