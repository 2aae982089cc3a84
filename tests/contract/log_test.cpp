#include "platform/system/log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::platform::system;

namespace {

// A log into a file, and what it wrote.
struct Written {
    tests::TemporaryFolder folder;
    int descriptor = ::open((folder / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ~Written() { ::close(descriptor); }

    std::string text() const {
        std::ifstream file(folder / "log");
        std::stringstream all;
        all << file.rdbuf();
        return all.str();
    }
};

}  // namespace

TEST_CASE("a line names level, event and fields", "[log]") {
    CHECK(format_log_line(LogFormat::text, LogLevel::info, "sync.done",
                          {{"units", 3}, {"first", true}, {"to", "a"}},
                          {}) == "level=info event=sync.done units=3 first=true to=a\n");
    CHECK(format_log_line(LogFormat::json, LogLevel::warn, "sync.failed", {{"after_ms", -1}}, {}) ==
          "{\"level\":\"warn\",\"event\":\"sync.failed\",\"after_ms\":-1}\n");
}

TEST_CASE("text is quoted where it could be misread", "[log]") {
    const auto line = [](const char* text) {
        return format_log_line(LogFormat::text, LogLevel::info, "e", {{"k", text}}, {});
    };
    CHECK(line("two words") == "level=info event=e k=\"two words\"\n");
    CHECK(line("") == "level=info event=e k=\"\"\n");
    CHECK(line("a=b") == "level=info event=e k=\"a=b\"\n");
    CHECK(line("say \"x\\y\"") == "level=info event=e k=\"say \\\"x\\\\y\\\"\"\n");
}

TEST_CASE("no field can end its line or forge another", "[log]") {
    const std::string line = format_log_line(LogFormat::text, LogLevel::info, "e",
                                             {{"k", "x\nlevel=error event=forged\x1b[31m"}}, {});
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(line.find('\x1b') == std::string::npos);
    CHECK(line == "level=info event=e k=\"x\\nlevel=error event=forged\\u001b[31m\"\n");
}

TEST_CASE("a line in JSON is JSON whatever the field holds", "[log]") {
    std::string every;
    for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
    const std::string line =
        format_log_line(LogFormat::json, LogLevel::info, "e", {{"k", every}, {"u", "caf\xc3\xa9"}}, {});
    const boost::json::value parsed = boost::json::parse(line);
    CHECK(parsed.at("u").as_string() == "caf\xc3\xa9");
    CHECK(parsed.at("event").as_string() == "e");
}

TEST_CASE("a log writes what its level takes, and follows a change of level and format", "[log]") {
    Written written;
    Log log(LogLevel::info, LogFormat::text, nullptr, written.descriptor);
    log.debug("hidden");
    log.info("shown");
    log.set(LogLevel::error, LogFormat::json);
    log.warn("hidden");
    log.error("shown");
    CHECK(written.text() == "level=info event=shown\n{\"level\":\"error\",\"event\":\"shown\"}\n");
}

TEST_CASE("with a clock a line begins with its time", "[log]") {
    Written written;
    const tests::FakeClock clock({1'700'000'000'000});
    Log log(LogLevel::info, LogFormat::text, &clock, written.descriptor);
    log.info("shown");
    CHECK(written.text() == "time=2023-11-14T22:13:20Z level=info event=shown\n");
}

TEST_CASE("priorities are for the journal alone", "[log]") {
    Written written;
    struct stat status {};
    REQUIRE(::fstat(written.descriptor, &status) == 0);
    const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
    const tests::FakeClock clock;

    ::setenv("JOURNAL_STREAM", "1:1", 1);
    Log(LogLevel::info, LogFormat::text, nullptr, written.descriptor).info("elsewhere");
    ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
    Log(LogLevel::info, LogFormat::text, &clock, written.descriptor).error("here");
    ::unsetenv("JOURNAL_STREAM");
    CHECK(written.text() == "level=info event=elsewhere\n<3>level=error event=here\n");
}

TEST_CASE("lines of several threads don't mix", "[log]") {
    Written written;
    Log log(LogLevel::info, LogFormat::text, nullptr, written.descriptor);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&log] {
            for (int n = 0; n < 200; ++n) log.info("some.event", {{"detail", "a text of a few words"}});
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::istringstream lines(written.text());
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        REQUIRE(line == "level=info event=some.event detail=\"a text of a few words\"");
    }
    CHECK(count == 800);
}

TEST_CASE("a log whose reader reads nothing keeps nobody waiting, and says later how much was lost",
          "[log]") {
    int ends[2] = {};
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    constexpr int lines = 10'000;  // more than a pipe holds
    const std::string line = "level=info event=e k=" + std::string(50, 'x') + "\n";
    Log log(LogLevel::info, LogFormat::text, nullptr, ends[1]);
    for (int i = 0; i < lines; ++i) log.info("e", {{"k", std::string(50, 'x')}});
    std::string text;
    const auto read_all = [&] {
        REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
        std::string chunk(64 * 1024, ' ');
        for (ssize_t size = 0; (size = ::read(ends[0], chunk.data(), chunk.size())) > 0;)
            text.append(chunk, 0, static_cast<std::size_t>(size));
    };
    read_all();
    CHECK(text.size() % line.size() == 0);
    const std::size_t kept = text.size() / line.size();
    CHECK(kept < lines);
    text.clear();
    log.info("after");
    read_all();
    CHECK(text ==
          "level=warn event=log.lost lines=" + std::to_string(lines - kept) + "\nlevel=info event=after\n");
    text.clear();
    const std::string longer(100'000, 'x');  // than the pipe
    log.info("e", {{"k", longer}});
    read_all();
    CHECK(text.size() < longer.size());
    text.clear();
    log.info("after");
    read_all();
    CHECK(text == "\nlevel=warn event=log.lost lines=1\nlevel=info event=after\n");
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("levels and formats have names both ways", "[log]") {
    for (const LogLevel level : {LogLevel::error, LogLevel::warn, LogLevel::info, LogLevel::debug}) {
        CHECK(log_level_from(name_of(level)) == level);
    }
    CHECK_FALSE(log_level_from("loud").has_value());
    CHECK(log_format_from("json") == LogFormat::json);
    CHECK_FALSE(log_format_from("xml").has_value());
}

TEST_CASE("a state that stays is logged once", "[log]") {
    LogOnChange state;
    CHECK(state.changed("reachable"));
    CHECK_FALSE(state.changed("reachable"));
    CHECK(state.changed("unreachable"));
    CHECK(state.changed("reachable"));
}

TEST_CASE("an event at will is logged once an interval, with the number left out", "[log]") {
    LogLimit limit(1'000);
    CHECK(limit.admit({5'000}) == 0u);
    CHECK_FALSE(limit.admit({5'001}).has_value());
    CHECK_FALSE(limit.admit({5'999}).has_value());
    CHECK(limit.admit({6'000}) == 2u);
    CHECK_FALSE(limit.admit({6'001}).has_value());
}
