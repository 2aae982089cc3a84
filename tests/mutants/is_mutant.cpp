// The mutant that this process is, if any: read once, told apart by name.
#include <cstdlib>
#include <cstring>

#include "core/mutant.hpp"

namespace meterbox::core {

bool is_mutant(const char* name) {
    static const char* const chosen = std::getenv("METERBOX_MUTANT");
    return chosen != nullptr && std::strcmp(chosen, name) == 0;
}

}  // namespace meterbox::core
