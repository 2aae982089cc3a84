// METERBOX_ASSERT: a claim that only a bug in meterbox can break. On in every build: a wrong sum
// must stop the process, whose journal is safe, rather than be stored. Outcomes that can happen
// (offline, full disk, bad input) are values of Result, never assertions.
#pragma once

namespace meterbox::core {
[[noreturn]] void assertion_failed(const char* claim, const char* file, int line) noexcept;
}

#define METERBOX_ASSERT(claim) \
    ((claim) ? static_cast<void>(0) : ::meterbox::core::assertion_failed(#claim, __FILE__, __LINE__))
