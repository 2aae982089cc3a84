// Who may read what on the admin port: tokens, cookies, teams, and pages of other sites.
#include "account/admin_access.hpp"

#include "account/sign_in_limit.hpp"
#include "admin_fixture.hpp"
#include "core/account_limits.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct SignIn : AdminPort {
    HttpAnswer sign_in(const std::string& token, const std::string& headers = "") {
        return ask("POST", "/v1/sign-in", "Content-Type: application/json\r\n" + headers,
                   R"({"token":")" + token + R"("})");
    }
    // "NAME=VALUE", as a browser sends it back.
    static std::string cookie_of(const HttpAnswer& answer) {
        const auto begin = answer.head.find("Set-Cookie: ") + 12;
        return answer.head.substr(begin, answer.head.find(';', begin) - begin);
    }
    HttpAnswer with_cookie(const std::string& path, const std::string& cookie) {
        return ask("GET", path, "Cookie: theme=dark; " + cookie + "\r\n");
    }
};

const std::vector<std::string> team_paths{"cards", "usage", "agents", "invoices"};

}  // namespace

TEST_CASE_METHOD(SignIn, "a team's token reads that team alone, from both sides") {
    const std::string lab = admin_token("lab");
    const std::string other = admin_token("other");
    for (const std::string& what : team_paths) {
        INFO(what);
        CHECK(get("/v1/teams/lab/" + what, lab).status == 200);
        CHECK(get("/v1/teams/other/" + what, other).status == 200);
        CHECK(error_name(get("/v1/teams/other/" + what, lab)) == "forbidden");
        CHECK(error_name(get("/v1/teams/lab/" + what, other)) == "forbidden");
        CHECK(error_name(get("/v1/teams/nobody/" + what, lab)) == "forbidden");  // nor whether there is one
        for (const std::string& all : {operators, admin_token("")}) {
            CHECK(get("/v1/teams/lab/" + what, all).status == 200);
            CHECK(error_name(get("/v1/teams/nobody/" + what, all)) == "not-found");
        }
    }
    CHECK(get("/v1/teams", lab).body.find("other") == std::string::npos);
    CHECK(got("/v1/teams").at("teams").as_array().size() == 2);
}

TEST_CASE_METHOD(SignIn, "the scheme of a token is taken in any case, and none but Bearer") {
    for (const std::string scheme : {"Bearer", "bearer", "BEARER", "bearer  "})
        CHECK(ask("GET", "/v1/teams", "Authorization: " + scheme + " " + operators + "\r\n").status == 200);
    for (const std::string scheme : {"Basic ", "bearers ", "bearer", ""})
        CHECK(ask("GET", "/v1/teams", "Authorization: " + scheme + operators + "\r\n").status == 401);
}

TEST_CASE_METHOD(SignIn, "a cookie reads what the token that signed in reads") {
    for (const std::string& team : std::vector<std::string>{"lab", "other"}) {
        const HttpAnswer answer = sign_in(admin_token(team));
        REQUIRE(answer.status == 200);
        CHECK(core::parse_json(answer.body)->at("team") == boost::json::value(team));
        const std::string cookie = cookie_of(answer);
        const std::string theirs = team == "lab" ? "other" : "lab";
        CHECK(with_cookie("/v1/teams/" + team + "/cards", cookie).status == 200);
        CHECK(with_cookie("/v1/teams/" + theirs + "/cards", cookie).status == 403);
        CHECK(with_cookie("/v1/teams", cookie).body.find(theirs) == std::string::npos);
    }
    const HttpAnswer all = sign_in(operators);
    CHECK(core::parse_json(all.body)->at("team").is_null());
    CHECK(with_cookie("/v1/teams/lab/cards", cookie_of(all)).status == 200);
    CHECK(with_cookie("/v1/teams/other/cards", cookie_of(all)).status == 200);
}

TEST_CASE_METHOD(SignIn, "a cookie is out of reach of scripts, other sites and the clear, and ends") {
    const HttpAnswer answer = sign_in(operators);
    for (const char* part : {"__Host-", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict",
                             "Max-Age=43200", "Cache-Control: no-store"})
        CHECK(answer.has(part));
    CHECK_FALSE(answer.has("Domain="));
    const std::string cookie = cookie_of(answer);
    CHECK(with_cookie("/v1/teams", cookie).status == 200);
    CHECK(get("/v1/teams", cookie.substr(cookie.find('=') + 1)).status == 401);  // no bearer token
    CHECK(with_cookie("/v1/teams", "__Host-meterbox=" + operators).status == 401);
    clock.advance(core::limits::admin_cookie_ms - 1);
    CHECK(with_cookie("/v1/teams", cookie).status == 200);
    clock.advance(1);
    CHECK(with_cookie("/v1/teams", cookie).status == 401);

    const HttpAnswer brief = sign_in(admin_token("lab", "1h"));  // no longer than the token
    clock.advance(core::hour_ms);
    CHECK(with_cookie("/v1/teams", cookie_of(brief)).status == 401);
}

TEST_CASE_METHOD(SignIn, "who has signed out reads nothing any more, and others go on") {
    const std::string one = cookie_of(sign_in(operators));
    const std::string two = cookie_of(sign_in(operators));
    const HttpAnswer out = ask("POST", "/v1/sign-out", "Cookie: " + one + "\r\n");
    CHECK(out.status == 204);
    CHECK(out.has("Max-Age=0"));
    CHECK(with_cookie("/v1/teams", one).status == 401);
    CHECK(with_cookie("/v1/teams", two).status == 200);
    CHECK(ask("POST", "/v1/sign-out").status == 204);
}

TEST_CASE_METHOD(SignIn, "a page of another site can neither sign anybody in nor out") {
    const std::string evil = "Origin: https://evil.example\r\n";
    CHECK(sign_in(operators, evil).status == 403);
    CHECK(sign_in(operators, "Origin: null\r\n").status == 403);
    CHECK(sign_in(operators, "Origin: http://account.example\r\n").status == 403);
    CHECK(sign_in(operators, "Sec-Fetch-Site: cross-site\r\n").status == 403);
    CHECK(sign_in(operators, "Sec-Fetch-Site: same-site\r\n").status == 403);
    CHECK(sign_in(operators, "Origin: https://account.example\r\nSec-Fetch-Site: same-origin\r\n").status ==
          200);
    const std::string cookie = cookie_of(sign_in(operators));
    CHECK(ask("POST", "/v1/sign-out", "Cookie: " + cookie + "\r\n" + evil).status == 403);
    CHECK(with_cookie("/v1/teams", cookie).status == 200);
    const HttpAnswer form = ask("POST", "/v1/sign-in", "Content-Type: application/x-www-form-urlencoded\r\n",
                                "token=" + operators);
    CHECK(form.status == 415);
}

TEST_CASE_METHOD(SignIn, "wrong tokens are refused, and after ten in a minute nothing is tried any more") {
    for (int i = 0; i < core::limits::sign_in_failures_max; ++i) {
        CHECK(error_name(sign_in("guess" + std::to_string(i))) == "unauthenticated");
    }
    const HttpAnswer refused = sign_in(operators);
    CHECK(error_name(refused) == "too-many");
    CHECK(refused.has("Retry-After: 60"));
    CHECK(get("/v1/teams", operators).status == 200);  // who has a token needs no sign-in
    clock.advance(core::limits::sign_in_window_ms - 1);
    CHECK(sign_in(operators).status == 429);
    clock.advance(1);
    CHECK(sign_in(operators).status == 200);
}

TEST_CASE_METHOD(SignIn, "what is no sign-in is refused with a reason") {
    const auto post = [this](const std::string& body) {
        return ask("POST", "/v1/sign-in", "Content-Type: application/json; charset=utf-8\r\n", body);
    };
    CHECK(error_name(post("")) == "malformed");
    CHECK(error_name(post("{}")) == "malformed");
    CHECK(error_name(post(R"({"token":7})")) == "malformed");
    CHECK(error_name(post(R"({"token":")" + std::string(core::limits::admin_token_bytes_max + 1, 'x') +
                          R"("})")) == "invalid");
    CHECK(error_name(post(R"({"token":")" + std::string(core::limits::admin_token_bytes_max, 'x') +
                          R"("})")) == "unauthenticated");
    CHECK(ask("GET", "/v1/sign-in").status == 405);
    CHECK(ask("GET", "/v1/sign-in").has("Allow: POST\r\n"));
    CHECK(ask("POST", "/v1/teams/lab/cards").status == 405);
    CHECK(ask("POST", "/v1/teams/lab/cards").has("Allow: GET, HEAD\r\n"));
    CHECK(ask("GET", "/v1/teams").has("Cache-Control: no-store\r\n"));
    CHECK(ask("GET", "/nothing").has("Cache-Control: no-store\r\n"));
    CHECK(error_name(ask("GET", "/v1/teams")) == "unauthenticated");
    CHECK(ask("GET", "/v1/teams").has("WWW-Authenticate: Bearer"));
}

TEST_CASE("failures are counted by address, and what is remembered of them is bounded") {
    account::SignInLimit limit;
    core::MonotonicTime now{1'000};
    for (int i = 0; i < core::limits::sign_in_failures_max; ++i) limit.failed("a", now);
    CHECK(limit.wait_ms("a", now) == core::limits::sign_in_window_ms);
    CHECK_FALSE(limit.wait_ms("b", now));
    now = now + 1;
    for (std::size_t i = 0; i < core::limits::sign_in_addresses_max; ++i)
        limit.failed(std::to_string(i), now);
    CHECK(limit.remembered() == core::limits::sign_in_addresses_max);
    CHECK_FALSE(limit.wait_ms("a", now));  // the one that began first is forgotten
    now = now + core::limits::sign_in_window_ms;
    limit.failed("c", now);
    CHECK(limit.remembered() == 1);
}
