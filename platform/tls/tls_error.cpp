#include "platform/tls/tls_error.hpp"

#include <string>

namespace meterbox::platform::tls {
namespace {

class Category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "meterbox.tls"; }
    std::string message(int value) const override {
        switch (static_cast<TlsError>(value)) {
            case TlsError::stream_truncated:
                return "connection cut without TLS close_notify";
            case TlsError::certificate_refused:
                return "certificate of the peer refused";
            case TlsError::peer_refused:
                return "refused by the peer with a TLS alert";
            case TlsError::failed:
                return "TLS failed";
        }
        return "unknown TLS error";
    }
};

}  // namespace

const boost::system::error_category& tls_category() noexcept {
    static const Category category;
    return category;
}

}  // namespace meterbox::platform::tls
