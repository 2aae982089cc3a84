// Precompiled once for the libraries that see neither socket nor clock (core, config, the pure tests).
// Saves building time and nothing else: every file names what it includes itself.
#pragma once

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
