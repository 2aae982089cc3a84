// Both ends of account.sock.
#include "account/command_service.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstring>

#include "account/backup.hpp"
#include "account/command_line.hpp"
#include "core/json_reader.hpp"
#include "platform/http/unix_client.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
namespace http = platform::http;

namespace {

constexpr std::chrono::minutes answer_timeout{10};  // an audit or a backup of a large store takes long

struct Order {
    std::vector<std::string> arguments;
    std::string folder;  // of the file that is to be written; empty: none
};

core::Result<Order> order_of(std::string_view body) {
    const auto json = core::parse_json(body);
    if (!json) return json.error();
    core::ObjectReader reader(*json, "");
    Order order;
    if (const boost::json::array* list = reader.array("argv")) {
        for (const boost::json::value& value : *list) {
            if (!value.is_string()) {
                reader.fail("argv", "strings are needed");
                break;
            }
            order.arguments.emplace_back(value.as_string());
        }
    }
    order.folder = reader.optional_string("folder").value_or("");
    if (!reader.ok()) return reader.error();
    return order;
}

http::Response response_of(const Outcome& outcome) {
    boost::json::object json{{"exit", outcome.exit}, {"stdout", outcome.out}, {"stderr", outcome.err}};
    http::Response response;
    response.body = boost::json::serialize(json);
    return response;
}

// Whether anybody listens: only then may the command go there, and only there.
bool is_served(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return false;
    const bool connected =
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(descriptor);
    return connected;
}

}  // namespace

void CommandService::handle(const http::Request& request, http::Responder responder) {
    if (request.path() != "/v1/command") {
        return responder.send(Error{ErrorCode::not_found, "no such path", std::nullopt, {}});
    }
    if (request.method() != "POST") {
        return responder.send(http::wrong_method("/v1/command takes POST", "POST"));
    }
    const auto order = order_of(request.body());
    if (!order) return responder.send(order.error());
    CommandLine line = parse_command_line(order->arguments);
    if (line.done) return responder.send(response_of(*line.done));
    if (!line.sources.sets.empty()) {
        return responder.send(response_of(
            wrong_usage("--set: this store is served by a process with settings of its own; set it in its "
                        "account.toml and start it anew, or stop it")));
    }
    if (line.restore) return responder.send(response_of(failed("stop the service before a restore")));
    if (line.backup && !order->folder.empty() && folder_seen(*line.backup) != order->folder) {
        return responder.send(response_of(
            failed(*line.backup +
                   ": the service, which writes it, sees another folder there, or none: it may have "
                   "a /tmp and a /home of its own; name a folder that is the same for it, as "
                   "/var/backups/meterbox")));
    }
    if (line.backup) line.long_command = backup_command(*line.backup);
    if (line.long_command) {
        return jobs_.submit_long(
            std::move(responder),
            [work = std::move(line.long_command)](
                Store& store, const std::function<bool()>& over) -> std::optional<http::Response> {
                const auto outcome = work(store, over);
                if (!outcome) return std::nullopt;
                return response_of(*outcome);
            });
    }
    if (line.serve) return responder.send(response_of(failed("the service runs already")));
    jobs_.submit(std::move(responder),
                 [command = std::move(line.command)](Store& store) { return response_of(command(store)); });
}

std::optional<Outcome> command_through_service(const std::string& socket,
                                               const std::vector<std::string>& arguments,
                                               const std::string& folder) {
    if (!is_served(socket)) return std::nullopt;
    boost::json::array argv;
    for (const std::string& argument : arguments) argv.emplace_back(argument);
    http::ClientRequest request;
    request.method = "POST";
    request.target = "/v1/command";
    request.content_type = "application/json";
    boost::json::object order{{"argv", argv}};
    if (!folder.empty()) order["folder"] = folder;
    request.body = boost::json::serialize(order);
    const auto response = http::request_unix(socket, request, answer_timeout);
    if (!response) return from_error(response.error());
    const auto json = core::parse_json(response->body);
    if (!json) return failed("the service's answer can't be read: " + json.error().detail);
    core::ObjectReader reader(*json, "");
    if (response->status != 200) {
        return failed("the service refused the command: " + reader.string("detail"));
    }
    Outcome outcome;
    outcome.exit = static_cast<int>(reader.integer("exit", 0, 255));
    outcome.out = reader.string("stdout");
    outcome.err = reader.string("stderr");
    if (!reader.ok()) return failed("the service's answer can't be read: " + reader.error().detail);
    return outcome;
}

}  // namespace meterbox::account
