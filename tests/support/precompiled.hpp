// Precompiled once for all Catch2 tests; see core/precompiled.hpp. Names no header of ours that a test
// includes too: ccache may serve what another checkout has compiled, and g++ tells by a file's time
// whether it has been included already.
#pragma once

#include "core/precompiled.hpp"

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <ostream>
