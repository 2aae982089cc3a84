// libpq, taken up when a database is first connected to: a program without one at a URL runs where it isn't
// installed. The functions that are used, by their own names.
#pragma once

#include <libpq-fe.h>

#include "core/error.hpp"

namespace meterbox::platform::postgres {

#define METERBOX_LIBPQ(FUNCTION)  \
    FUNCTION(PQconnectdbParams)   \
    FUNCTION(PQfinish)            \
    FUNCTION(PQreset)             \
    FUNCTION(PQstatus)            \
    FUNCTION(PQerrorMessage)      \
    FUNCTION(PQparameterStatus)   \
    FUNCTION(PQsetNoticeReceiver) \
    FUNCTION(PQconninfoParse)     \
    FUNCTION(PQconninfoFree)      \
    FUNCTION(PQfreemem)           \
    FUNCTION(PQhost)              \
    FUNCTION(PQdb)                \
    FUNCTION(PQexec)              \
    FUNCTION(PQprepare)           \
    FUNCTION(PQexecPrepared)      \
    FUNCTION(PQenterPipelineMode) \
    FUNCTION(PQexitPipelineMode)  \
    FUNCTION(PQpipelineSync)      \
    FUNCTION(PQsendQueryPrepared) \
    FUNCTION(PQflush)             \
    FUNCTION(PQconsumeInput)      \
    FUNCTION(PQgetResult)         \
    FUNCTION(PQresultStatus)      \
    FUNCTION(PQresultErrorField)  \
    FUNCTION(PQcmdStatus)         \
    FUNCTION(PQcmdTuples)         \
    FUNCTION(PQntuples)           \
    FUNCTION(PQgetvalue)          \
    FUNCTION(PQgetlength)         \
    FUNCTION(PQgetisnull)         \
    FUNCTION(PQclear)

struct Library {
#define METERBOX_MEMBER(name) decltype(&::name) name = nullptr;
    METERBOX_LIBPQ(METERBOX_MEMBER)
#undef METERBOX_MEMBER
};

// The same one each time; an error says which package is missing.
[[nodiscard]] core::Result<const Library*> library();

}  // namespace meterbox::platform::postgres
