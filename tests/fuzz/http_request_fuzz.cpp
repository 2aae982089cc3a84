// platform/http/request_reader: requests one after the other on a connection. What they read as doesn't
// depend on how their bytes were split, and each lies within the limits.
#include "platform/http/request_reader.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/splitting.hpp"

namespace {

using namespace meterbox;
using namespace meterbox::platform::http;
using Progress = RequestReader::Progress;

const Limits& small_limits() {
    static const Limits limits = [] {
        Limits small;
        small.header_bytes_max = 200;
        small.body_bytes_max = 50;
        small.dropped_body_bytes_max = 500;
        return small;
    }();
    return limits;
}

std::string text_of(const Request& request) {
    std::string text(request.method());
    for (const std::string_view part :
         {request.target(), request.raw_path(), request.path(), request.body()}) {
        text += '|';
        text += part;
    }
    for (const Field& field : request.headers()) {
        text += '|';
        text += field.name;
        text += ':';
        text += field.value;
    }
    return text + '|' + request.query("a").value_or("none");
}

class Connection {
public:
    // False: the server would read no more.
    bool take(std::string_view piece) {
        pending_ += piece;
        std::string_view input = pending_;
        Progress progress = Progress::head;
        while (progress != Progress::need_more && goes_on_) {
            progress = reader_.read(input);
            if (progress == Progress::complete) complete();
            if (progress == Progress::bad) bad();
        }
        pending_.erase(0, pending_.size() - input.size());
        return goes_on_;
    }
    const std::string& seen() const { return seen_; }

private:
    void complete() {
        const Peer peer;
        const Request& request = reader_.request(peer);
        METERBOX_ASSERT(request.body().size() <= small_limits().body_bytes_max);
        METERBOX_ASSERT(request.target().size() <= small_limits().header_bytes_max);
        if (reader_.is_oversized()) fuzz::check_refusal(reader_.error());
        seen_ += reader_.is_oversized() ? "too long" : text_of(request);
        seen_ += reader_.is_keep_alive() ? "\n" : " and closed\n";
        goes_on_ = reader_.is_keep_alive();
        reader_.reset();
    }
    void bad() {
        fuzz::check_refusal(reader_.error());
        seen_ += "refused\n";
        goes_on_ = false;
    }

    RequestReader reader_{small_limits()};
    std::string pending_;
    std::string seen_;
    bool goes_on_ = true;
};

std::string read_as(std::string_view text, fuzz::Splitting splitting) {
    Connection connection;
    fuzz::feed(text, splitting, [&connection](std::string_view piece) { return connection.take(piece); });
    return connection.seen();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The parser looks at the lines of a header that came in parts once it has ended.
    const std::string text = std::string(fuzz::text_of(data, size)) + "\r\n\r\n";
    const std::string whole = read_as(text, fuzz::Splitting::none);
    METERBOX_ASSERT(read_as(text, fuzz::Splitting::every_byte) == whole);
    METERBOX_ASSERT(read_as(text, fuzz::Splitting::by_content) == whole);
    return 0;
}
