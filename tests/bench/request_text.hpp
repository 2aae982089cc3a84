// One HTTP request to send again and again: its text is made once, and each {id} in its body and
// headers is overwritten in place by a new id of 36 characters, random or counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace meterbox::bench {

class RequestText {
public:
    // headers: "Name: value". batch > 1: the body is a JSON array of so many copies.
    RequestText(const std::string& method, const std::string& path, const std::vector<std::string>& headers,
                std::string body, std::size_t batch, bool random_ids)
        : random_ids_(random_ids) {
        if (batch > 1) {
            std::string events;
            for (std::size_t i = 0; i < batch; ++i) {
                events += (i > 0 ? "," : "") + body;
            }
            body = "[" + events + "]";
        }
        body = with_places(body);
        text_ = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n";
        for (const std::string& header : headers) text_ += with_places(header) + "\r\n";
        if (!body.empty()) text_ += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        text_ += "\r\n" + body;
        for (std::size_t at = text_.find(place); at != text_.npos;
             at = text_.find(place, at + place.size())) {
            ids_.push_back(at);
        }
    }

    const std::string& next() {
        for (const std::size_t at : ids_) write_id(text_.data() + at);
        return text_;
    }

private:
    static constexpr std::string_view place = "{id.................................}";
    static_assert(place.size() == 37);

    static std::string with_places(std::string text) {
        for (std::size_t at = text.find("{id}"); at != text.npos; at = text.find("{id}", at + place.size())) {
            text.replace(at, 4, place);
        }
        return text;
    }

    void write_id(char* out) {
        static constexpr char digits[] = "0123456789abcdef";
        std::uint64_t high = random_ids_ ? random_() : run_;
        std::uint64_t low = random_ids_ ? random_() : sequence_++;
        for (std::size_t i = 0; i < 16; ++i, high >>= 4) out[15 - i] = digits[high & 15];
        out[16] = '-';
        for (std::size_t i = 0; i < 16; ++i, low >>= 4) out[32 - i] = digits[low & 15];
        std::memcpy(out + 33, "-mbx", 4);
    }

    bool random_ids_;
    std::mt19937_64 random_{std::random_device{}()};
    std::uint64_t run_ =
        static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    std::uint64_t sequence_ = 0;
    std::string text_;
    std::vector<std::size_t> ids_;
};

}  // namespace meterbox::bench
