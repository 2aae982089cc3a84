// Somebody must own the precompiled header of all tests: catch_main.cpp configures Catch2 before including
// it.
#include "tests/support/precompiled.hpp"
