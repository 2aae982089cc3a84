// A journal that is damaged, on a real disk: it is set aside with its log and a new one begun, which is
// suspected, knows what its witness knew, and stays so until hello was answered.
#include <filesystem>
#include <fstream>

#include "agent/journal.hpp"
#include "agent/journal_schema.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/journal_builders.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using agent::Journal;
namespace fs = std::filesystem;

namespace {

struct Ended {
    platform::sqlite::StorageFault fault;
};

struct Disk {
    tests::TemporaryFolder folder;
    fs::path path = folder / "journal.db";

    void fill() const {
        Journal journal(path);
        tests::transaction(journal, [&] { journal.describe({tests::render()}); });
        tests::transaction(journal, [&] {
            journal.take_lease(tests::lease(100), tests::journal_now());
            journal.set_meta("lease_number", "9");
            journal.set_meta("incarnation", "3");
        });
        for (int i = 0; i < 10; ++i)
            tests::transaction(journal, [&] {
                for (int j = 1; j <= 20; ++j)
                    REQUIRE(journal.report(std::vector{tests::event(20 * i + j, 100)}, tests::journal_now()));
            });
    }
    void overwrite(std::int64_t at, std::size_t count) const {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(at);
        file << std::string(count, '\xa5');
    }
    std::string bytes(const fs::path& of) const {
        std::ifstream file(of, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

}  // namespace

TEST_CASE("a damaged journal is set aside as it was, and the new one knows what the witness knew") {
    const Disk disk;
    disk.fill();
    disk.overwrite(0, 4096);
    const std::string damaged = disk.bytes(disk.path);
    for (int start = 0; start < 2; ++start) {
        const Journal journal(disk.path);
        REQUIRE(journal.suspicion());
        CHECK(journal.suspicion()->cause == agent::Suspicion::Cause::set_aside);
        CHECK(journal.suspicion()->detail.find("journal.db.damaged-1") != std::string::npos);
        CHECK(journal.suspicion()->detail.find("render: 20000 metered, 20 units used") != std::string::npos);
        CHECK(journal.meta().at("incarnation") == "3");
        CHECK(journal.meta().at("lease_number") == "9");
        CHECK(journal.high_water() == tests::journal_noon);
        CHECK(journal.ledgers().empty());
    }
    CHECK(disk.bytes(disk.folder / "journal.db.damaged-1") == damaged);
    Journal journal(disk.path);
    tests::transaction(journal, [&] { journal.dispel_suspicion(); });
    CHECK_FALSE(Journal(disk.folder / "other.db").suspicion());
}

TEST_CASE("once hello was answered the new journal is trusted, and still says what was lost") {
    const Disk disk;
    disk.fill();
    disk.overwrite(0, 100);
    {
        Journal journal(disk.path);
        tests::transaction(journal, [&] { journal.dispel_suspicion(); });
    }
    const Journal journal(disk.path);
    CHECK_FALSE(journal.suspicion());
    CHECK(journal.meta().at("damage").find("20 units used") != std::string::npos);
}

TEST_CASE("a journal whose tables contradict each other is set aside as damaged, and no bug") {
    // Fill used 20 units of 100 leased, of 20'000 that were metered.
    const std::pair<const char*, const char*> edits[] = {
        {"UPDATE resource SET metered = metered - 1000", "render has used more units than were completed"},
        {"UPDATE resource SET unit_size = 5000", "render has used more units than were completed"},
        {"UPDATE resource SET unit_size = 0", "render has used more units than were completed"},
        {"UPDATE resource SET metered = -1", "render has used more units than were completed"},
        {"UPDATE tranche SET used = 21", "render has used more units than were completed"},
        {"UPDATE tranche SET used = 9223372036854775807", "more units than were completed"},
        {"UPDATE tranche SET used = -1", "t1 has used or returned more than it was granted"},
        {"UPDATE tranche SET granted = 19", "t1 has used or returned more than it was granted"},
        {"UPDATE tranche SET returned = 81", "t1 has used or returned more than it was granted"},
        {"UPDATE tranche SET tier = 'gold'", "t1 has used or returned more than it was granted"},
        {"UPDATE resource SET kind = 'x'", "nothing can be metered as resource render says"},
        {"UPDATE resource SET measure = 'x'", "nothing can be metered as resource render says"},
        {"UPDATE resource SET enforcement = 'x'", "nothing can be metered as resource render says"},
    };
    for (const auto& [sql, word] : edits) {
        CAPTURE(sql);
        const Disk disk;
        disk.fill();
        {
            const auto connection =
                platform::sqlite::Connection::open({disk.path, agent::journal_application_id}).value();
            REQUIRE(connection->execute("PRAGMA ignore_check_constraints = 1"));
            REQUIRE(connection->execute(sql));
        }
        const Journal journal(disk.path);
        CHECK(journal.ledgers().empty());
        CHECK(fs::exists(disk.folder / "journal.db.damaged-1"));
        REQUIRE(journal.suspicion());
        CHECK(journal.suspicion()->detail.find(word) != std::string::npos);
        CHECK(journal.suspicion()->detail.find("20000 metered, 20 units used") != std::string::npos);
    }
}

TEST_CASE("without its witness a new journal in place of a damaged one is suspected all the same") {
    const Disk disk;
    disk.fill();
    disk.overwrite(0, 4096);
    fs::remove(disk.folder / "journal.db-witness");
    const Journal journal(disk.path);
    REQUIRE(journal.suspicion());
    CHECK(journal.suspicion()->detail.find("nothing is known") != std::string::npos);
}

TEST_CASE("a process that ended between setting aside and beginning anew loses no suspicion") {
    const Disk disk;
    disk.fill();
    fs::remove(disk.folder / "journal.db-witness");
    REQUIRE(agent::set_aside(disk.path));
    const Journal journal(disk.path);
    CHECK(journal.suspicion());
}

TEST_CASE("the log of a damaged journal goes with it and is never read into the new one") {
    const Disk disk;
    disk.fill();
    {
        Journal journal(disk.path);
        tests::transaction(journal, [&] {
            REQUIRE(journal.report(std::vector{tests::event(999, 100)}, tests::journal_now()));
        });
        fs::copy_file(disk.path.string() + "-wal", disk.folder / "log");
    }
    fs::copy_file(disk.folder / "log", disk.path.string() + "-wal", fs::copy_options::overwrite_existing);
    disk.overwrite(0, 100);
    const std::string log = disk.bytes(disk.folder / "log");
    const std::string damaged = disk.bytes(disk.path);
    const Journal journal(disk.path);
    CHECK(journal.ledgers().empty());
    CHECK(disk.bytes(disk.folder / "journal.db.damaged-1") == damaged);
    CHECK(disk.bytes(disk.folder / "journal.db.damaged-1-wal") == log);
}

TEST_CASE("damage that is met while the journal is in use ends the process with the file set aside") {
    const Disk disk;
    disk.fill();
    agent::JournalHooks hooks;
    hooks.end = [](platform::sqlite::StorageFault fault, const core::Error&) { throw Ended{fault}; };
    Journal journal(disk.path, hooks);
    // The pages of events beyond the first ones: a start doesn't read them.
    const auto page = journal.connection().number("SELECT rootpage FROM sqlite_schema WHERE name = 'event'");
    disk.overwrite((*page - 1) * 4096, 4096);
    (void)journal.connection().execute("PRAGMA shrink_memory");
    (void)journal.connection().number("SELECT count(*) FROM event");
    REQUIRE(journal.connection().damaged());
    try {
        (void)journal.begin();
        FAIL("it went on");
    } catch (const Ended& ended) {
        CHECK(ended.fault == platform::sqlite::StorageFault::corrupt);
    }
    CHECK_FALSE(fs::exists(disk.path));
    CHECK(fs::exists(disk.folder / "journal.db.damaged-1"));
}

TEST_CASE("of journals that were set aside none is deleted") {
    const Disk disk;
    for (int number = 1; number <= 4; ++number) {
        { std::ofstream(disk.path, std::ios::binary) << std::string(8192, static_cast<char>('a' + number)); }
        const Journal journal(disk.path);
    }
    CHECK(agent::journals_set_aside(disk.path) ==
          std::vector<std::string>{"journal.db.damaged-1", "journal.db.damaged-2", "journal.db.damaged-3",
                                   "journal.db.damaged-4"});
    CHECK(disk.bytes(disk.folder / "journal.db.damaged-1") == std::string(8192, 'b'));
}

TEST_CASE("a journal that is another program's or newer is refused, and left where it is") {
    const Disk disk;
    { auto other = platform::sqlite::Connection::open({disk.path, 4711}).value(); }
    CHECK_THROWS_AS(Journal(disk.path), std::runtime_error);
    CHECK(fs::exists(disk.path));
    CHECK(agent::journals_set_aside(disk.path).empty());
}
