// Many values, one after the other: right for a database that is no round trip away.
#include "platform/sql/statement.hpp"

namespace meterbox::platform::sql {

using core::Result;

Result<void> Statement::each_of(std::size_t count, const BindNth& bind, const RowOfNth& row) {
    for (std::size_t i = 0; i < count; ++i) {
        bind(i);
        auto more = next();
        for (; more && *more; more = next()) row(i, *this);
        reset();
        if (!more) return more.error();
    }
    return {};
}

Result<void> Statement::run_each_of(std::size_t count, const BindNth& bind) {
    for (std::size_t i = 0; i < count; ++i) {
        bind(i);
        if (auto done = run_unheard(); !done) return done;
    }
    return {};
}

}  // namespace meterbox::platform::sql
