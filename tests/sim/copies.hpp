// Disks that are copied while they are at work: the copy is put into another machine, with other products,
// and both go on as one agent, until the copy is taken off.
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/invariants.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/products.hpp"
#include "tests/sim/sim_agent.hpp"
#include "tests/sim/world.hpp"

namespace meterbox::sim {

class Copies {
public:
    Copies(World& world, Network& network, std::vector<std::unique_ptr<SimAgent>>& agents,
           std::vector<std::unique_ptr<Products>>& products, Invariants& invariants)
        : world_(world), network_(network), agents_(agents), products_(products), invariants_(invariants) {}

    void begin();  // as the plan says

private:
    void make(const DiskCopy& plan);
    void take_off(std::size_t index);

    World& world_;
    Network& network_;
    std::vector<std::unique_ptr<SimAgent>>& agents_;
    std::vector<std::unique_ptr<Products>>& products_;
    Invariants& invariants_;
};

}  // namespace meterbox::sim
