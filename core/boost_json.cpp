// Boost.JSON, compiled once for every program (BOOST_JSON_STANDALONE is off; header-only elsewhere).
#include <boost/json/src.hpp>
