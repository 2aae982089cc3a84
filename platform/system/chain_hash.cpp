#include "platform/system/chain_hash.hpp"

#include <sodium/core.h>
#include <sodium/crypto_generichash.h>

#include "core/assert.hpp"

namespace meterbox::platform::system {

struct ChainHasher::State {
    crypto_generichash_state hash;
};

namespace {
const unsigned char* raw(const void* bytes) {
    return static_cast<const unsigned char*>(bytes);
}
}  // namespace

// sodium_init() looks which of its implementations this processor can run; without it the slowest does.
ChainHasher::ChainHasher() : state_(std::make_unique<State>()) {
    METERBOX_ASSERT(sodium_init() >= 0);
}
ChainHasher::~ChainHasher() = default;

void ChainHasher::begin(const ChainHash& previous) {
    crypto_generichash_init(&state_->hash, nullptr, 0, sizeof(ChainHash));
    crypto_generichash_update(&state_->hash, raw(previous.data()), previous.size());
}

void ChainHasher::add(std::string_view bytes) {
    crypto_generichash_update(&state_->hash, raw(bytes.data()), bytes.size());
}

ChainHash ChainHasher::end() {
    ChainHash hash;
    crypto_generichash_final(&state_->hash, reinterpret_cast<unsigned char*>(hash.data()), hash.size());
    return hash;
}

std::string hex(const ChainHash& hash) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : hash) {
        text += digits[std::to_integer<unsigned>(byte) >> 4];
        text += digits[std::to_integer<unsigned>(byte) & 0xf];
    }
    return text;
}

}  // namespace meterbox::platform::system
