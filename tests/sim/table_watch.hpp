// Which tables of the account's store were written to, as SQLite itself says: what no row of has been touched
// is as it was, and need not be read again to be known.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace meterbox::sim {

class ChangedTables {
public:
    bool has(std::string_view table) const { return all_ || names_.contains(table); }
    void add(std::string_view table) {
        if (!has(table)) names_.emplace(table);
    }
    void add_all() { all_ = true; }

private:
    bool all_ = false;  // another process, perhaps on another store
    std::set<std::string, std::less<>> names_;
};

// Once, before the first store is opened.
void watch_tables();
// Since it was asked last. Also tables whose changes were rolled back.
ChangedTables take_changed_tables();

}  // namespace meterbox::sim
