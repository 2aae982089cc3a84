#include "platform/tls/tls_alert.hpp"

#include <array>
#include <string_view>

namespace meterbox::platform::tls {
namespace {

struct Alert {
    std::uint8_t number;
    bool about_certificate;
    std::string_view name;
};
constexpr std::array<Alert, 22> alerts{{
    {10, false, "unexpected message"},
    {20, false, "bad record"},
    {22, false, "record too long"},
    {40, false, "handshake failure"},
    {41, true, "no certificate"},
    {42, true, "bad certificate"},
    {43, true, "unsupported certificate"},
    {44, true, "certificate revoked"},
    {45, true, "certificate expired"},
    {46, true, "certificate not acceptable"},
    {47, false, "illegal parameter"},
    {48, true, "unknown CA"},
    {49, true, "access denied"},
    {50, false, "message can't be decoded"},
    {51, false, "signature or checksum is wrong"},
    {70, false, "protocol version not supported"},
    {71, false, "insufficient security"},
    {80, false, "internal error"},
    {90, false, "cancelled by user"},
    {110, false, "unsupported extension"},
    {112, false, "unrecognized name"},
    {116, true, "certificate required"},
}};

const Alert* find(std::uint8_t number) {
    for (const Alert& alert : alerts)
        if (alert.number == number) return &alert;
    return nullptr;
}

}  // namespace

std::string alert_text(std::uint8_t number) {
    const Alert* const alert = find(number);
    const std::string name(alert == nullptr ? "unknown reason" : alert->name);
    return name + " (TLS alert " + std::to_string(number) + ")";
}

bool is_about_certificate(std::uint8_t number) {
    const Alert* const alert = find(number);
    return alert != nullptr && alert->about_certificate;
}

}  // namespace meterbox::platform::tls
