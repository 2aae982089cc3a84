// What is left for who waits, where resources share tokens.
#include "account/stock.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox;
using namespace meterbox::account;
using core::Units;

namespace {

constexpr core::UtcTime now{1'000};

Tranche units(std::int64_t id, std::int64_t available) {
    Tranche tranche;
    tranche.id = id;
    tranche.purchased = Units{available};
    tranche.available = Units{available};
    return tranche;
}

Tranche out_of(const std::shared_ptr<Tranche>& pool, std::int64_t id, std::int64_t rate) {
    Tranche tranche = units(id, 0);
    tranche.pool = pool;
    tranche.rate = rate;
    tranche.look_into_pool();
    return tranche;
}

std::shared_ptr<Tranche> tokens(std::int64_t id, std::int64_t available) {
    return std::make_shared<Tranche>(units(id, available));
}

Stock stock_of(const std::vector<Tranche>& render, const std::vector<Tranche>& api = {}) {
    Stock stock;
    stock.add("render", render, now);
    stock.add("api", api, now);
    return stock;
}

Claim render(std::int64_t need) {
    return {"render", Units{need}};
}
Claim api(std::int64_t need) {
    return {"api", Units{need}};
}

}  // namespace

TEST_CASE("of one resource that shares nothing there is what those who wait don't need") {
    for (std::int64_t available = 0; available <= 12; ++available) {
        const Stock stock = stock_of({units(1, available / 2), units(2, available - available / 2)});
        for (std::int64_t older = 0; older <= 14; ++older) {
            const std::vector<Claim> line{render(older / 3), render(older - older / 3)};
            const Units left{std::max<std::int64_t>(0, available - older)};
            CHECK(stock.beyond("render", line, Rest::given) == left);
            CHECK(stock.beyond("render", line, Rest::kept) == left);
        }
    }
}

TEST_CASE("tokens that somebody waits for are left to them, whatever they are for") {
    const auto pool = tokens(9, 12);
    const Stock stock = stock_of({out_of(pool, 1, 3)}, {out_of(pool, 2, 2)});
    CHECK(stock.share("render", "api"));
    CHECK(stock.beyond("api", std::vector{render(1)}, Rest::given) == Units{4});  // 9 tokens at 2
    CHECK(stock.beyond("api", std::vector{render(3)}, Rest::given) == Units{1});
    CHECK(stock.beyond("api", std::vector{render(4)}, Rest::given) == Units{0});
    CHECK(stock.beyond("render", std::vector{api(2), render(1)}, Rest::given) == Units{1});
    CHECK(stock.beyond("api", {}, Rest::given) == Units{6});
}

TEST_CASE("who waits has enough where another tranche of its resource covers it") {
    const auto pool = tokens(9, 6);
    const Stock stock = stock_of({out_of(pool, 1, 3), units(3, 1)}, {out_of(pool, 2, 2)});
    CHECK(stock.beyond("api", std::vector{render(1)}, Rest::given) == Units{3});
    CHECK(stock.beyond("api", std::vector{render(2)}, Rest::given) == Units{1});
    CHECK(stock.beyond("api", std::vector{render(3)}, Rest::given) == Units{0});
}

TEST_CASE("units that nobody else could have are given, though somebody waits for tokens in vain") {
    const auto pool = tokens(9, 2);
    const Stock first_own = stock_of({out_of(pool, 1, 3)}, {units(3, 5), out_of(pool, 2, 2)});
    CHECK(first_own.beyond("api", std::vector{render(1)}, Rest::kept) == Units{5});
    CHECK(first_own.beyond("api", std::vector{render(1)}, Rest::given) == Units{6});
    // Draw order comes first: what is behind a rest that is kept isn't reached.
    const Stock first_tokens = stock_of({out_of(pool, 1, 3)}, {out_of(pool, 2, 2), units(3, 5)});
    CHECK(first_tokens.beyond("api", std::vector{render(1)}, Rest::kept) == Units{0});
    CHECK(first_tokens.beyond("api", std::vector{render(1)}, Rest::given) == Units{6});
}

TEST_CASE("one who draws on other tokens because of what was given isn't served out of a third's") {
    const auto first = tokens(8, 3);
    const auto second = tokens(9, 3);
    Stock stock;
    stock.add("api", std::vector{out_of(first, 1, 1)}, now);
    stock.add("render", std::vector{out_of(first, 2, 1), out_of(second, 3, 1)}, now);
    stock.add("model", std::vector{out_of(second, 4, 1)}, now);
    CHECK(stock.beyond("api", std::vector{render(3)}, Rest::given) == Units{3});
    CHECK(stock.beyond("api", std::vector<Claim>{render(3), {"model", Units{2}}}, Rest::given) == Units{1});
    CHECK_FALSE(stock.share("api", "model"));
}

TEST_CASE("what isn't valid now, is open, or is overdrawn while the account learns, is none of it") {
    const auto next = tokens(8, 9);
    Tranche later = out_of(next, 1, 1);
    later.starts_at = now + 1;
    Tranche open = units(2, 0);
    open.purchased.reset();
    const Stock stock = stock_of({later, open, units(3, -2), units(4, 5)}, {out_of(next, 5, 1)});
    CHECK(stock.beyond("render", {}, Rest::given) == Units{5});
    CHECK_FALSE(stock.share("render", "api"));
    CHECK(stock.beyond("nothing", std::vector{render(1)}, Rest::given) == Units{0});
}

TEST_CASE("whatever there is, nobody in the line has less, and one unit more would take some") {
    for (std::int64_t in_pool = 0; in_pool <= 12; ++in_pool) {
        for (std::int64_t own = 0; own <= 2; ++own) {
            for (std::int64_t need = 0; need <= 4; ++need) {
                for (std::int64_t rate = 1; rate <= 4; ++rate) {
                    const auto pool = tokens(9, in_pool);
                    const Stock stock =
                        stock_of({out_of(pool, 1, rate)}, {units(3, own), out_of(pool, 2, 2)});
                    const std::vector<Claim> line{render(need)};
                    const std::int64_t given = stock.beyond("api", line, Rest::given).value();
                    const auto renders = [&](std::int64_t apis) {
                        const std::int64_t left = in_pool - std::max<std::int64_t>(0, apis - own) * 2;
                        return std::min(need, left / rate);
                    };
                    REQUIRE(renders(given) == renders(0));
                    if (given < own + in_pool / 2) REQUIRE(renders(given + 1) < renders(0));
                }
            }
        }
    }
}
