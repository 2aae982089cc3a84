#include "tests/sim/tally.hpp"

#include <sstream>

namespace meterbox::sim {

void Tally::add(const Tally& other) {
    for (const auto& [name, times] : other.faults_) faults_[name] += times;
    for (const auto& [name, times] : other.paths_) paths_[name] += times;
    agent_ms_ += other.agent_ms_;
}

std::string Tally::lines() const {
    std::ostringstream out;
    out << "ms " << agent_ms_ << " of agents\n";
    for (const auto& [name, times] : faults_) out << "fault " << times << " " << name << "\n";
    for (const auto& [name, times] : paths_) out << "path " << times << " " << name << "\n";
    return out.str();
}

void Tally::add_lines(const std::string& lines) {
    std::istringstream in(lines);
    std::string kind;
    std::uint64_t times = 0;
    while (in >> kind >> times) {
        std::string name;
        std::getline(in >> std::ws, name);
        if (kind == "fault") fault(name, times);
        if (kind == "path") saw(name, times);
        if (kind == "ms") agent_ms_ += static_cast<std::int64_t>(times);
    }
}

std::uint64_t Tally::faults() const {
    std::uint64_t sum = 0;
    for (const auto& [name, times] : faults_) sum += times;
    return sum;
}

std::uint64_t Tally::times(const std::string& path) const {
    const auto found = paths_.find(path);
    return found == paths_.end() ? 0 : found->second;
}

std::string Tally::text() const {
    std::ostringstream out;
    out << "faults that took effect:\n";
    for (const auto& [name, times] : faults_) out << "  " << times << "  " << name << "\n";
    out << "seen:\n";
    for (const auto& [name, times] : paths_) out << "  " << times << "  " << name << "\n";
    return out.str();
}

const std::vector<std::string>& Tally::rare_paths() {
    static const std::vector<std::string> paths{
        "counters of an older request",
        "journal verified under the first lease of a later incarnation",
        "sync answered twice",
        "commit without an answer: agent",
        "commit without an answer: account",
        "report answered as duplicate",
        "report refused: disk full",
        "commit on a full disk",
        "overage covered later",
        "session resumed after a restart",
        "session ended by a reboot",
        "session ended without a sign of life",
        "session stopped",
        "session stopped offline",
        "session refused at 0",
        "session refused: ended",
        "mode changed while a session ran",
        "usage recorded and not counted",
        "soft resource in overage",
        "session began after waiting",
        "grant ended with a session running",
        "grant ended with units leased",
        "unit booked to an earlier tier",
        "payg charged",
        "units given back",
        "lease final",
        "next cycle leased ahead",
        "unit of a cycle that began offline",
        "cycle ended with units unused",
        "tokens charged",
        "tokens spent by two resources",
        "grant ended by an operator",
        "agent hello again after its session was lost",
        "hello after its sender gave up",
        "agent went on as another incarnation",
        "remainder of a fenced agent in custody",
        "recall answered",
        "ticket served",
        "ticket given up",
        "checkout refused",
        "capacity given back",
        "capacity given back after its grant's end",
        "lease key followed",
        "units learned from an agent's lease",
        "team learned",
        "lease learned while others' are awaited",
        "link compared with what it was",
        "units of a grant that the account had forgotten",
        "agent went on whose lease was signed by a forgotten key",
        "store put back by hand found out",
        "agent fenced again, waits for the operator",
        "session ended late, for what it ran",
        "lease keys followed over several at once",
        "checkout handed out offline",
        "disk copied into another machine",
        "sync while a copy is at work",
        "agent fenced while a copy is at work",
        "agent fenced again while a copy is at work",
        "agent allowed while a copy is at work",
        "usage of a copy counted",
        "usage of a copy never brought",
        "agent revoked",
        "agent written off as hold",
        "agent written off as count",
        "agent written off as release",
        "agent that was given up is heard again",
        "agent written off after its silence",
        "acknowledged events gone for the journal's budget",
        "agent retired",
        "lease of an agent that retired came back",
        "remainder handed over with its slot",
        "unit charged that several had filled",
    };
    return paths;
}

std::vector<std::string> Tally::unseen() const {
    std::vector<std::string> missing;
    for (const std::string& path : rare_paths())
        if (times(path) == 0) missing.push_back(path);
    return missing;
}

}  // namespace meterbox::sim
