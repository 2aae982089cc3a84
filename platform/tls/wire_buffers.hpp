// The two queues between TLS records and the wire. Small while little happens: an engine that idles
// with a read pending holds limits::tls_input_bytes_idle, and nothing for output. Internal to platform/tls.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace meterbox::platform::tls {

class InputBuffer {
public:
    // Where the next bytes go; only while it is empty.
    std::span<std::byte> space();
    void received(std::size_t count);
    bool empty() const { return begin_ == end_; }
    std::size_t take(unsigned char* to, std::size_t count_max);

private:
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t wanted_ = 0;  // of the next space()
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

// Bytes are added while earlier ones are on their way: the span given out never moves until it is sent.
class OutputBuffer {
public:
    void reserve(std::size_t count) { adding_.reserve(adding_.size() + count); }
    void add(const unsigned char* bytes, std::size_t count);
    std::span<const std::byte> pending();
    void sent(std::size_t count);
    bool empty() const { return adding_.empty() && sending_.empty(); }
    std::size_t size() const { return adding_.size() + sending_.size() - sent_; }

private:
    std::vector<std::byte> adding_;
    std::vector<std::byte> sending_;
    std::size_t sent_ = 0;
};

}  // namespace meterbox::platform::tls
