#include "platform/postgres/library.hpp"

#include <dlfcn.h>

#include <string>

namespace meterbox::platform::postgres {

namespace {

core::Result<Library> load() {
    void* const handle = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr)
        return core::Error{core::ErrorCode::storage,
                           "PostgreSQL's client library libpq.so.5 is missing: install it (Debian: libpq5)",
                           std::nullopt,
                           {}};
    Library loaded;
    const char* missing = nullptr;
#define METERBOX_FIND(name)                                                    \
    loaded.name = reinterpret_cast<decltype(&::name)>(::dlsym(handle, #name)); \
    if (loaded.name == nullptr) missing = #name;
    METERBOX_LIBPQ(METERBOX_FIND)
#undef METERBOX_FIND
    if (missing != nullptr)
        return core::Error{core::ErrorCode::storage,
                           std::string("PostgreSQL's client library lacks ") + missing +
                               ": install a newer one (Debian 12's libpq5)",
                           std::nullopt,
                           {}};
    return loaded;
}

}  // namespace

core::Result<const Library*> library() {
    static const core::Result<Library> loaded = load();
    if (!loaded) return loaded.error();
    return &*loaded;
}

}  // namespace meterbox::platform::postgres
