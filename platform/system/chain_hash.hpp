// The hash of the journal's chain: BLAKE2b with 32 bytes. It takes what a commit writes as it is written,
// so that nothing is kept for it; which bytes those are is core's (core/chain.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace meterbox::platform::system {

using ChainHash = std::array<std::byte, 32>;

class ChainHasher {
public:
    ChainHasher();
    ~ChainHasher();
    ChainHasher(const ChainHasher&) = delete;
    ChainHasher& operator=(const ChainHasher&) = delete;

    // In this order: begin(), add() as often as needed, end(). begin() also gives up what was begun.
    void begin(const ChainHash& previous);
    void add(std::string_view bytes);
    ChainHash end();

private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string hex(const ChainHash& hash);

}  // namespace meterbox::platform::system
