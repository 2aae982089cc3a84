#include "client/failure.hpp"

#include <boost/json/value.hpp>

#include "client/json_view.hpp"
#include "client/text.hpp"
#include "core/json_reader.hpp"

namespace meterbox::client {

Failure failure_of(const core::Error& error) {
    return {exit_unreachable, printable(error.detail)};
}

Failure failure_of(const platform::http::ClientResponse& response) {
    constexpr int payment_required = 402;
    const auto parsed = core::parse_json(response.body);
    const boost::json::value nothing;
    const JsonView problem{parsed ? *parsed : nothing};

    Failure failure;
    failure.message = problem["detail"].text();
    if (failure.message.empty()) failure.message = problem["title"].text();
    if (failure.message.empty())
        failure.message = "the daemon answers HTTP " + std::to_string(response.status);
    failure.message = printable(failure.message);
    if (response.status == payment_required) failure.exit_code = exit_exhausted;
    if (problem["type"].text() == "urn:meterbox:error:unreachable") failure.exit_code = exit_unreachable;
    return failure;
}

}  // namespace meterbox::client
