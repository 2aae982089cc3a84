// GET /metrics of the admin port: every team that the credential may read, gathered team by team in slices
// between commits. Figures of the process itself are for those who may read all teams.
#pragma once

#include "account/account_metrics.hpp"
#include "account/admin_access.hpp"
#include "account/store_jobs.hpp"
#include "platform/http/server.hpp"

namespace meterbox::account {

void answer_metrics(StoreJobs& jobs, Credential credential, const platform::http::Request& request,
                    platform::http::Responder responder);

}  // namespace meterbox::account
