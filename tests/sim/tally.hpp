// What happened in a campaign, counted by name: faults that took effect, and the rare paths that a
// campaign must have seen to be worth its name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace meterbox::sim {

class Tally {
public:
    // Faults that took effect: something was lost, late, repeated, refused or gone because of them.
    void fault(std::string_view name, std::uint64_t times = 1) { faults_[std::string(name)] += times; }
    // Something that the product did, common or rare.
    void saw(std::string_view name, std::uint64_t times = 1) { paths_[std::string(name)] += times; }
    void ran(std::int64_t agent_ms) { agent_ms_ += agent_ms; }
    void add(const Tally& other);
    // As text for another process, and back.
    std::string lines() const;
    void add_lines(const std::string& lines);

    std::uint64_t faults() const;
    std::int64_t agent_ms() const { return agent_ms_; }
    std::uint64_t times(const std::string& path) const;
    std::string text() const;
    // Those of the list that no seed came by.
    static const std::vector<std::string>& rare_paths();
    std::vector<std::string> unseen() const;

private:
    std::map<std::string, std::uint64_t> faults_;
    std::map<std::string, std::uint64_t> paths_;
    std::int64_t agent_ms_ = 0;
};

}  // namespace meterbox::sim
