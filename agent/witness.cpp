#include "agent/witness.hpp"

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "core/limits.hpp"
#include "platform/system/chain_hash.hpp"

namespace meterbox::agent {

using platform::sqlite::PlainFile;

namespace {

constexpr std::size_t number_digits = 20;
constexpr std::size_t head_bytes = 64 + 2 * (number_digits + 1) + 1;  // checksum, write, length, line's end
constexpr auto slot_bytes = static_cast<std::int64_t>(core::limits::witness_slot_bytes);

std::string padded(std::int64_t number) {
    const std::string digits = std::to_string(number);
    return std::string(number_digits - digits.size(), '0') + digits;
}

std::optional<std::int64_t> number_from(std::string_view digits) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || number < 0) return std::nullopt;
    return number;
}

std::string checksum_of(std::string_view bytes) {
    platform::system::ChainHasher hasher;
    hasher.begin({});
    hasher.add(bytes);
    return platform::system::hex(hasher.end());
}

// The checksum covers all that follows it.
std::string slot_of(std::int64_t write, std::string_view contents) {
    std::string rest = " " + padded(write) + " " + padded(static_cast<std::int64_t>(contents.size())) + "\n";
    rest += contents;
    return checksum_of(rest) + rest;
}

}  // namespace

Witness::Witness(std::filesystem::path path) : path_(std::move(path)) {
    const auto there = PlainFile::exists(path_);
    if (!there || !*there) return;
    auto file = PlainFile::open(path_);
    if (!file) return;
    file_ = std::move(*file);
    for (const std::int64_t slot : {0, 1}) {
        const std::int64_t before = writes_;
        if (auto record = read_slot(slot); record && writes_ > before) record_ = std::move(record);
    }
}

std::optional<core::WitnessRecord> Witness::read_slot(std::int64_t slot) {
    const auto bytes = file_->read(slot * slot_bytes, core::limits::witness_slot_bytes);
    if (!bytes || bytes->size() < head_bytes) return std::nullopt;
    const std::string_view text = *bytes;
    const auto write = number_from(text.substr(65, number_digits));
    const auto length = number_from(text.substr(65 + number_digits + 1, number_digits));
    if (!write || !length || static_cast<std::uint64_t>(*length) > text.size() - head_bytes)
        return std::nullopt;
    const std::string_view contents = text.substr(head_bytes, static_cast<std::size_t>(*length));
    if (slot_of(*write, contents) != text.substr(0, head_bytes + contents.size())) return std::nullopt;
    auto record = core::witness_from(contents);
    if (!record) return std::nullopt;
    if (*write > writes_) writes_ = *write;
    return std::move(*record);
}

void Witness::write(core::WitnessRecord record) {
    const bool made = file_ == nullptr;
    if (made) {
        auto file = PlainFile::open(path_);
        if (!file) return;
        file_ = std::move(*file);
    }
    std::string contents = core::bytes_of(record);
    if (head_bytes + contents.size() > core::limits::witness_slot_bytes) {
        record.resources.clear();  // what is missing can't be said then, but that something is
        contents = core::bytes_of(record);
    }
    const std::int64_t next = writes_ + 1;
    if (!file_->write(next % 2 * slot_bytes, slot_of(next, contents))) return;
    writes_ = next;
    record_ = std::move(record);
    if (made && !file_->sync()) file_.reset();  // its name, this once
}

}  // namespace meterbox::agent
