// Wiring: who serves what on which socket.
#include "account/serve.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <csignal>

#include "account/admin_service.hpp"
#include "account/agent_service.hpp"
#include "account/command_service.hpp"
#include "account/learning.hpp"
#include "account/refusal_log.hpp"
#include "account/server_certificate.hpp"
#include "account/store_jobs.hpp"
#include "account/usage_retention.hpp"
#include "core/limits.hpp"
#include "platform/http/server.hpp"
#include "platform/http/tls_server.hpp"
#include "platform/sql/connection_transactions.hpp"
#include "platform/store/store_thread.hpp"
#include "platform/system/files.hpp"
#include "platform/system/process_limits.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
namespace http = platform::http;

namespace {

constexpr mode_t public_mode = 0644;

struct Endpoint {
    std::string host;
    std::uint16_t port = 0;
};

Result<Endpoint> endpoint_from(const std::string& text, const char* option) {
    const auto wrong = Error{
        ErrorCode::invalid, std::string(option) + " " + text + ": HOST:PORT is needed", std::nullopt, {}};
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return wrong;
    Endpoint endpoint;
    endpoint.host = text.substr(0, colon);
    if (endpoint.host.front() == '[' && endpoint.host.back() == ']') {
        endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
    }
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, endpoint.port);
    if (error != std::errc{} || stop != end) return wrong;
    return endpoint;
}

std::vector<std::string> certificate_names(const ServeOptions& options) {
    std::vector<std::string> names{"localhost", "127.0.0.1"};
    for (const std::string& name : options.names) {
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    return names;
}

// Whoever was silent longest connects anew when it has something to ask. On the admin port anybody may
// connect, without a token even: who asks nothing keeps nobody out.
http::Limits connections_of(std::size_t files) {
    constexpr std::size_t refused = core::limits::refused_connections_max;
    http::Limits limits;
    limits.connections_max =
        std::max(core::limits::account_connections_min, files > refused ? files - refused : 0);
    limits.yields_idle = true;
    return limits;
}

// How many files each port may have open, of those that the kernel lets this process have. Each agent keeps a
// connection between its syncs, and there may be thousands; a quarter of what isn't theirs is the store's.
struct FileShares {
    std::size_t agents, admins, commands;
};
FileShares share_files(platform::system::Log& log) {
    const std::size_t files = platform::system::raise_open_files_limit();
    const std::size_t others = std::min(core::limits::account_other_files, files / 2);
    if (others < core::limits::account_other_files)
        log.warn("account.files", {{"open_files", files},
                                   {"detail",
                                    "this process may open few files, so it keeps few connections: raise "
                                    "LimitNOFILE"}});
    return {
        std::min(core::limits::agent_connections_max + core::limits::refused_connections_max, files - others),
        others / 2, others / 4};
}

class Service {
public:
    Service(Store& store, platform::system::Log& log, ServerCertificate& certificate, std::string admin_token)
        : store_(store),
          log_(log),
          certificate_(certificate),
          transactions_(store.connection()),
          thread_(loop_, transactions_,
                  store.shared() ? platform::store::Placement::on_its_thread
                                 : platform::store::Placement::where_quickest),
          jobs_(thread_, store, [this](const Error& error) { lose(error); }),
          refusals_(log),
          agent_service_(jobs_, log, refusals_),
          admin_service_(jobs_, std::move(admin_token)),
          command_service_(jobs_),
          files_(share_files(log)),
          agents_(loop_, agent_service_, connections_of(files_.agents)),
          admins_(loop_, admin_service_, connections_of(files_.admins)),
          commands_(loop_, command_service_, connections_of(files_.commands)),
          retention_(loop_, thread_, transactions_, store, log, [this](const Error& error) { lose(error); }),
          certificate_check_(loop_),
          signals_(loop_, SIGTERM, SIGINT),
          hangups_(loop_, SIGHUP) {}

    Result<void> prepare() {
        return store_.connection().begin_serving(
            [this]() -> Result<void> {
                store_.database().forgive();
                if (auto begun = store_.connection().begin(); !begun) return begun;
                end_sessions(store_.database());
                if (!store_.database().failed()) return store_.connection().commit();
                store_.connection().rollback();
                return store_.database().error();
            },
            [this](bool lost, const std::string& detail) {
                if (lost) return log_.error("store.unreachable", {{"detail", detail}});
                log_.warn("store.connected", {{"detail", detail}});
            });
    }

    Result<void> listen(const ServeOptions& options) {
        reload_ = options.reload;
        const auto agents_at = endpoint_from(options.listen, "--listen");
        if (!agents_at) return agents_at.error();
        const auto admins_at = endpoint_from(options.admin_listen, "--admin-listen");
        if (!admins_at) return admins_at.error();
        const auto for_agents = [this] { return certificate_.for_agents(); };
        const auto for_admins = [this] { return certificate_.for_admins(); };
        if (const auto done = listen_tls(agents_, *agents_at, for_agents); !done) return done;
        if (const auto done = listen_tls(admins_, *admins_at, for_admins); !done) return done;
        log_listening(*agents_at, *admins_at);
        if (store_.shared()) return {};  // commands open the database themselves
        const std::string socket = (store_.folder() / "account.sock").string();
        if (const auto done = commands_.listen_unix(socket, "", 0600); !done)
            return cannot_listen(done.error());
        return publish_ports();
    }

    Result<void> run() {
        await_signal();
        await_hangup();
        watch_certificate();
        retention_.start();
        loop_.run();
        thread_.stop();  // what waits behind a lost commit is refused, while everybody is still there
        if (lost_) return *lost_;
        return {};
    }

private:
    // Not the fault of the command's words: an address that is taken, or not this machine's.
    static Error cannot_listen(Error error) {
        error.code = ErrorCode::internal;
        return error;
    }

    Result<void> listen_tls(http::Server& server, const Endpoint& at, http::ContextSource context) {
        auto on_failure = [this](const std::string& address, const std::string& why) {
            refusals_.write("handshake.failed", address, why);
        };
        const auto done =
            http::listen_tls(server, at.host, at.port, std::move(context), std::move(on_failure));
        if (!done) return cannot_listen(done.error());
        return {};
    }

    // Before its end the server's certificate is another, without a restart.
    void watch_certificate() {
        certificate_check_.expires_after(std::chrono::milliseconds(core::limits::certificate_check_ms));
        certificate_check_.async_wait([this](const boost::system::error_code& cancelled) {
            if (cancelled) return;
            const auto renewed = certificate_.refresh(store_.now());
            if (!renewed) {
                log_.error("certificate.not_renewed", {{"detail", renewed.error().detail}});
            } else if (*renewed) {
                log_.info("certificate.renewed",
                          {{"expires_at", core::format_rfc3339(certificate_.expires_at())}});
            }
            watch_certificate();
        });
    }

    void log_listening(const Endpoint& agents_at, const Endpoint& admins_at) {
        log_.info("account.listening",
                  {{"listen", agents_at.host + ":" + std::to_string(agents_.port())},
                   {"admin_listen", admins_at.host + ":" + std::to_string(admins_.port())},
                   {"store", store_.shared() ? "postgresql" : store_.folder().string()},
                   {"detail", "listening on " + agents_at.host + ":" + std::to_string(agents_.port())}});
    }

    // Tests and scripts that let the kernel choose a port read it here.
    Result<void> publish_ports() {
        const boost::json::object ports{{"listen", agents_.port()}, {"admin_listen", admins_.port()}};
        return platform::system::write_file(store_.folder() / "ports.json",
                                            boost::json::serialize(ports) + "\n", public_mode);
    }

    void await_signal() {
        signals_.async_wait([this](const boost::system::error_code& cancelled, int) {
            if (cancelled) return;
            if (draining_ > 0) return loop_.stop();  // asked twice: at once
            await_signal();
            stop();
        });
    }

    void await_hangup() {
        hangups_.async_wait([this](const boost::system::error_code& cancelled, int) {
            if (cancelled) return;
            if (reload_) reload_();
            await_hangup();
        });
    }

    // What was taken is committed and answered before anybody is let go: a grant that is cut off here was
    // not added, so that adding it again makes one.
    void stop() {
        log_.info("account.stopping");
        const std::array servers{&agents_, &admins_, &commands_};
        draining_ = static_cast<int>(servers.size());
        for (http::Server* server : servers)
            server->drain(core::limits::drain_timeout_ms, [this] { drained(); });
        retention_.stop();
        thread_.stop();
        certificate_check_.cancel();
        hangups_.cancel();
    }

    void drained() {
        if (--draining_ == 0) loop_.stop();
    }

    // Nobody knows what the disk holds: nothing more is acknowledged, and a fresh process looks.
    void lose(const Error& error) {
        if (lost_) return;
        lost_ = error;
        loop_.stop();
    }

    Store& store_;
    platform::system::Log& log_;
    ServerCertificate& certificate_;
    boost::asio::io_context loop_{1};
    platform::sql::ConnectionTransactions transactions_;
    platform::store::StoreThread thread_;
    StoreJobs jobs_;
    RefusalLog refusals_;
    AgentService agent_service_;
    AdminService admin_service_;
    CommandService command_service_;
    FileShares files_;
    http::Server agents_;
    http::Server admins_;
    http::Server commands_;
    UsageRetention retention_;
    boost::asio::steady_timer certificate_check_;
    boost::asio::signal_set signals_;
    boost::asio::signal_set hangups_;
    std::function<void()> reload_;
    int draining_ = 0;  // servers that still owe answers
    std::optional<Error> lost_;
};

// Whoever comes first makes it; the others wait.
Result<std::string> admin_token_of(Store& store) {
    if (auto begun = store.connection().begin(); !begun) return begun.error();
    auto token = load_or_make_admin_token(store.files(), store.random());
    if (!token) {
        store.connection().rollback();
        return token;
    }
    if (auto committed = store.connection().commit(); !committed) return committed.error();
    return token;
}

}  // namespace

Result<void> serve(Store& store, const ServeOptions& options, platform::system::Log& log) {
    FilesInMemory own_files;  // each process of several has its own certificate
    KeptFiles& files = store.shared() ? static_cast<KeptFiles&>(own_files) : store.files();
    ServerCertificate certificate(files, store.authority(), certificate_names(options));
    if (const auto made = certificate.refresh(store.now()); !made) return made.error();
    auto token = admin_token_of(store);
    if (!token) return token.error();

    std::signal(SIGPIPE, SIG_IGN);  // a log that nobody reads any more ends nothing
    Service service(store, log, certificate, std::move(*token));
    if (const auto prepared = service.prepare(); !prepared) return prepared;
    if (const auto listening = service.listen(options); !listening) return listening;
    return service.run();
}

}  // namespace meterbox::account
