// The latest changes of mode of every resource, as the journal keeps them: so that a session whose time
// is confirmed after a restart of the agent is still charged for none of what ran under none. They count
// within one boot alone, like the marks of sessions.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/mode_changes.hpp"
#include "core/time.hpp"

namespace meterbox::agent {

struct ModeMoment {
    core::MonotonicTime monotonic;
    std::string boot_id;  // empty: not known, and no boot is like another
};

class ModeHistory {
public:
    void changed(const std::string& resource, bool counts, const ModeMoment& at);
    core::ModeChanges of(const std::string& resource, const std::string& boot_id) const;

    std::string to_json() const;
    static ModeHistory from_json(std::string_view text);  // what can't be read is none

private:
    std::string boot_id_;
    std::map<std::string, core::ModeChanges> changes_;
};

}  // namespace meterbox::agent
