// An answer reads as the same however its bytes are split.
#include "platform/http/response_reader.hpp"

#include <string>

#include "tests/support/catch.hpp"

using namespace meterbox::platform::http;

TEST_CASE("an answer whose body has no chunk is read wherever it is split") {
    const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for (std::size_t first = 1; first < text.size(); ++first) {
        for (std::size_t second = first; second < text.size(); ++second) {
            INFO(first << ", " << second);
            ResponseReader reader(false, 100);
            REQUIRE(reader.take(text.substr(0, first)));
            REQUIRE(reader.take(text.substr(first, second - first)));
            REQUIRE(reader.take(text.substr(second)));
            CHECK(reader.is_complete());
            CHECK(reader.response().status == 200);
        }
    }
}
