// A table for people: columns as wide as what is in them, two spaces between, no lines. Whatever is in it
// is printable.
#pragma once

#include <string>
#include <vector>

namespace meterbox::account {

class Table {
public:
    explicit Table(std::vector<std::string> head) : rows_{std::move(head)} {}
    void add(std::vector<std::string> row);
    std::string text() const;

private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace meterbox::account
