#include "platform/http/response.hpp"

#include <charconv>

#include "core/limits.hpp"
#include "platform/http/response_text.hpp"

namespace meterbox::platform::http {
namespace {

std::string_view reason_of(int status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 402:
            return "Payment Required";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        default:
            return "";
    }
}

void append_number(std::string& out, std::size_t number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

void append_status_line(std::string& out, int status) {
    if (status == 200) {
        out += "HTTP/1.1 200 OK\r\n";
        return;
    }
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::size_t>(status));
    out += ' ';
    out += reason_of(status);
    out += "\r\n";
}

// A line break in a value would start another header.
void append_header(std::string& out, std::string_view name, std::string_view value) {
    out += name;
    out += ": ";
    for (const char c : value) {
        out += c == '\r' || c == '\n' ? ' ' : c;
    }
    out += "\r\n";
}

}  // namespace

void append_answer(std::string& out, AnswerShape shape, int status, std::string_view content_type,
                   std::string_view body, const AnswerHeaders& headers) {
    const bool may_have_body = status != 204 && status != 304;
    out.reserve(out.size() + body.size() + 192);
    append_status_line(out, status);
    if (may_have_body) {
        if (!body.empty()) {
            out += "Content-Type: ";
            out += content_type;
            out += "\r\n";
        }
        out += "Content-Length: ";
        append_number(out, body.size());
        out += "\r\n";
    }
    if (shape.close) {
        out += "Connection: close\r\n";
    } else if (shape.keep_alive) {
        out += "Connection: keep-alive\r\n";
    }
    for (const auto& [name, value] : headers) {
        append_header(out, name, value);
    }
    out += "\r\n";
    if (may_have_body && !shape.head) {
        out += body;
    }
}

void append_events_head(std::string& out, int status) {
    append_status_line(out, status);
    out +=
        "Content-Type: text/event-stream\r\n"
        "Cache-Control: no-store\r\n"
        "Connection: close\r\n\r\n";
}

void append_event(std::string& out, std::string_view event, std::string_view data) {
    out += "event: ";
    out += event;
    std::size_t begin = 0;
    while (true) {
        const std::size_t end = data.find_first_of("\r\n", begin);
        out += "\ndata: ";
        out += data.substr(begin, end - begin);
        if (end == std::string_view::npos) break;
        begin = end + (data.substr(end, 2) == "\r\n" ? 2 : 1);
    }
    out += "\n\n";
}

Response problem(const core::Error& error) {
    Response response;
    response.status = core::traits(error.code).http_status;
    response.content_type = "application/problem+json";
    response.body = core::problem_json(error);
    response.headers.emplace_back("Cache-Control", "no-store");
    if (response.status == 429 || response.status == 503) {
        response.headers.emplace_back("Retry-After", std::to_string(core::limits::retry_after_s));
    }
    return response;
}

Response wrong_method(std::string detail, std::string_view allowed) {
    Response response = problem({core::ErrorCode::method_not_allowed, std::move(detail), std::nullopt, {}});
    response.headers.emplace_back("Allow", allowed);
    return response;
}

}  // namespace meterbox::platform::http
