// The dashboard's files, part of the program since it was built (page/embed.cmake): HTML once a language,
// words, script, style. Who may see the figures on it is decided where they are asked for: the files hold
// none.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "platform/http/request.hpp"
#include "platform/http/response.hpp"

namespace meterbox::account {

struct PageFile {
    std::string_view path;
    std::string_view type;
    std::string_view etag;  // with its quotes
    std::string_view content;
};
std::span<const PageFile> page_files();

// The answer to a GET of / (in the reader's language) or of a file; none: the path is something else.
std::optional<platform::http::Response> page_response(const platform::http::Request& request);

// Which of the page's languages a reader sees: what was chosen on the page, if it is one, else the first by
// Accept-Language (RFC 9110), else English.
std::string_view page_language(std::string_view chosen, std::string_view accept_language);

}  // namespace meterbox::account
