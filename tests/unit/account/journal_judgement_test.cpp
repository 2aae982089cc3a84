// Where two chains part, by their starts.
#include "account/journal_judgement.hpp"

#include "core/limits.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox::account;
using meterbox::core::wire::HelloRequest;
using meterbox::core::wire::JournalHead;

namespace {

HelloRequest said(JournalHead head, std::vector<JournalHead> starts, JournalHead acknowledged = {}) {
    HelloRequest hello;
    hello.head = std::move(head);
    hello.starts = std::move(starts);
    hello.acknowledged = std::move(acknowledged);
    return hello;
}

const KnownJournal known{{50, "h50"}, {{1, "s1"}, {20, "s20"}, {40, "s40"}}, 0};

void check(const HelloRequest& hello, JournalVerdict verdict, std::int64_t shared,
           const KnownJournal& journal = known) {
    const JournalJudgement judged = judge_journal(journal, hello);
    CHECK(judged.verdict == verdict);
    CHECK(judged.shared == shared);
}

}  // namespace

TEST_CASE("a journal that nothing is known of goes on") {
    check(said({7, "x"}, {{1, "x"}}), JournalVerdict::goes_on, 0, KnownJournal{});
}

TEST_CASE("the same hash at the known link says all") {
    check(said({60, "x"}, {}, {50, "h50"}), JournalVerdict::goes_on, 50);
    check(said({50, "h50"}, {}, {10, "h10"}), JournalVerdict::goes_on, 50);
}

TEST_CASE("without the hash, the same starts do") {
    check(said({60, "x"}, {{55, "s55"}, {40, "s40"}, {20, "s20"}, {1, "s1"}}), JournalVerdict::goes_on, 50);
}

TEST_CASE("a copy parts where its first start of its own is") {
    check(said({31, "x"}, {{31, "other"}, {20, "s20"}, {1, "s1"}}), JournalVerdict::parted, 30);
    check(said({80, "x"}, {{31, "other"}, {20, "s20"}, {1, "s1"}}), JournalVerdict::parted, 30);
    check(said({80, "x"}, {{40, "other"}, {20, "s20"}, {1, "s1"}}), JournalVerdict::parted, 39);
}

TEST_CASE("a link that was acknowledged on another chain hides no start from before it") {
    check(said({80, "x"}, {{31, "other"}, {20, "s20"}, {1, "s1"}}, {60, "h60"}), JournalVerdict::parted, 30);
    check(said({80, "x"}, {{31, "other"}, {20, "s20"}, {1, "s1"}}, {49, "h49"}), JournalVerdict::parted, 30);
}

TEST_CASE("the disk that was copied parts where the copy's first start is") {
    check(said({80, "x"}, {{20, "s20"}, {1, "s1"}}), JournalVerdict::parted, 39);
    check(said({80, "x"}, {{1, "s1"}}), JournalVerdict::parted, 19);
    check(said({30, "x"}, {{1, "s1"}}), JournalVerdict::parted, 19);
}

TEST_CASE("a beginning of the known journal is behind") {
    check(said({39, "x"}, {{20, "s20"}, {1, "s1"}}), JournalVerdict::behind, 39);
    check(said({10, "x"}, {{1, "s1"}}), JournalVerdict::behind, 10);
}

TEST_CASE("another hash where the starts are the same: memory was put back") {
    check(said({60, "x"}, {{40, "s40"}, {20, "s20"}, {1, "s1"}}, {50, "other"}), JournalVerdict::parted, 50);
    check(said({50, "other"}, {{40, "s40"}, {20, "s20"}, {1, "s1"}}), JournalVerdict::parted, 50);
}

TEST_CASE("starts of before what either names are not compared") {
    KnownJournal since = known;
    since.starts = {{40, "s40"}};
    since.starts_after = 30;
    check(said({60, "x"}, {{40, "s40"}, {25, "s25"}}), JournalVerdict::goes_on, 50, since);
    std::vector<JournalHead> many;
    for (std::size_t i = 0; i < meterbox::core::limits::journal_starts_max; ++i)
        many.push_back({200 - static_cast<std::int64_t>(i), "s"});
    check(said({200, "x"}, many), JournalVerdict::goes_on, 50);
    CHECK(starts_named_after({3, ""}, many) == 200 - static_cast<std::int64_t>(many.size()));
    CHECK(starts_named_after({3, ""}, {}) == 3);
}

TEST_CASE("an agent without a chain is judged by the number alone") {
    const KnownJournal older{{50, ""}, {}, 0};
    check(said({60, ""}, {}), JournalVerdict::goes_on, 50, older);
    check(said({40, ""}, {}), JournalVerdict::behind, 40, older);
}
