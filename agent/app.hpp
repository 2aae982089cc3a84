// The agent as a whole: owns its parts, starts them in order and stops them in the reverse one.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "agent/fault_count.hpp"
#include "config/agent_config.hpp"
#include "core/error.hpp"

namespace boost::asio {
class io_context;
}
namespace meterbox::platform::system {
class Clock;
class Log;
class Random;
}  // namespace meterbox::platform::system

namespace meterbox::platform::sql {
enum class StorageFault;
}

namespace meterbox::agent {

class StoreFault;

// A file that the settings or the enrollment name can't be used: for the admin to mend, not for a restart.
struct WrongConfiguration : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class App {
public:
    // Opens the journal and what enrollment left. Throws WrongConfiguration, or std::runtime_error if it
    // can't start for another reason. Where the disk has failed again and again, something that answers 503
    // stands in for it until the journal can be used (agent/store_fault.hpp).
    App(boost::asio::io_context& loop, config::AgentConfig config, const platform::system::Clock& clock,
        platform::system::Random& random, platform::system::Log& log);
    ~App();
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    // Listens, and begins to talk to the account. Throws std::runtime_error if a socket can't be had.
    void start();
    // Takes no more requests, stores what runs, answers what was committed, lets everybody go. done: once,
    // within limits::drain_timeout_ms; the loop runs out of work soon after.
    void stop(std::function<void()> done);

private:
    class Parts;
    void open();
    void stand_in(const std::string& why);
    void end(platform::sql::StorageFault fault, const core::Error& error);

    boost::asio::io_context& loop_;
    config::AgentConfig config_;
    const platform::system::Clock& clock_;
    platform::system::Random& random_;
    platform::system::Log& log_;
    FaultCount faults_;
    std::unique_ptr<Parts> parts_;
    std::unique_ptr<StoreFault> stand_in_;
};

}  // namespace meterbox::agent
