// Requests spoilt at random read as the same however their bytes are split, and nothing that is sent
// makes the reader do worse than refuse it.
#include "platform/http/request_reader.hpp"

#include <random>
#include <vector>

#include "tests/support/catch.hpp"

using namespace meterbox::platform::http;

namespace {

using Progress = RequestReader::Progress;

const std::vector<std::string> samples{
    "GET /v1/resources/render?x=%41 HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /v1/events HTTP/1.1\r\nContent-Type: a/b\r\nContent-Length: 11\r\n\r\n{\"id\":\"77\"}",
    "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4;x=\"y\"\r\nWiki\r\n5\r\npedia\r\n0\r\nT: "
    "u\r\n\r\n",
    "HEAD /%7e HTTP/1.0\r\nConnection: keep-alive\r\nX: a,\r\n b\r\n\r\n",
    "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 90\r\n\r\n" + std::string(90, 'x'),
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3c\r\n" + std::string(60, 'y') + "\r\n0\r\n\r\n",
    "\r\nDELETE /v1/sessions/a HTTP/1.1\r\nLong: " + std::string(150, 'l') + "\r\n\r\n",
};

std::string spoilt(std::string text, std::mt19937_64& random) {
    static const std::string bytes = "\r\n:;,% \t0159afxAZ/\\\"{}\x01\x7f\xff" + std::string(1, '\0');
    for (std::size_t times = random() % 4; times > 0 && !text.empty(); --times) {
        const std::size_t at = random() % text.size();
        switch (random() % 4) {
            case 0:
                text[at] = bytes[random() % bytes.size()];
                break;
            case 1:
                text.insert(at, 1, bytes[random() % bytes.size()]);
                break;
            case 2:
                text.erase(at, 1 + random() % 5);
                break;
            default:
                text.insert(at, text.substr(random() % text.size(), random() % 20));
        }
    }
    return text;
}

// What is read of the text when it comes in pieces of these sizes (again and again).
std::vector<std::string> read_in(const std::string& text, const std::vector<std::size_t>& pieces) {
    Limits limits;
    limits.header_bytes_max = 200;
    limits.body_bytes_max = 50;
    limits.dropped_body_bytes_max = 500;
    const Peer peer;
    RequestReader reader(limits);
    std::vector<std::string> seen;
    std::string pending;
    std::size_t sent = 0;
    for (std::size_t i = 0; sent < text.size(); ++i) {
        const std::size_t size = std::min(pieces[i % pieces.size()], text.size() - sent);
        pending += text.substr(sent, size);
        sent += size;
        std::string_view input = pending;
        bool goes_on = true;
        while (goes_on) {
            switch (reader.read(input)) {
                case Progress::need_more:
                    goes_on = false;
                    break;
                case Progress::complete: {
                    const Request& request = reader.request(peer);
                    seen.push_back(reader.is_oversized()
                                       ? "too long"
                                       : std::string(request.method()) + " " + std::string(request.path()) +
                                             " " + std::string(request.body()));
                    reader.reset();
                    break;
                }
                case Progress::bad:
                    seen.emplace_back("refused");
                    return seen;
                case Progress::head:
                case Progress::oversized:
                    break;
            }
        }
        pending = std::string(input);
    }
    return seen;
}

}  // namespace

TEST_CASE("what a request reads as doesn't depend on how its bytes were split") {
    std::mt19937_64 random(20'261'123);
    std::size_t refused = 0;
    std::size_t complete = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text;
        for (std::size_t i = 1 + random() % 3; i > 0; --i) {
            text += spoilt(samples[random() % samples.size()], random);
        }
        text += "\r\n\r\n";  // the parser looks at the lines of a header that came in parts once it has ended
        const auto whole = read_in(text, {text.size() + 1});
        INFO("round " << round << ": " << text);
        REQUIRE(read_in(text, {1}) == whole);
        REQUIRE(read_in(text, {1 + random() % 40, 1 + random() % 9, 1 + random() % 90}) == whole);
        for (const std::string& one : whole) ++(one == "refused" ? refused : complete);
    }
    CHECK(refused > 1'000);
    CHECK(complete > 1'000);
}

TEST_CASE("a body of chunks without any is read wherever it is split") {
    const std::string text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for (std::size_t first = 1; first < text.size(); ++first) {
        INFO(first);
        CHECK(read_in(text, {first, 1}) == std::vector<std::string>{"POST / "});
    }
}

TEST_CASE("a chunk that is announced as too large is refused before it comes") {
    for (const std::string size : {"ffffffffffffffff", "7fffffffffffffff", "100001"}) {
        const Limits limits;
        RequestReader reader(limits);
        const std::string text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + size + "\r\n";
        std::string_view input = text;
        REQUIRE(reader.read(input) == Progress::head);
        CHECK(reader.read(input) == Progress::oversized);
        CHECK(reader.error().code == meterbox::core::ErrorCode::too_large);
        CHECK(reader.can_read_past() == (size == "100001"));
    }
}
