#include "platform/postgres/footprint.hpp"

#include <algorithm>
#include <array>
#include <regex>
#include <vector>

namespace meterbox::platform::postgres {

namespace {

// Of the account's tables: by these a sync's rows are its agent's alone.
constexpr std::array pins{"agent", "id", "team"};

std::vector<std::string> words_of(std::string_view sql) {
    std::vector<std::string> words;
    bool inside = false;
    for (const char letter : sql) {
        const bool part = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                          (letter >= '0' && letter <= '9') || letter == '_';
        if (part && !inside) words.emplace_back();
        if (part) words.back() += letter;
        inside = part;
    }
    return words;
}

std::size_t count_of(const std::vector<std::string>& words, std::string_view word) {
    return static_cast<std::size_t>(std::ranges::count(words, word));
}

bool any_of(const std::vector<std::string>& words, std::initializer_list<std::string_view> some) {
    return std::ranges::any_of(some, [&](std::string_view word) { return count_of(words, word) > 0; });
}

// A conjunction alone says of each row that all its parts hold.
std::map<std::string, std::size_t> pinned_in(const std::string& condition) {
    std::map<std::string, std::size_t> pinned;
    if (any_of(words_of(condition), {"OR", "NOT", "CASE", "SELECT", "UNION", "RETURNING"})) return pinned;
    static const std::regex equal(R"((^|[ (])(\w+) = \$(\d+)(?!\d))");
    for (std::sregex_iterator it(condition.begin(), condition.end(), equal), end; it != end; ++it) {
        if (std::ranges::find(pins, (*it)[2].str()) == pins.end()) continue;
        pinned[(*it)[2]] = std::stoul((*it)[3]) - 1;
    }
    return pinned;
}

std::vector<std::string> listed(const std::string& text) {
    std::vector<std::string> items;
    static const std::regex item(R"([^,]+)");
    for (std::sregex_iterator it(text.begin(), text.end(), item), end; it != end; ++it)
        items.push_back(std::regex_replace(it->str(), std::regex("^ +| +$"), ""));
    return items;
}

// INSERT INTO table (columns) VALUES (parameters), and a row that is there already has the same pins.
std::map<std::string, std::size_t> pinned_by_insert(const std::string& sql) {
    std::map<std::string, std::size_t> pinned;
    static const std::regex form(
        R"(INSERT INTO \w+ \(([^()]*)\) VALUES \(([^()]*)\)( ON CONFLICT \(([^()]*)\) DO UPDATE .*| ON CONFLICT DO NOTHING)?)");
    std::smatch found;
    if (!std::regex_match(sql, found, form)) return pinned;
    const std::vector<std::string> columns = listed(found[1]);
    const std::vector<std::string> values = listed(found[2]);
    const std::vector<std::string> same = listed(found[4]);
    for (std::size_t i = 0; i < columns.size() && i < values.size(); ++i) {
        const bool pin = std::ranges::find(pins, columns[i]) != pins.end();
        const bool kept = !found[4].matched || std::ranges::find(same, columns[i]) != same.end();
        if (pin && kept && values[i].starts_with('$'))
            pinned[columns[i]] = std::stoul(values[i].substr(1)) - 1;
    }
    return pinned;
}

void add_read(Footprint& print, const std::string& sql, const std::vector<std::string>& words) {
    print.kind = Footprint::Kind::read;
    print.words = {words.begin(), words.end()};
    static const std::regex form(R"(SELECT [^*]* FROM (\w+) WHERE (.*))");
    std::smatch found;
    const bool simple = count_of(words, "SELECT") == 1 && count_of(words, "FROM") == 1;
    if (simple && std::regex_match(sql, found, form)) print.pinned = pinned_in(found[2]);
}

void add_update(Footprint& print, const std::string& sql) {
    print.kind = Footprint::Kind::write;
    static const std::regex form(R"(UPDATE (\w+) SET (.*?)( WHERE (.*))?)");
    std::smatch found;
    if (!std::regex_match(sql, found, form)) {
        print.kind = Footprint::Kind::unknown;
        return;
    }
    print.table = found[1];
    for (std::string& word : words_of(found[2].str()))
        if (word.front() < '0' || word.front() > '9') print.words.insert(std::move(word));
    print.pinned = pinned_in(found[4]);
    for (const char* pin : pins)
        if (print.words.contains(pin)) print.pinned.erase(pin);
}

}  // namespace

Footprint Footprint::of(std::string_view numbered_sql) {
    const std::string sql(numbered_sql);
    const std::vector<std::string> words = words_of(sql);
    const std::string first = words.empty() ? "" : words.front();
    Footprint print;
    if (first == "SELECT") {
        add_read(print, sql, words);
    } else if (first == "SAVEPOINT" || first == "RELEASE") {
        print.kind = Kind::mark;
    } else if (first == "UPDATE") {
        add_update(print, sql);
    } else if ((first == "INSERT" || first == "DELETE") && words.size() > 2) {
        print.kind = Kind::write;
        print.table = words[2];  // INTO, FROM
        print.whole_rows = true;
        const auto where = sql.find(" WHERE ");
        if (first == "INSERT") print.pinned = pinned_by_insert(sql);
        if (first == "DELETE" && where != std::string::npos) print.pinned = pinned_in(sql.substr(where + 7));
    }
    return print;
}

bool meets(const Footprint& write, const Footprint& read) {
    if (!read.words.contains(write.table)) return false;
    return write.whole_rows || std::ranges::any_of(write.words, [&](const std::string& column) {
               return read.words.contains(column);
           });
}

std::optional<std::string> told_apart_by(const Footprint& write) {
    for (const char* pin : pins)
        if (write.pinned.contains(pin)) return pin;
    return std::nullopt;
}

}  // namespace meterbox::platform::postgres
