// A request as a handler sees it: whole, its body decoded, its strings views that are valid during
// Handler::handle alone. Nothing of it is trusted but its form: it was well-formed HTTP/1.0 or 1.1
// within the limits. Who sent it is in Peer.
#pragma once

#include <sys/types.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace meterbox::platform::http {

struct Peer {
    std::optional<uid_t> uid;  // uid, gid, groups, pid: Unix sockets, as they were when it connected
    std::optional<gid_t> gid;
    std::vector<gid_t> groups;  // its further ones
    std::optional<pid_t> pid;
    std::string address;  // TCP: host:port, for the log
    std::string
        certificate_fingerprint;  // TLS: SHA-256 of the client's certificate, lower-case hex; empty: none
    std::string certificate_subject;
    std::string certificate_problem;  // why the certificate isn't valid; empty: valid, or there is none
    const void* tls = nullptr;        // TLS: for verify_result_of (tls_server.hpp)
};

struct Field {
    std::string_view name;  // as sent
    std::string_view value;
};

class Request {
public:
    // A HEAD request reads as GET; the server leaves the answer's body out.
    std::string_view method() const { return method_; }
    std::string_view target() const { return target_; }      // as sent
    std::string_view raw_path() const { return raw_path_; }  // as sent, without query
    std::string_view path() const { return path_; }          // percent-decoded, without query
    // The first parameter of that name, percent-decoded. A plus stays a plus: times have offsets.
    std::optional<std::string> query(std::string_view name) const;
    // What is wrong with the query where only these parameters are known, in one line; none: nothing. One
    // that isn't known, comes twice, is empty or isn't percent-encoded would ask for something else than was
    // meant.
    std::optional<std::string> query_problem(std::initializer_list<std::string_view> known) const;
    // The first field of that name, whatever its case.
    std::optional<std::string_view> header(std::string_view name) const;
    const std::vector<Field>& headers() const { return fields_; }
    std::string_view body() const { return body_; }
    const Peer& peer() const { return *peer_; }

    template <class Visitor>
    void visit_headers(Visitor&& visitor) const {
        for (const Field& field : fields_) {
            visitor(field.name, field.value);
        }
    }

private:
    friend class RequestReader;
    std::string_view method_;
    std::string_view target_;
    std::string_view raw_path_;
    std::string_view path_;
    std::string_view query_;
    std::string_view body_;
    std::vector<Field> fields_;
    const Peer* peer_ = nullptr;
};

// %41 -> A. none: a percent sign without two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

// Whether two header names (or other ASCII tokens) are the same but for case.
bool same_token(std::string_view a, std::string_view b);

}  // namespace meterbox::platform::http
