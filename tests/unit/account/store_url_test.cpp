// What --store may name, and what whoever lists processes must not see.
#include "account/store_url.hpp"

#include "tests/support/catch.hpp"

using namespace meterbox::account;

TEST_CASE("a folder is no URL") {
    CHECK_FALSE(is_url("/var/lib/meterbox-account"));
    CHECK(is_postgres_url("postgresql://db/meterbox"));
    CHECK(is_postgres_url("postgres://db/meterbox"));
    CHECK_FALSE(is_postgres_url("mysql://db/meterbox"));
}

TEST_CASE("a password in a URL is found, wherever it is") {
    const char* with = GENERATE("postgresql://me:secret@db/meterbox", "postgresql://me:secret@db",
                                "postgresql://:secret@/x?host=/run", "postgresql://db/x?password=secret",
                                "postgresql://db/x?user=me&password=secret",
                                "postgresql:///?p%61ssword=secret", "postgresql://db?a=b&sslpassword=secret");
    INFO(with);
    CHECK(holds_password(with));
}

TEST_CASE("a port, an address and a user are no password") {
    const char* without = GENERATE("postgresql://me@db:5432/meterbox", "postgresql://db:5432/meterbox",
                                   "postgresql://[::1]:5432/x", "postgresql:///x?host=/run&user=me:too",
                                   "postgresql://db/x?application_name=me@home:1", "postgresql://");
    INFO(without);
    CHECK_FALSE(holds_password(without));
}
