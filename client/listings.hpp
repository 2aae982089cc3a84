// The daemon's documents as text for people. Pure: the time to count ages from is in the document or an
// argument.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "client/text.hpp"
#include "core/time.hpp"

namespace meterbox::client {

// GET /status: who, the cards, the sync, what waits.
std::string status_text(const boost::json::value& status, const Painter& painter);
// GET /v1/resources and GET /v1/sessions: tables, or one line that says there are none.
std::string resources_text(const boost::json::value& document, core::UtcTime now);
std::string sessions_text(const boost::json::value& document);

}  // namespace meterbox::client
