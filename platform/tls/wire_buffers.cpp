#include "platform/tls/wire_buffers.hpp"

#include <algorithm>
#include <cstring>

#include "core/assert.hpp"
#include "core/limits.hpp"

namespace meterbox::platform::tls {
namespace limits = core::limits;

std::span<std::byte> InputBuffer::space() {
    METERBOX_ASSERT(empty());
    // The first is large: a handshake comes in few, long flights.
    const std::size_t wanted = wanted_ == 0 ? limits::tls_input_bytes_max : wanted_;
    if (wanted != capacity_) {
        bytes_ = std::make_unique_for_overwrite<std::byte[]>(wanted);
        capacity_ = wanted;
    }
    begin_ = end_ = 0;
    return {bytes_.get(), capacity_};
}

void InputBuffer::received(std::size_t count) {
    METERBOX_ASSERT(empty() && count <= capacity_);
    begin_ = 0;
    end_ = count;
    if (count == capacity_) wanted_ = limits::tls_input_bytes_max;
    if (count < limits::tls_input_bytes_idle) wanted_ = limits::tls_input_bytes_idle;
}

std::size_t InputBuffer::take(unsigned char* to, std::size_t count_max) {
    const std::size_t count = std::min(count_max, end_ - begin_);
    std::memcpy(to, bytes_.get() + begin_, count);
    begin_ += count;
    if (empty() && capacity_ > limits::tls_input_bytes_idle) {  // nothing may come for hours
        bytes_.reset();
        capacity_ = 0;
    }
    return count;
}

void OutputBuffer::add(const unsigned char* bytes, std::size_t count) {
    const auto* const begin = reinterpret_cast<const std::byte*>(bytes);
    adding_.insert(adding_.end(), begin, begin + count);
}

std::span<const std::byte> OutputBuffer::pending() {
    if (sending_.empty()) std::swap(sending_, adding_);
    return std::span<const std::byte>(sending_).subspan(sent_);
}

void OutputBuffer::sent(std::size_t count) {
    METERBOX_ASSERT(count <= sending_.size() - sent_);
    sent_ += count;
    if (sent_ < sending_.size()) return;
    sent_ = 0;
    sending_ = {};
}

}  // namespace meterbox::platform::tls
