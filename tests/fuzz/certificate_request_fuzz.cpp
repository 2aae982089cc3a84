// platform/tls/pki: of certificate requests (PKCS#10), which come from machines that nobody knows yet, none
// is taken whose key can't be named.
#include "platform/tls/pki.hpp"

#include "tests/fuzz/base64.hpp"
#include "tests/fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meterbox;
    const std::string text = fuzz::pem_of(fuzz::text_of(data, size), "CERTIFICATE REQUEST");
    const auto fingerprint = platform::tls::request_key_fingerprint(text);
    const auto checked = platform::tls::check_certificate_request(text);
    if (fingerprint) {
        METERBOX_ASSERT(fingerprint->size() == 64);
    } else {
        fuzz::check_refusal(fingerprint.error());
    }
    if (checked) {
        METERBOX_ASSERT(fingerprint);
    } else {
        fuzz::check_refusal(checked.error());
    }
    return 0;
}
