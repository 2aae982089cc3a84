// resource add, set, list.
#include <boost/json.hpp>
#include <charconv>

#include "account/catalogue.hpp"
#include "account/commands.hpp"
#include "account/table.hpp"

namespace meterbox::account {

namespace {

std::optional<std::int64_t> unit_size_of(core::Measure measure, const std::string& text) {
    std::optional<std::int64_t> size;
    if (measure == core::Measure::duration) {
        size = core::parse_short_duration_ms(text);
    } else {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc{} && end == text.data() + text.size()) size = number;
    }
    if (!size || *size < 1 || *size > core::limits::unit_size_max) return std::nullopt;
    return size;
}

bool is_currency(const std::string& text) {
    return text.size() == 3 && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
}

// Takes over what was given of name, enforcement and price.
std::optional<Outcome> change(CatalogueEntry& entry, const ResourceOptions& options) {
    if (options.name) {
        if (!is_name(*options.name)) return wrong_name();
        entry.resource.name = *options.name;
    }
    if (options.enforcement) {
        const auto enforcement = core::enforcement_from(*options.enforcement);
        if (!enforcement)
            return wrong_usage("--enforcement " + *options.enforcement + ": hard, soft or none");
        entry.resource.enforcement = *enforcement;
    }
    if (options.currency && !is_currency(*options.currency)) {
        return wrong_usage("--currency " + *options.currency + ": three capital letters like EUR");
    }
    if (options.price && (*options.price < 0 || *options.price > core::limits::price_max))
        return wrong_usage("--price: minor units of the currency, 0 to 10^12");
    if (options.price) {
        const auto currency = options.currency ? *options.currency
                              : entry.price    ? entry.price->currency
                                               : std::string();
        if (currency.empty()) return wrong_usage("--price needs --currency, like EUR");
        if (entry.price && entry.price->currency != currency) {
            return failed("the price of " + entry.resource.key + " is in " + entry.price->currency +
                          " for good: give --price in it, or add another resource");
        }
        entry.price = Price{*options.price, currency};
    } else if (options.currency) {
        return wrong_usage("--currency needs --price: give both" +
                           (entry.price ? ", in " + entry.price->currency + ", which stays the price's"
                                        : std::string(", like --price 150 --currency EUR")));
    }
    return std::nullopt;
}

boost::json::object to_json(const CatalogueEntry& entry) {
    boost::json::object json{{"key", entry.resource.key},
                             {"name", entry.resource.name},
                             {"kind", core::name_of(entry.resource.kind)},
                             {"measure", core::name_of(entry.resource.measure)},
                             {"unit_size", entry.resource.unit_size.value()},
                             {"enforcement", core::name_of(entry.resource.enforcement)},
                             {"rate_token_flex", nullptr},
                             {"rate_flex", nullptr},
                             {"price", nullptr},
                             {"currency", nullptr}};
    if (entry.rate_token_flex) json["rate_token_flex"] = *entry.rate_token_flex;
    if (entry.rate_flex) json["rate_flex"] = *entry.rate_flex;
    if (entry.price) json["price"] = entry.price->minor_units;
    if (entry.price) json["currency"] = entry.price->currency;
    return json;
}

}  // namespace

Outcome resource_add(Store& store, const ResourceOptions& options, bool json) {
    if (!core::is_key(options.key)) {
        return wrong_key("KEY", options.key);
    }
    const auto kind = core::kind_from(options.kind);
    if (!kind) return wrong_usage("--kind " + options.kind + ": exhaustible or returnable");
    const auto measure = core::measure_from(options.measure);
    if (!measure) return wrong_usage("--measure " + options.measure + ": duration or count");
    const auto unit_size = unit_size_of(*measure, options.unit);
    if (!unit_size) {
        return wrong_usage(
            "--unit " + options.unit +
            (*measure == core::Measure::duration
                 ? ": a duration like 20m or 1s, of 1ms to " +
                       core::format_short_duration(core::limits::unit_size_max)
                 : ": a whole number from 1 to " + std::to_string(core::limits::unit_size_max)));
    }
    if (*kind == core::Kind::returnable && (*measure != core::Measure::count || *unit_size != 1)) {
        return wrong_usage("a returnable resource has --measure count and --unit 1");
    }
    const auto is_rate = [](std::int64_t rate) { return rate >= 1 && rate <= core::limits::rate_max; };
    if (!is_rate(options.rate_token_flex.value_or(1)) || !is_rate(options.rate_flex.value_or(1))) {
        return wrong_usage("--rate-token-flex, --rate-flex: whole tokens a unit, 1 to 10^9");
    }
    if (*kind == core::Kind::returnable && (options.rate_token_flex || options.rate_flex)) {
        return wrong_usage("a returnable resource has no rate in tokens: its grants are in units");
    }
    if (*kind == core::Kind::returnable && options.price) {
        return wrong_usage("a returnable resource has no price");
    }

    CatalogueEntry entry;
    entry.resource = {
        options.key, options.key, *kind, *measure, core::Amount{*unit_size}, core::Enforcement::hard};
    entry.rate_token_flex = options.rate_token_flex;
    entry.rate_flex = options.rate_flex;
    if (const auto problem = change(entry, options)) return *problem;
    if (find_resource(store.database(), options.key)) {
        return failed("resource " + options.key + " is there already");
    }
    add_resource(store.database(), entry, store.now());
    if (!json) return {exit_done, options.key + "\n", {}};
    return {exit_done, boost::json::serialize(boost::json::object{{"id", options.key}}) + "\n", {}};
}

Outcome resource_set(Store& store, const ResourceOptions& options, bool json) {
    if (!options.name && !options.enforcement && !options.price && !options.currency)
        return wrong_usage("nothing to set: give --name, --enforcement or --price");
    auto entry = find_resource(store.database(), options.key);
    if (!entry) return no_such_resource(options.key);
    if (entry->resource.kind == core::Kind::returnable && options.price) {
        return wrong_usage("a returnable resource has no price");
    }
    if (const auto problem = change(*entry, options)) return *problem;
    update_resource(store.database(), *entry, store.now());
    return {exit_done, json ? boost::json::serialize(to_json(*entry)) + "\n" : "", {}};
}

Outcome resource_list(Store& store, bool json) {
    Table table({"RESOURCE", "NAME", "KIND", "UNIT", "ENFORCEMENT", "PRICE"});
    boost::json::array list;
    for (const CatalogueEntry& entry : list_resources(store.database())) {
        const core::Resource& resource = entry.resource;
        const bool duration = resource.measure == core::Measure::duration;
        table.add(
            {resource.key, resource.name, std::string(core::name_of(resource.kind)),
             duration ? core::format_short_duration(resource.unit_size.value())
                      : std::to_string(resource.unit_size.value()),
             std::string(core::name_of(resource.enforcement)),
             entry.price ? std::to_string(entry.price->minor_units) + " " + entry.price->currency : "-"});
        list.push_back(to_json(entry));
    }
    if (!json) return {exit_done, table.text(), {}};
    return {exit_done, boost::json::serialize(boost::json::object{{"resources", list}}) + "\n", {}};
}

}  // namespace meterbox::account
