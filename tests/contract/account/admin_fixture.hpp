// The admin port's service behind a server of its own (without TLS, which is the server's business), over an
// account's store: commands and requests by turns.
#pragma once

#include <boost/json.hpp>
#include <optional>

#include "account/admin_service.hpp"
#include "core/json_reader.hpp"
#include "fixture.hpp"
#include "platform/sql/connection_transactions.hpp"
#include "platform/store/store_thread.hpp"
#include "tests/contract/http_fixture.hpp"

namespace meterbox::tests {

struct AdminPort : AccountFixture {
    AdminPort()
        : server([this](const http::Request& request, http::Responder responder) {
              service->handle(request, std::move(responder));
          }) {
        server.on_loop([this] {
            transactions.emplace(store().connection());
            thread.emplace(server.context(), *transactions, platform::store::Placement::in_place);
            jobs.emplace(*thread, store(), [](const core::Error&) { std::abort(); });
            service.emplace(*jobs, operators);
        });
        done({"team", "add", "lab"});
        done({"team", "add", "other"});
    }
    ~AdminPort() {
        server.on_loop([this] { thread.reset(); });
    }
    AdminPort(const AdminPort&) = delete;
    AdminPort& operator=(const AdminPort&) = delete;

    HttpAnswer ask(const std::string& method, const std::string& path, const std::string& headers = "",
                   const std::string& body = "") {
        return HttpClient{server.path()}.ask(method + " " + path + " HTTP/1.1\r\nHost: account.example\r\n" +
                                             headers + "Content-Length: " + std::to_string(body.size()) +
                                             "\r\n\r\n" + body);
    }
    HttpAnswer get(const std::string& path, const std::string& token) {
        return ask("GET", path, token.empty() ? "" : "Authorization: Bearer " + token + "\r\n");
    }
    boost::json::object got(const std::string& path) {
        const HttpAnswer answer = get(path, operators);
        INFO(answer.body);
        REQUIRE(answer.status == 200);
        return core::parse_json(answer.body)->as_object();
    }
    std::string admin_token(const std::string& team, const std::string& ttl = "30d") {
        std::vector<std::string> words{"admin", "token", "--ttl", ttl};
        if (!team.empty()) words.insert(words.end(), {"--team", team});
        std::string text = done(words);
        text.pop_back();
        return text;
    }

    const std::string operators = "the-token-of-the-operator";
    std::optional<platform::sql::ConnectionTransactions> transactions;
    std::optional<platform::store::StoreThread> thread;
    std::optional<account::StoreJobs> jobs;
    std::optional<account::AdminService> service;
    HttpServer server;
};

// urn:meterbox:error:NAME
inline std::string error_name(const HttpAnswer& answer) {
    const auto json = core::parse_json(answer.body);
    REQUIRE(json);
    const std::string type(json->at("type").as_string());
    return type.substr(type.rfind(':') + 1);
}

}  // namespace meterbox::tests
