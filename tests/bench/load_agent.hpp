// An agent as the account sees it, for load: enrolled, with a certificate of its own, a kept connection and
// the real protocol, its counters kept by core's own ledger. It has no journal and no products: what it
// meters is told by whoever drives it, and the links of its chain are names and nothing else. Loop thread
// only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ledger.hpp"
#include "core/wire.hpp"
#include "platform/https/https_client.hpp"

namespace meterbox::bench {

// What an agent does between two syncs, in each of its resources.
struct Work {
    core::Amount metered;
    core::Amount rate_per_hour;  // as it says: how large a reserve it asks for
    // By hour it tells this as rows of so many subjects: of the present hour, or of so many hours of before
    // that it hasn't told any of.
    std::int64_t subjects = 1;
    std::int64_t hours_of_before = 0;
};

// What came of one sync.
struct Synced {
    std::int64_t completed = 0;  // units, of those that it told
    bool leased = false;         // it brought a lease
};

class LoadAgent {
public:
    using Done = std::function<void(core::Result<Synced>)>;

    LoadAgent(boost::asio::io_context& loop, platform::https::Endpoint account,
              platform::https::Endpoint echo, std::string ca_pem, std::string name);

    // Enrolls and says hello.
    void join(const std::string& token, Done done);
    void sync(const Work& work, Done done);
    void disconnect() { client_->drop(); }  // the next exchange makes a new connection
    // The last sync's body to the server that only sends it back.
    void echo(Done done);

private:
    struct Metered {
        core::ResourceLedger ledger;
        core::UtcHour hour{};
        std::map<std::int64_t, core::Amount> in_hour = {};  // usage, by over how many subjects it is spread
        std::map<std::string, core::Units> units_in_hour = {};  // by tranche
        std::int64_t told_hours_of_before = 0;
    };

    void meter(Metered& metered, const Work& work);
    static void tell(Metered& metered, const Work& work, std::vector<core::wire::UsageRow>& rows);
    void note(Metered& metered, const std::vector<core::Completion>& completions);
    core::wire::ResourceCounters counters_of(const Metered& metered, const Work& work) const;
    core::Result<void> take_lease(const std::string& jws);
    void say_hello(Done done);
    core::Result<Synced> heard(const std::string& body);
    void next_link();
    template <class Reply, class Read>
    void exchange(std::string path, std::string body, Read read,
                  std::function<void(core::Result<Reply>)> done);

    boost::asio::io_context& loop_;
    platform::https::Endpoint account_;
    platform::https::Endpoint echo_;
    std::string ca_pem_;
    std::string name_;
    std::string key_pem_;
    std::string id_;
    std::unique_ptr<platform::https::HttpsClient> client_;
    std::unique_ptr<platform::https::HttpsClient> echo_client_;
    std::string session_;
    std::int64_t request_number_ = 0;
    std::int64_t catalogue_version_ = 0;
    core::wire::JournalHead head_;
    core::wire::JournalHead acknowledged_;
    std::vector<Metered> metered_;
    std::int64_t completed_ = 0;  // since the last sync
    std::string last_body_;
};

}  // namespace meterbox::bench
