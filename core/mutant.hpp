// Deliberate faults of the code that keeps promises. The preset mutants makes the one that METERBOX_MUTANT
// names in the environment, to see whether the tests notice (tests/mutants/run.py, which lists them all).
// In every other build the name is a plain false: nothing of it is compiled.
#pragma once

#ifdef METERBOX_MUTANTS
namespace meterbox::core {
bool is_mutant(const char* name);  // tests/mutants/is_mutant.cpp
}
#define METERBOX_MUTANT(name) (::meterbox::core::is_mutant(#name))
#else
#define METERBOX_MUTANT(name) false
#endif
