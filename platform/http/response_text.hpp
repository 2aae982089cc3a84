// Answers as bytes, written by hand into one string: the server's hot path. Knows nothing of
// connections; what the connection wants is in AnswerShape.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meterbox::platform::http {

struct AnswerShape {
    bool close = false;       // the connection ends after this answer
    bool keep_alive = false;  // say so: an HTTP/1.0 client asked for it
    bool head = false;        // a HEAD request: the header alone
};

using AnswerHeaders = std::vector<std::pair<std::string, std::string>>;

void append_answer(std::string& out, AnswerShape shape, int status, std::string_view content_type,
                   std::string_view body, const AnswerHeaders& headers);

// The head of an answer that is a stream of server-sent events and ends with the connection.
void append_events_head(std::string& out, int status);

void append_event(std::string& out, std::string_view event, std::string_view data);

inline constexpr std::string_view continue_text = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace meterbox::platform::http
