#include "agent/mode_history.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <limits>
#include <utility>
#include <vector>

#include "core/json_reader.hpp"

namespace meterbox::agent {

void ModeHistory::changed(const std::string& resource, bool counts, const ModeMoment& at) {
    if (at.boot_id != boot_id_) changes_.clear();
    boot_id_ = at.boot_id;
    changes_[resource].add(at.monotonic, counts);
}

core::ModeChanges ModeHistory::of(const std::string& resource, const std::string& boot_id) const {
    const auto found = changes_.find(resource);
    const bool known = found != changes_.end() && !boot_id.empty() && boot_id == boot_id_;
    return known ? found->second : core::ModeChanges{};
}

std::string ModeHistory::to_json() const {
    boost::json::array list;
    for (const auto& [resource, changes] : changes_)
        for (const core::ModeChange& change : changes.all())
            list.push_back(
                boost::json::object{{"resource", resource}, {"at", change.at.ms}, {"counts", change.counts}});
    return boost::json::serialize(boost::json::object{{"boot_id", boot_id_}, {"changes", std::move(list)}});
}

ModeHistory ModeHistory::from_json(std::string_view text) {
    ModeHistory history;
    const auto json = core::parse_json(text);
    if (!json) return history;
    core::ObjectReader reader(*json, "");
    history.boot_id_ = reader.optional_string("boot_id").value_or("");
    const boost::json::array* list = reader.array("changes");
    if (list == nullptr) return history;
    for (const boost::json::value& value : *list) {
        core::ObjectReader change(value, "/changes");
        const std::string resource = change.string("resource");
        const core::MonotonicTime at{change.integer("at", 0, std::numeric_limits<std::int64_t>::max())};
        const bool counts = change.boolean_or("counts", true);
        if (change.ok()) history.changes_[resource].add(at, counts);
    }
    return history;
}

}  // namespace meterbox::agent
