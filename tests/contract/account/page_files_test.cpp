// The dashboard's files as the program holds them, and whose language they are in.
#include "account/page_files.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using namespace meterbox::account;

TEST_CASE("the first language by Accept-Language that the page has is shown, else English") {
    CHECK(page_language("", "") == "en");
    CHECK(page_language("", "de-DE, de;q=0.9") == "en");
    CHECK(page_language("", "sv") == "sv");
    CHECK(page_language("", "pt-BR,pt;q=0.9,en;q=0.8") == "pt");
    CHECK(page_language("", "DE, Tr-tr ; q=0.5 , fr;q=0.501") == "fr");
    CHECK(page_language("", "es;q=0, fr;q=0.001") == "fr");
    CHECK(page_language("", "fr;q=0") == "en");
    CHECK(page_language("", "sv, fr") == "sv");
    CHECK(page_language("", "*, es;q=0.1") == "es");
}

TEST_CASE("a weight that can't be read counts as none") {
    CHECK(page_language("", "fr;q=x, es;q=0.1") == "es");
    CHECK(page_language("", "fr;q=, es;q=0.1") == "es");
    CHECK(page_language("", "fr;q=0.5x, es;q=0.1") == "es");
    CHECK(page_language("", ",,;;=,fr;;q=0.4;") == "fr");
}

TEST_CASE("the language that was chosen on the page comes before the browser's, if there is such a one") {
    CHECK(page_language("tr", "fr") == "tr");
    CHECK(page_language("xx", "fr") == "fr");
    CHECK(page_language("page", "fr") == "fr");
}

TEST_CASE("the page is there in each language, without a word left out, and names no other host") {
    std::set<std::string_view> paths;
    std::set<std::string_view> etags;
    for (const PageFile& file : page_files()) {
        CHECK(paths.insert(file.path).second);
        CHECK(etags.insert(file.etag).second);
        CHECK_FALSE(file.content.empty());
        CHECK(file.content.find("{{") == std::string_view::npos);
        CHECK(file.content.find("https:") == std::string_view::npos);
    }
    for (const std::string language : {"en", "fr", "sv", "pt", "es", "tr"}) {
        CHECK(paths.contains("/page/" + language + ".html"));
        CHECK(paths.contains("/page/words." + language + ".js"));
    }
}
