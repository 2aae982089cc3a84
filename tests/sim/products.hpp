// The products of one machine: in bouts of work they report usage and run sessions. They retry what they
// heard no answer to, under the same id, and send some of it again though they did. Some give up without
// a word.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/sim/book.hpp"
#include "tests/sim/sim_agent.hpp"
#include "tests/sim/world.hpp"

namespace meterbox::sim {

class Products {
public:
    Products(World& world, SimAgent& machine, std::size_t index);

    void start() { rest(); }
    void stop() { stopped_ = true; }  // for good, without a word
    const Book& book() const { return book_; }

private:
    void after(std::int64_t ms, std::function<void()> then);
    void rest();
    void work(core::UtcTime until);
    void report();
    void note_mode(const std::vector<std::string>& ids);
    void send(const std::vector<std::string>& ids, int attempt);
    void answered(const std::vector<std::string>& ids, int attempt, bool known,
                  const core::Result<agent::ReportOutcome>& outcome);
    void open_session();
    void ask(const std::string& id, std::int64_t runs_ms);
    void refused(const KnownSession& session, const core::Error& why, std::int64_t waited_ms,
                 bool out_of_reach);
    void ask_again(const std::string& id, std::int64_t runs_ms);
    void hang_up(const std::string& id);
    void keep(const std::string& id, core::UtcTime until);
    void beat(const std::string& id, core::UtcTime until);
    void end(const std::string& id);
    void look_back(const std::string& id);
    void note_end(const std::string& id, const agent::SessionView& view, bool ended_now);
    bool hears_nothing();

    World& world_;
    SimAgent& machine_;
    Dice dice_;
    std::string prefix_;
    Book book_;
    int numbered_ = 0;
    bool stopped_ = false;
};

}  // namespace meterbox::sim
