// The settings that hold several values: names of hosts, rules of who may use what.
#include "config/account_url.hpp"
#include "config/value_types.hpp"
#include "core/resource.hpp"

namespace meterbox::config {
namespace {

// A value that stands for several: a TOML array, or such an array as text of the environment or --set.
std::optional<Value> as_array(const Value& value) {
    if (value.kind == Value::Kind::array) return value;
    if (value.kind != Value::Kind::text || value.typed) return {};
    Value empty;
    empty.kind = Value::Kind::array;
    if (value.text.empty()) return empty;
    const auto parsed = parse_toml("value = " + value.text, "");
    if (!parsed || parsed->members.size() != 1) return {};
    const Value& inner = parsed->members.front().value;
    if (inner.kind != Value::Kind::array) return {};
    return inner;
}

Complaint read_account_id(const Value& value, std::string_view member, std::optional<std::uint32_t>& field) {
    constexpr std::int64_t id_max = 0xffff'fffe;  // (uid_t)-1 means none
    if (value.kind != Value::Kind::integer) {
        return "its " + std::string{member} + " " + wrong_type(value, "a whole number, such as 1000");
    }
    if (value.integer < 0 || value.integer > id_max) {
        return "its " + std::string{member} + " is out of range; choose between 0 and " +
               std::to_string(id_max);
    }
    field = static_cast<std::uint32_t>(value.integer);
    return {};
}

Complaint read_allow_rule(const Value& value, AllowRule& rule) {
    if (value.kind != Value::Kind::table)
        return wrong_type(value, "[[products.allow]] with resource, uid or gid");
    for (const auto& [member, inner] : value.members) {
        Complaint complaint;
        if (member == "resource") {
            if (inner.kind != Value::Kind::text || !core::is_key(inner.text)) {
                complaint = "its resource is not a resource's key; write one such as \"render\"";
            }
            rule.resource = inner.text;
        } else if (member == "uid") {
            complaint = read_account_id(inner, member, rule.uid);
        } else if (member == "gid") {
            complaint = read_account_id(inner, member, rule.gid);
        } else {
            complaint = "has an unknown member " + quoted(member) + "; known are resource, uid, gid";
        }
        if (complaint) {
            complaint.line = inner.line;
            return complaint;
        }
    }
    if (value.members.empty()) return "is empty; give it a resource, a uid or a gid, or remove it";
    return {};
}

Complaint read_names(const Value& value, std::optional<std::string> (*name_of_host)(std::string_view),
                     std::vector<std::string>& field) {
    const auto array = as_array(value);
    if (!array) return wrong_type(value, "an array of names, such as [\"localhost\"]");
    std::vector<std::string> hosts;
    for (const Value& item : array->items) {
        if (item.kind != Value::Kind::text)
            return "holds " + std::string{name_of(item.kind)} + "; write names in quotes";
        auto name = name_of_host(item.text);
        if (!name) return quoted(item.text) + " is not a host's name; write it without a port";
        hosts.push_back(std::move(*name));
    }
    field = std::move(hosts);
    return {};
}

std::optional<std::string> as_it_is(std::string_view text) {
    if (!is_host(text)) return {};
    return std::string(text);
}

}  // namespace

Complaint read_hosts(const Value& value, std::vector<std::string>& field) {
    return read_names(value, as_it_is, field);
}

Complaint read_certificate_names(const Value& value, std::vector<std::string>& field) {
    return read_names(value, certificate_name, field);
}

Complaint read_allow_rules(const Value& value, std::vector<AllowRule>& field) {
    const auto array = as_array(value);
    if (!array) return wrong_type(value, "[[products.allow]] with resource, uid or gid");
    std::vector<AllowRule> rules;
    for (const Value& item : array->items) {
        Complaint complaint = read_allow_rule(item, rules.emplace_back());
        if (!complaint) continue;
        if (complaint.line == 0) complaint.line = item.line;
        return complaint;
    }
    field = std::move(rules);
    return {};
}

}  // namespace meterbox::config
