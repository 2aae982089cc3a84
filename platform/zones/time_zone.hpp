// A time zone of the IANA database, as this system has it (Debian's tzdata). Where local days begin and
// which date it is: nothing else. Loaded once and kept by the library; a copy costs nothing. Any thread.
#pragma once

#include <memory>
#include <string>

#include "core/billing_cycle.hpp"
#include "core/error.hpp"

namespace meterbox::platform::zones {

class TimeZone final : public core::LocalCalendar {
public:
    // invalid, with one line that says what to do: no such zone, or no database at all.
    [[nodiscard]] static core::Result<TimeZone> find(const std::string& name);

    core::UtcTime first_instant(core::LocalDate date) const override;
    core::LocalDate date_of(core::UtcTime time) const override;

private:
    struct Loaded;
    explicit TimeZone(std::shared_ptr<const Loaded> loaded) : loaded_(std::move(loaded)) {}

    std::shared_ptr<const Loaded> loaded_;
};

}  // namespace meterbox::platform::zones
