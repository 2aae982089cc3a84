// A backup that is made while agents sync: whole, and of one moment.
#include "account/backup.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <fstream>

#include "account/audit.hpp"
#include "fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct Busy : AccountFixture {
    Busy() {
        team_with("lab", "render");
        free_grant("lab", "render", 1'000);
        one = agent("lab");
        said.session = session("lab", one);
    }
    void complete_unit() {
        ++used;
        said.request_number = used;
        core::wire::TrancheCounters slots{
            "t1", core::Units{used - 1}, {}, {{{472'222}, core::Units{used - 1}}}};
        said.resources = {counters("render", (used - 1) * 1'000, 0, 1, {slots})};
        REQUIRE(sync("lab", one, said));
    }

    std::string one;
    core::wire::SyncRequest said;
    std::int64_t used = 0;
};

// Which names left a folder since this was made.
class Watch {
public:
    explicit Watch(const std::filesystem::path& folder)
        : descriptor_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
        REQUIRE(::inotify_add_watch(descriptor_, folder.c_str(), IN_MOVED_FROM | IN_DELETE) >= 0);
    }
    ~Watch() { ::close(descriptor_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    std::vector<std::string> gone() const {
        std::vector<std::string> names;
        alignas(inotify_event) char bytes[16 * 1024];
        const ssize_t count = ::read(descriptor_, bytes, sizeof bytes);
        for (ssize_t at = 0; at < count;) {
            const auto* event = reinterpret_cast<const inotify_event*>(bytes + at);
            names.emplace_back(event->name);
            at += static_cast<ssize_t>(sizeof *event + event->len);
        }
        return names;
    }

private:
    int descriptor_;
};

}  // namespace

TEST_CASE_METHOD(Busy, "a backup in pieces is whole, and of the moment of its last one", "[folder]") {
    TemporaryFolder elsewhere;
    account::Backup backup(elsewhere.path() / "backup.db");
    int pieces = 0;
    for (bool more = true; more; ++pieces) {
        complete_unit();
        const auto gone_on = backup.go_on(store(), [] { return true; });
        REQUIRE(gone_on);
        more = *gone_on;
    }
    CHECK(pieces > 1);
    const std::int64_t entries = account::audit(database(), "lab", clock.wall_now()).entries;
    complete_unit();

    REQUIRE(account::restore(elsewhere.path() / "restored", elsewhere.path() / "backup.db", clock));
    const auto restored = account::Store::open(elsewhere.path() / "restored", clock, random);
    REQUIRE(restored);
    const account::AuditReport report = account::audit((*restored)->database(), "lab", clock.wall_now());
    CHECK(report.differences == std::vector<std::string>{});
    CHECK(report.entries == entries);
}

TEST_CASE_METHOD(Busy, "a backup that is given up leaves nothing behind", "[folder]") {
    TemporaryFolder elsewhere;
    {
        account::Backup backup(elsewhere.path() / "backup.db");
        REQUIRE(backup.go_on(store(), [] { return true; }).value());
    }
    CHECK(std::filesystem::is_empty(elsewhere.path()));
    complete_unit();
    CHECK(account::audit(database(), "lab", clock.wall_now()).ok());
}

TEST_CASE_METHOD(Busy, "while a backup is put in its place the folder is never without a store", "[folder]") {
    TemporaryFolder elsewhere;
    const std::filesystem::path folder = elsewhere.path() / "restored";
    const std::filesystem::path file = elsewhere.path() / "backup.db";
    complete_unit();
    REQUIRE(account::back_up(store(), file));
    REQUIRE(account::restore(folder, file, clock));

    SECTION("that can be read") {}
    SECTION("that is damaged, with the log beside it") {
        std::ofstream(folder / "account.db") << "no database";
        std::ofstream(folder / "account.db-wal") << "a log";
    }
    const Watch watch(folder);
    REQUIRE(account::restore(folder, file, clock));
    const auto gone = watch.gone();
    CHECK_THAT(gone, Catch::Matchers::VectorContains(std::string("account.db.restored")));
    CHECK_THAT(gone, !Catch::Matchers::VectorContains(std::string("account.db")));
    const auto aside = folder / ("account.db.before-" + std::to_string(clock.wall_now().ms));
    CHECK(std::filesystem::exists(aside));
    CHECK(std::filesystem::hard_link_count(aside) == 1);
    CHECK_FALSE(std::filesystem::exists(folder / "account.db-wal"));
    REQUIRE(account::Store::open(folder, clock, random));
}
