// The witness beside a real journal: a journal that was put back from a copy is found out, nothing is spent
// on it until hello was answered, and no honest journal is ever suspected.
#include "agent/witness.hpp"

#include <filesystem>
#include <fstream>

#include "agent/journal.hpp"
#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/journal_builders.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using agent::Journal;
namespace fs = std::filesystem;

namespace {

constexpr auto slot = static_cast<std::int64_t>(core::limits::witness_slot_bytes);

// A journal of its own in a folder, and copies of it.
struct Disk {
    tests::TemporaryFolder folder;
    fs::path journal() const { return folder / "journal.db"; }
    fs::path witness() const { return folder / "journal.db-witness"; }
    void keep_copy() const { fs::copy_file(journal(), folder / "copy.db"); }
    void put_back() const {
        fs::remove(folder / "journal.db-wal");
        fs::copy_file(folder / "copy.db", journal(), fs::copy_options::overwrite_existing);
    }
    // Closed in between, so that the file is all of it.
    template <class Work>
    void with_journal(Work work) const {
        Journal opened(journal());
        work(opened);
    }
    void spoil_slot(std::int64_t at) const {
        std::fstream file(witness(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(at * slot + 200);
        file.put('\x7f');
    }
};

void begin(Journal& journal) {
    tests::transaction(journal, [&] { journal.describe({tests::render()}); });
    tests::transaction(journal, [&] {
        journal.take_lease(tests::lease(100), tests::journal_now());
        journal.set_meta("lease_number", "7");
    });
}

void report(Journal& journal, int number, std::int64_t amount) {
    tests::transaction(journal, [&] {
        REQUIRE(journal.report(std::vector{tests::event(number, amount)}, tests::journal_now()));
    });
}

core::Units used(Journal& journal) {
    return journal.ledgers().at(0)->used();
}

}  // namespace

TEST_CASE("a journal that was closed, or killed, is not suspected when it is opened again") {
    const Disk disk;
    disk.with_journal([](Journal& journal) {
        begin(journal);
        for (int i = 1; i < 20; ++i) report(journal, i, 700);
    });
    disk.with_journal([](Journal& journal) {
        CHECK_FALSE(journal.suspicion());
        REQUIRE(journal.witnessed());
        CHECK(journal.witnessed()->lease_number == 7);
        CHECK(journal.witnessed()->resources.at(0).tranches.at(0).used == used(journal));
    });
    const Disk killed;
    fs::copy_file(disk.journal(), killed.journal());
    fs::copy_file(disk.witness(), killed.witness());
    killed.with_journal([](Journal& journal) { CHECK_FALSE(journal.suspicion()); });
}

TEST_CASE("a journal that was put back from a copy is suspected, and stays so until hello is answered") {
    const Disk disk;
    disk.with_journal(begin);
    disk.keep_copy();
    disk.with_journal([](Journal& journal) { report(journal, 1, 2'500); });
    disk.put_back();
    for (int start = 0; start < 2; ++start)
        disk.with_journal([&](Journal& journal) {
            REQUIRE(journal.suspicion());
            CHECK(journal.suspicion()->cause == agent::Suspicion::Cause::witness_ahead);
            CHECK_FALSE(journal.suspicion()->detail.empty());
            report(journal, 10 + start, 1'200);
            tests::transaction(journal, [&] { journal.settle_overage(tests::journal_now()); });
            CHECK(used(journal) == core::Units{0});
            CHECK(journal.take_publications().back().suspicion);
        });
    disk.with_journal([](Journal& journal) {
        CHECK(journal.ledgers().at(0)->metered() == core::Amount{2'400});
        CHECK(journal.ledgers().at(0)->overage_units() == core::Units{2});
        tests::transaction(journal, [&] { journal.dispel_suspicion(); });
        CHECK_FALSE(journal.suspicion());
        CHECK_FALSE(journal.take_publications().back().suspicion);
        tests::transaction(journal, [&] { journal.settle_overage(tests::journal_now()); });
        CHECK(used(journal) == core::Units{2});
    });
    disk.with_journal([](Journal& journal) { CHECK_FALSE(journal.suspicion()); });
}

TEST_CASE("a suspicion that a full disk kept from being dispelled stays") {
    const Disk disk;
    disk.with_journal(begin);
    disk.keep_copy();
    disk.with_journal([](Journal& journal) { report(journal, 1, 2'500); });
    disk.put_back();
    disk.with_journal([](Journal& journal) {
        REQUIRE(journal.begin());
        journal.dispel_suspicion();
        journal.rollback();
        CHECK(journal.suspicion());
        tests::transaction(journal, [] {});
        CHECK(journal.suspicion());
    });
}

TEST_CASE("a journal of another machine is suspected, also when it has come further") {
    const Disk disk;
    const Disk other;
    disk.with_journal(begin);
    other.with_journal([](Journal& journal) {
        begin(journal);
        for (int i = 1; i < 9; ++i) report(journal, i, 1'000);
    });
    fs::copy_file(other.journal(), disk.journal(), fs::copy_options::overwrite_existing);
    disk.with_journal([](Journal& journal) {
        REQUIRE(journal.suspicion());
        CHECK(journal.suspicion()->detail.find("isn't the one") != std::string::npos);
    });
}

TEST_CASE("a witness that is lost or torn suspects nobody, and of two slots the whole one counts") {
    const Disk disk;
    disk.with_journal(begin);
    disk.keep_copy();
    disk.with_journal([](Journal& journal) { report(journal, 1, 1'000); });
    disk.with_journal([](Journal& journal) { report(journal, 2, 1'000); });
    const std::int64_t newest = [&] {
        const agent::Witness before(disk.witness());
        const std::int64_t sequence = before.record()->sequence;
        disk.spoil_slot(0);
        const agent::Witness after(disk.witness());
        REQUIRE(after.record());
        return after.record()->sequence < sequence ? 0 : 1;
    }();
    disk.with_journal([](Journal& journal) { CHECK_FALSE(journal.suspicion()); });
    CAPTURE(newest);
    disk.put_back();
    disk.with_journal([](Journal& journal) { CHECK(journal.suspicion()); });  // by the slot that is left
    disk.spoil_slot(1);
    disk.with_journal([](Journal& journal) {
        CHECK_FALSE(journal.witnessed());
        CHECK_FALSE(journal.suspicion());
    });
    fs::remove(disk.witness());
    disk.with_journal([](Journal& journal) { CHECK_FALSE(journal.suspicion()); });
}

TEST_CASE("every witness that is cut short is none, or the one before") {
    const Disk disk;
    disk.with_journal(begin);
    const auto whole = static_cast<std::int64_t>(fs::file_size(disk.witness()));
    const std::int64_t sequence = agent::Witness(disk.witness()).record()->sequence;
    for (std::int64_t size = whole; size >= 0; size -= 97) {
        fs::resize_file(disk.witness(), static_cast<std::uintmax_t>(size));
        const agent::Witness read(disk.witness());
        if (read.record()) CHECK(read.record()->sequence <= sequence);
    }
}

TEST_CASE("the witness is written when units or a lease are committed, and by nothing else") {
    const Disk disk;
    disk.with_journal([&](Journal& journal) {
        begin(journal);
        const auto seen = [&] { return agent::Witness(disk.witness()).record()->sequence; };
        const std::int64_t leased = seen();
        CHECK(leased == journal.chain().head().sequence);
        report(journal, 1, 999);
        tests::transaction(journal, [&] { journal.set_meta("supply", "{}"); });
        CHECK(seen() == leased);
        report(journal, 2, 1);
        CHECK(seen() == journal.chain().head().sequence);
    });
}
