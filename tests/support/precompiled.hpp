// Precompiled once for all Catch2 tests; see core/precompiled.hpp.
#pragma once

#include "core/precompiled.hpp"
#include "tests/support/catch.hpp"
