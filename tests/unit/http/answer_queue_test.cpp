// The order of answers, and how many bytes are held for it, without sockets.
#include "platform/http/answer_queue.hpp"

#include "tests/support/catch.hpp"

using meterbox::platform::http::AnswerQueue;

namespace {

void answer(AnswerQueue& queue, std::uint64_t number, const std::string& text) {
    queue.write(number, [&](std::string& out) { out += text; });
    queue.finish(number);
}

}  // namespace

TEST_CASE("answers leave in the order in which they were opened, in whatever order they are given") {
    AnswerQueue queue;
    const auto a = queue.open({});
    const auto b = queue.open({});
    const auto c = queue.open({});
    answer(queue, c, "c");
    CHECK(queue.unsent().empty());
    CHECK(queue.unsent_bytes() == 1);
    CHECK_FALSE(queue.has_unsent());
    answer(queue, a, "a");
    CHECK(queue.unsent() == "a");
    answer(queue, b, "b");
    CHECK(queue.unsent() == "abc");
    CHECK(queue.owed() == 0);
    CHECK_FALSE(queue.is_open(b));
}

TEST_CASE("the first answer goes out in parts, one behind it only when the first is done") {
    AnswerQueue queue;
    const auto a = queue.open({});
    const auto b = queue.open({});
    queue.write(b, [](std::string& out) { out += "b1"; });
    queue.write(a, [](std::string& out) { out += "a1"; });
    CHECK(queue.unsent() == "a1");
    queue.finish(a);
    CHECK(queue.unsent() == "a1b1");
    queue.write(b, [](std::string& out) { out += "b2"; });
    CHECK(queue.unsent() == "a1b1b2");
    CHECK(queue.is_open(b));
}

TEST_CASE("what is forgotten is not owed, and its bytes are not counted") {
    AnswerQueue queue;
    const auto a = queue.open({});
    const auto b = queue.open({});
    const auto c = queue.open({});
    answer(queue, c, "ccc");
    queue.forget_behind(a);
    CHECK(queue.owed() == 1);
    CHECK(queue.unsent_bytes() == 0);
    CHECK_FALSE(queue.is_open(b));
    CHECK_FALSE(queue.is_open(c));
    answer(queue, a, "a");
    CHECK(queue.unsent() == "a");
}

TEST_CASE("a queue that never runs empty, read slowly, holds no more than what is unsent") {
    AnswerQueue queue;
    std::string expected;
    std::string received;
    std::uint64_t last = queue.open({});
    for (int i = 0; i < 5'000; ++i) {
        const std::string text(100 + i % 7, static_cast<char>('a' + i % 26));
        const auto next = queue.open({});
        answer(queue, last, text);
        expected += text;
        last = next;
        REQUIRE(queue.owed() == 1);
        const std::size_t some = std::min<std::size_t>(queue.unsent().size(), 90);
        received += queue.unsent().substr(0, some);
        queue.sent(some);
    }
    CHECK(queue.unsent_bytes() == expected.size() - received.size());
    received += queue.unsent();
    CHECK(received == expected);
}

TEST_CASE("bytes taken away to be written are unsent until they were sent") {
    AnswerQueue queue;
    answer(queue, queue.open({}), "first");
    queue.sent(2);
    CHECK(queue.take_unsent() == "rst");
    CHECK(queue.unsent().empty());
    CHECK(queue.has_unsent());
    answer(queue, queue.open({}), "second");
    queue.sent(3);
    CHECK(queue.unsent() == "second");
    CHECK(queue.unsent_bytes() == 6);
}
