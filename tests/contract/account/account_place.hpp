// Where a test's account keeps its store: a folder of its own; or, when METERBOX_TEST_DATABASE names a
// PostgreSQL (tests/support/postgres.py), a database of its own in there.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "account/schema.hpp"
#include "account/store.hpp"
#include "platform/postgres/connection.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

namespace meterbox::tests {

class AccountPlace {
public:
    AccountPlace() {
        const char* const server = std::getenv("METERBOX_TEST_DATABASE");
        if (server == nullptr) return;
        server_ = server;
        if (!unused().empty()) {
            name_ = unused().back();
            unused().pop_back();
            return;
        }
        static int made = 0;
        name_ = "meterbox_" + std::to_string(::getpid()) + "_" + std::to_string(++made);
        on_server("CREATE DATABASE " + name_ + " TEMPLATE template0");
    }
    ~AccountPlace() {
        if (shared() && emptied()) unused().push_back(name_);
    }
    AccountPlace(const AccountPlace&) = delete;
    AccountPlace& operator=(const AccountPlace&) = delete;

    bool shared() const { return !server_.empty(); }
    std::filesystem::path folder() const { return folder_.path() / "store"; }
    std::string url() const {
        std::string url = server_;
        return url.replace(url.find("/postgres?"), 10, "/" + name_ + "?");
    }
    std::unique_ptr<account::Store> open(platform::system::Clock& clock,
                                         platform::system::Random& random) const {
        auto opened = shared() ? account::Store::open_database(url(), clock, random)
                               : account::Store::open(folder(), clock, random);
        INFO((opened ? "" : opened.error().detail));
        REQUIRE(opened);
        return std::move(*opened);
    }

    // As it is now, and back to that, once, as a copy is put back by hand. Nobody has it open.
    void copy() const {
        if (shared()) return on_server("CREATE DATABASE " + name_ + "_copy TEMPLATE " + name_);
        std::filesystem::copy(folder(), kept_copy(), std::filesystem::copy_options::recursive);
    }
    void put_back() const {
        if (shared()) {
            on_server("DROP DATABASE " + name_);
            return on_server("ALTER DATABASE " + name_ + "_copy RENAME TO " + name_);
        }
        std::filesystem::remove_all(folder());
        std::filesystem::rename(kept_copy(), folder());
    }

private:
    std::filesystem::path kept_copy() const { return folder_.path() / "copy of the store"; }
    // Databases of tests that are over: emptying one takes less time than making it.
    static std::vector<std::string>& unused() {
        static std::vector<std::string> names;
        return names;
    }
    // Not one whose tables a test has changed: it goes with the server.
    bool emptied() const {
        const auto connection = platform::postgres::Connection::open({url(), account::schema_name, ""});
        if (!connection) return false;
        constexpr std::int64_t triggers_of_the_schema = 6;
        const auto triggers = (*connection)->number("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal");
        if (!triggers || *triggers != triggers_of_the_schema) return false;
        const auto version = (*connection)->number("SELECT version FROM schema_version");
        if (!version || *version != account::migrations().back().version) return false;
        return (*connection)
            ->execute(
                "DO $$BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(oid::regclass::text, ', ') || "
                "' RESTART IDENTITY' FROM pg_class WHERE relnamespace = 'meterbox'::regnamespace AND "
                "relkind = 'r' AND relname <> 'schema_version'); END$$")
            .has_value();
    }
    void on_server(const std::string& sql) const {
        const auto connection = platform::postgres::Connection::open({server_, "public", ""});
        const auto done = connection ? (*connection)->execute(sql) : connection.error();
        INFO((done ? "" : done.error().detail));
        CHECK(done);
    }

    TemporaryFolder folder_;
    std::string server_;
    std::string name_;
};

}  // namespace meterbox::tests
