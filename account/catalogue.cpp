// The table resource.
#include "account/catalogue.hpp"

namespace meterbox::account {

namespace {

#define COLUMNS                                                                             \
    "SELECT key, name, kind, measure, unit_size, enforcement, rate_token_flex, rate_flex, " \
    "price, currency FROM resource "

CatalogueEntry entry_of(platform::sql::Row& row) {
    CatalogueEntry entry;
    entry.resource.key = row.string(0);
    entry.resource.name = row.string(1);
    entry.resource.kind = core::kind_from(row.text(2)).value_or(core::Kind::exhaustible);
    entry.resource.measure = core::measure_from(row.text(3)).value_or(core::Measure::duration);
    entry.resource.unit_size = core::Amount{row.integer(4)};
    entry.resource.enforcement = core::enforcement_from(row.text(5)).value_or(core::Enforcement::hard);
    entry.rate_token_flex = row.optional_integer(6);
    entry.rate_flex = row.optional_integer(7);
    if (!row.is_null(8)) entry.price = Price{row.integer(8), row.string(9)};
    return entry;
}

void raise_version(Database& database) {
    database.run("UPDATE account SET catalogue_version = catalogue_version + 1");
}

std::optional<std::int64_t> amount_of(const std::optional<Price>& price) {
    return price ? std::optional(price->minor_units) : std::nullopt;
}
std::optional<std::string> currency_of(const std::optional<Price>& price) {
    return price ? std::optional(price->currency) : std::nullopt;
}

// Its usage is recorded and nothing else: it isn't in M.
int is_unmetered(const core::Resource& resource) {
    return resource.enforcement == core::Enforcement::none ? 1 : 0;
}

void note_price(Database& database, const CatalogueEntry& entry, core::UtcTime now) {
    if (!entry.price) return;
    database.run(
        "INSERT INTO price (resource, since, price) VALUES (?, ?, ?) ON CONFLICT (resource, since) DO UPDATE "
        "SET price = excluded.price",
        entry.resource.key, now, entry.price->minor_units);
}

}  // namespace

Catalogue load_catalogue(Database& database) {
    Catalogue catalogue;
    catalogue.version = database.number("SELECT catalogue_version FROM account");
    for (auto& entry : list_resources(database)) catalogue.resources.push_back(std::move(entry.resource));
    return catalogue;
}

std::vector<CatalogueEntry> list_resources(Database& database) {
    std::vector<CatalogueEntry> entries;
    database.each(COLUMNS "ORDER BY key", [&](auto& row) { entries.push_back(entry_of(row)); });
    return entries;
}

std::optional<CatalogueEntry> find_resource(Database& database, const std::string& key) {
    return database.first(COLUMNS "WHERE key = ?", entry_of, key);
}

void add_resource(Database& database, const CatalogueEntry& entry, core::UtcTime now) {
    const core::Resource& resource = entry.resource;
    database.run(
        "INSERT INTO resource (key, name, kind, measure, unit_size, enforcement, rate_token_flex, "
        "rate_flex, price, currency, created_at, ever_unmetered) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        resource.key, resource.name, core::name_of(resource.kind), core::name_of(resource.measure),
        resource.unit_size, core::name_of(resource.enforcement), entry.rate_token_flex, entry.rate_flex,
        amount_of(entry.price), currency_of(entry.price), now, is_unmetered(resource));
    note_price(database, entry, now);
    raise_version(database);
}

void update_resource(Database& database, const CatalogueEntry& entry, core::UtcTime now) {
    database.run(
        "UPDATE resource SET name = ?, enforcement = ?, price = ?, currency = ?, ever_unmetered = CASE WHEN "
        "? "
        "= 1 THEN 1 ELSE ever_unmetered END WHERE key = ?",
        entry.resource.name, core::name_of(entry.resource.enforcement), amount_of(entry.price),
        currency_of(entry.price), is_unmetered(entry.resource), entry.resource.key);
    note_price(database, entry, now);
    raise_version(database);
}

std::optional<std::int64_t> price_at(Database& database, const std::string& resource, core::UtcTime time) {
    return database.first(
        "SELECT price FROM price WHERE resource = ? AND since <= ? ORDER BY since DESC LIMIT 1",
        [](auto& row) { return row.integer(0); }, resource, time);
}

std::optional<std::int64_t> first_price(Database& database, const std::string& resource) {
    return database.first(
        "SELECT price FROM price WHERE resource = ? ORDER BY since LIMIT 1",
        [](auto& row) { return row.integer(0); }, resource);
}

}  // namespace meterbox::account
