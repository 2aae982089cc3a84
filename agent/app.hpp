// The agent as a whole: owns its parts, starts them in order and stops them in the reverse one.
#pragma once

#include <functional>
#include <memory>
#include <string>

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

namespace meterbox::agent {

class App {
public:
    // Opens the journal and what enrollment left. Throws std::runtime_error if it can't start.
    App(boost::asio::io_context& loop, config::AgentConfig config, const platform::system::Clock& clock,
        platform::system::Random& random, platform::system::Log& log);
    ~App();
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    // Listens, and begins to talk to the account. Throws std::runtime_error if a socket can't be had.
    void start();
    // Stores what runs, lets everybody go. The loop runs out of work soon after.
    void stop();

private:
    class Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace meterbox::agent
