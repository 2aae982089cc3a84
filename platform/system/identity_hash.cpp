#include "platform/system/identity_hash.hpp"

#include <sodium/crypto_shorthash.h>
#include <sodium/crypto_shorthash_siphash24.h>

#include <string>

namespace meterbox::platform::system {
namespace {

static_assert(crypto_shorthash_siphashx24_BYTES == sizeof(core::IdentityHash));
static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof(HashKey));
static_assert(crypto_shorthash_siphash24_KEYBYTES == sizeof(HashKey));

// The bytes are part of the stored format: little-endian, each text after its length in 4 bytes.
class Frame {
public:
    explicit Frame(std::size_t texts) { bytes_.reserve(texts + 32); }

    Frame& add_number(std::uint64_t value, int width) {
        for (int i = 0; i < width; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xff);
        return *this;
    }
    Frame& add_text(std::string_view text) {
        add_number(text.size(), 4);
        bytes_ += text;
        return *this;
    }
    const unsigned char* data() const { return reinterpret_cast<const unsigned char*>(bytes_.data()); }
    std::size_t size() const { return bytes_.size(); }

private:
    std::string bytes_;
};

const unsigned char* raw(const HashKey& key) {
    return reinterpret_cast<const unsigned char*>(key.data());
}

}  // namespace

core::IdentityHash IdentityHasher::identity(std::uint32_t uid, std::string_view source,
                                            std::string_view id) const {
    Frame frame(source.size() + id.size());
    frame.add_number(uid, 4).add_text(source).add_text(id);
    core::IdentityHash hash;
    crypto_shorthash_siphashx24(reinterpret_cast<unsigned char*>(hash.bytes.data()), frame.data(),
                                frame.size(), raw(key_));
    return hash;
}

std::uint64_t IdentityHasher::contents(const core::UsageEvent& event) const {
    Frame frame(event.type.size() + event.subject.size() + event.time_as_sent.size());
    frame.add_text(event.type).add_text(event.subject).add_text(event.time_as_sent);
    frame.add_number(event.measure == core::Measure::duration ? 0 : 1, 1);
    frame.add_number(static_cast<std::uint64_t>(event.amount.value()), 8);
    std::array<unsigned char, crypto_shorthash_siphash24_BYTES> digest;
    crypto_shorthash_siphash24(digest.data(), frame.data(), frame.size(), raw(key_));
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < digest.size(); ++i) hash |= std::uint64_t{digest[i]} << (8 * i);
    return hash;
}

}  // namespace meterbox::platform::system
