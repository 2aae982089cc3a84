// What is metered, as this account defines it: the resources and their version, which rises with every
// change, so that an agent is sent the catalogue only when it holds another one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "account/database.hpp"
#include "core/resource.hpp"
#include "core/time.hpp"

namespace meterbox::account {

struct Price {
    std::int64_t minor_units = 0;  // of the currency, for one unit
    std::string currency;          // EUR
};

// A resource with what only the account needs.
struct CatalogueEntry {
    core::Resource resource;
    std::optional<std::int64_t> rate_token_flex;
    std::optional<std::int64_t> rate_flex;
    std::optional<Price> price;
};

struct Catalogue {
    std::int64_t version = 0;
    std::vector<core::Resource> resources;  // by key
};

Catalogue load_catalogue(Database& database);
std::vector<CatalogueEntry> list_resources(Database& database);
std::optional<CatalogueEntry> find_resource(Database& database, const std::string& key);

void add_resource(Database& database, const CatalogueEntry& entry, core::UtcTime now);
// Name, enforcement and price; nothing else of a resource ever changes.
void update_resource(Database& database, const CatalogueEntry& entry, core::UtcTime now);

// What a unit cost at that moment, in minor units: a cycle has the price at its beginning. none: nothing yet.
std::optional<std::int64_t> price_at(Database& database, const std::string& resource, core::UtcTime time);
// The one that it had first: a payg grant may start before anybody set it. none: it has none.
std::optional<std::int64_t> first_price(Database& database, const std::string& resource);

}  // namespace meterbox::account
