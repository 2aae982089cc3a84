// Small changes to an input, the same ones for the same seed: what the replay tries around each input of
// the corpus. It knows no coverage; for that there is libFuzzer.
#pragma once

#include <random>
#include <string>
#include <string_view>

namespace meterbox::fuzz {

// One to four changes: bytes replaced, inserted, removed, repeated, numbers made extreme, or a piece of
// another input put in.
std::string mutated(std::string text, std::string_view other, std::mt19937_64& random);

}  // namespace meterbox::fuzz
