// platform/tls/certificate: what is read of a certificate has the form that it is kept in, each certificate
// of a chain can be read alone, and one speaks for the very names that are read out of it. DER is put in PEM.
#include "platform/tls/certificate.hpp"

#include "platform/tls/certificate_reading.hpp"
#include "tests/fuzz/base64.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace meterbox;
using namespace meterbox::platform::tls;

bool is_hash(const std::string& text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void check_names(std::string_view pem, const CertificateInfo& info) {
    CertificateChain chain;
    METERBOX_ASSERT(parse_chain(chain, pem));
    for (const std::string& name : info.subject_names) {
        const bool is_wildcard = name.starts_with("*.");
        if (!name.empty() && !is_wildcard && ip_address_bytes(name).empty()) {
            METERBOX_ASSERT(speaks_for(*chain.get(), name));
        }
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text = fuzz::pem_of(fuzz::text_of(data, size), "CERTIFICATE");
    const auto info = certificate_info(text);
    const auto chain = split_chain(text);
    if (info) {
        METERBOX_ASSERT(is_hash(info->fingerprint) && is_hash(info->key_fingerprint));
        METERBOX_ASSERT(info->serial.size() % 2 == 0);
        check_names(text, *info);
    } else {
        fuzz::check_refusal(info.error());
    }
    if (!chain) {
        fuzz::check_refusal(chain.error());
        return 0;
    }
    METERBOX_ASSERT(!chain->empty());
    for (const std::string& one : *chain) METERBOX_ASSERT(certificate_info(one));
    if (info) METERBOX_ASSERT(certificate_info(chain->front())->fingerprint == info->fingerprint);
    return 0;
}
