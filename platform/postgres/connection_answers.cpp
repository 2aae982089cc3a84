// How a connection hears of what became of its statements: at once, or of many together.
#include <optional>
#include <utility>

#include "platform/postgres/answer.hpp"
#include "platform/postgres/connection.hpp"
#include "platform/postgres/one_line.hpp"
#include "platform/postgres/statement.hpp"

namespace meterbox::platform::postgres {

using core::Error;
using core::ErrorCode;
using core::Result;
using sql::StorageFault;

namespace {

constexpr int unheard_max = 1'000;  // sent and not answered: answers must fit into the socket meanwhile

// Classes and conditions of SQLSTATE, as PostgreSQL's manual lists them in its appendix A.
StorageFault fault_of(std::string_view state) {
    if (state.starts_with("08") || state.starts_with("57P") || state.starts_with("58") || state == "25P03" ||
        state == "XX000")
        return StorageFault::io;
    if (state.starts_with("XX")) return StorageFault::corrupt;
    if (state.starts_with("53")) return StorageFault::full;
    if (state.starts_with("40") || state == "55P03" || state == "57014" || state == "25006")
        return StorageFault::busy;
    return StorageFault::other;
}

}  // namespace

void Connection::send() {
    if (unheard_ > 0) library_.PQflush(connection_);  // that it failed is told by the next answer
}

Result<void> Connection::sent_unheard(bool sent) {
    ++unheard_;
    if (sent && unheard_ < unheard_max) return {};
    return nothing_unheard();
}

Result<void> Connection::nothing_unheard() {
    if (unheard_ == 0) return {};
    const auto settled = settle("can't use");
    if (!settled) return settled.error();
    return {};
}

// libpq's pipeline: a result and a null for each statement, then one for the end. After a failure the server
// leaves out what follows it.
Result<std::vector<Answer>> Connection::settle_all(std::string_view what) {
    std::vector<Answer> answers;
    std::optional<Error> failed;
    const bool synced = library_.PQpipelineSync(connection_) == 1;
    for (int i = std::exchange(unheard_, 0); i > 0; --i) {
        PGresult* const result = synced ? library_.PQgetResult(connection_) : nullptr;
        if (failed) {
            library_.PQclear(result);
        } else if (auto answer = take(result, what)) {
            answers.push_back(std::move(*answer));
        } else {
            failed = answer.error();
        }
        if (result == nullptr) break;
        while (PGresult* const more = library_.PQgetResult(connection_)) {
            library_.PQclear(more);
            if (library_.PQstatus(connection_) != CONNECTION_OK) break;
        }
    }
    if (library_.PQstatus(connection_) == CONNECTION_OK && synced)
        library_.PQclear(library_.PQgetResult(connection_));
    if (library_.PQexitPipelineMode(connection_) != 1 && !failed) failed = failure(nullptr, what);
    if (failed) return *failed;
    return answers;
}

Result<Answer> Connection::settle(std::string_view what) {
    auto answers = settle_all(what);
    if (!answers) return answers.error();
    return std::move(answers->back());
}

bool Connection::begin_pipeline() {
    return unheard_ > 0 || library_.PQenterPipelineMode(connection_) == 1;
}

Result<void> Connection::ask_foreseen() {
    if (!foresight_.expects()) return {};
    std::vector<Statement*> asked;
    for (const auto& [statement, values] : foresight_.take_expected()) {
        const auto can = statement->foresee(values);
        if (!can) return can.error();
        if (*can) asked.push_back(statement);
    }
    if (asked.empty()) return {};
    if (auto heard = nothing_unheard(); !heard) return heard;
    if (!begin_pipeline()) return failure(nullptr, "can't use");
    for (Statement* const statement : asked) {
        ++unheard_;
        if (!statement->send_foreseen()) break;
    }
    const auto answers = settle_all("can't use");
    if (!answers) return answers.error();
    for (std::size_t i = 0; i < asked.size(); ++i) asked[i]->keep_foreseen((*answers)[i]);
    return {};
}

Result<Answer> Connection::take(PGresult* result, std::string_view what) {
    Answer answer(library_, result);
    const ExecStatusType status = library_.PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return answer;
    return failure(result, what);
}

Error Connection::failure(const PGresult* result, std::string_view what) {
    const char* const found = library_.PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string state = found == nullptr ? "" : found;
    last_fault_ = state.empty() || lost() ? StorageFault::io : fault_of(state);
    const char* const message = library_.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    std::string detail = std::string(what) + " " + place_ + ": ";
    if (state == "55P03") {
        detail += "another process of the account doesn't end its transaction";
    } else {
        detail += one_line(message != nullptr ? message : library_.PQerrorMessage(connection_));
    }
    if (!state.empty()) detail += " [" + state + "]";
    const bool ours = last_fault_ == StorageFault::other;
    Error error{ours ? ErrorCode::internal : ErrorCode::storage, std::move(detail), std::nullopt, {}};
    constexpr std::string_view follows_another = "25P02";
    if (begun_ && state != follows_another) {
        first_failure_ = error;
        first_fault_ = last_fault_;
    }
    return error;
}

}  // namespace meterbox::platform::postgres
