// Signed tokens: RFC 7515's own example, a round trip, and that no single changed character, other
// algorithm, other key or extra header member gets through.
#include <array>

#include "platform/tls/encoding.hpp"
#include "platform/tls/jws.hpp"
#include "platform/tls/pki.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox;
using namespace meterbox::platform::tls;

namespace {

const std::string rfc_input =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const std::string rfc_signature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const VerificationKey rfc_key{"", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                              "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"};

struct Signer {
    std::string key = generate_key().value();
    VerificationKey known = verification_key(key, "k1").value();

    // A token with any header at all, correctly signed: its payload and signature are of no use without it.
    std::string with_header(const std::string& header) const {
        const std::string token = sign_jws(key, "k1", "{}").value();
        return base64url_encode(header) + token.substr(token.find('.'));
    }
};

core::ErrorCode refusal(const std::string& token, const VerificationKey& key) {
    const std::array<VerificationKey, 1> known{key};
    const auto result = verify_jws(token, known);
    REQUIRE(!result);
    return result.error().code;
}

}  // namespace

TEST_CASE("the signature of RFC 7515 A.3 fits its key and no other bytes") {
    const std::string signature = base64url_decode(rfc_signature).value();
    CHECK(signature_fits(rfc_key, rfc_input, signature));
    CHECK_FALSE(signature_fits(rfc_key, rfc_input + "Q", signature));
    CHECK_FALSE(signature_fits(rfc_key, rfc_input, signature.substr(1)));
    CHECK_FALSE(signature_fits(Signer().known, rfc_input, signature));
    CHECK_FALSE(signature_fits(rfc_key, rfc_input, std::string(64, '\0')));
}

TEST_CASE("a signed payload comes back as it was, whatever it holds") {
    const Signer signer;
    const std::array<VerificationKey, 2> known{Signer().known, signer.known};
    for (const std::string& payload :
         {std::string(), std::string("{\"G\":5}"), std::string(100'000, 'x'), std::string("\0\xff", 2)}) {
        const std::string token = sign_jws(signer.key, "k1", payload).value();
        CHECK(verify_jws(token, known).value() == payload);
    }
    CHECK(signer.known.x.size() == 43);
    CHECK(thumbprint(rfc_key).size() == 43);
}

TEST_CASE("one signer signs token after token, each good by itself") {
    const Signer signer;
    const std::array<VerificationKey, 1> known{signer.known};
    const JwsSigner again = JwsSigner::with(signer.key, "k1").value();
    for (const std::string& payload : {std::string("{\"G\":5}"), std::string("{\"G\":6}"), std::string()}) {
        const std::string token = again.sign(payload).value();
        CHECK(verify_jws(token, known).value() == payload);
        CHECK(token == sign_jws(signer.key, "k1", payload).value());  // deterministic, by RFC 6979
    }
    CHECK(JwsSigner::with("no key", "k1").error().code == core::ErrorCode::malformed);
}

TEST_CASE("no character of a token can be changed, dropped or added") {
    const Signer signer;
    const std::string token = sign_jws(signer.key, "k1", "{\"granted\":5}").value();
    const std::array<VerificationKey, 1> known{signer.known};
    for (std::size_t at = 0; at < token.size(); ++at) {
        for (const char other : {'A', 'z', '5', '-', '_', '.', '=', '+', ' ', '\n', '\0', '\xff'}) {
            if (token[at] == other) continue;
            std::string changed = token;
            changed[at] = other;
            CHECK_FALSE(verify_jws(changed, known).has_value());
            std::string longer = token;
            longer.insert(at, 1, other);
            CHECK_FALSE(verify_jws(longer, known).has_value());
        }
        std::string shorter = token;
        shorter.erase(at, 1);
        CHECK_FALSE(verify_jws(shorter, known).has_value());
    }
}

TEST_CASE("a token can't choose its algorithm, bring its key or ask for extensions") {
    const Signer signer;
    const auto refused = [&](const std::string& header) {
        return refusal(signer.with_header(header), signer.known);
    };
    CHECK(refused(R"({"alg":"none","kid":"k1"})") == core::ErrorCode::forbidden);
    CHECK(refused(R"({"alg":"HS256","kid":"k1"})") == core::ErrorCode::forbidden);
    CHECK(refused(R"({"alg":"es256","kid":"k1"})") == core::ErrorCode::forbidden);
    CHECK(refused(R"({"kid":"k1"})") == core::ErrorCode::forbidden);
    CHECK(refused(R"({"alg":"ES256"})") == core::ErrorCode::forbidden);
    CHECK(refused(R"({"alg":"ES256","kid":"k2"})") == core::ErrorCode::forbidden);
    CHECK(refused(R"({"alg":"ES256","kid":"k2","jwk":{"kty":"EC"}})") == core::ErrorCode::forbidden);
    CHECK(refused(R"({"alg":"ES256","kid":"k1","crit":["exp"]})") == core::ErrorCode::forbidden);
    CHECK(refused(R"({"alg":"ES256","kid":"k1","b64":true})") == core::ErrorCode::forbidden);
    CHECK(refused(R"({"alg":"ES256","alg":"ES256","kid":"k1"})") == core::ErrorCode::malformed);
    CHECK(refused(R"(["ES256"])") == core::ErrorCode::malformed);
    CHECK(refused("{") == core::ErrorCode::malformed);
    CHECK(refusal("", signer.known) == core::ErrorCode::malformed);
    CHECK(refusal("..", signer.known) == core::ErrorCode::malformed);
    CHECK(refusal(std::string(300 * 1024, 'a'), signer.known) == core::ErrorCode::malformed);
}

TEST_CASE("a key with the same id but other coordinates verifies nothing") {
    const Signer signer;
    const std::string token = sign_jws(signer.key, "k1", "{}").value();
    VerificationKey other = Signer().known;
    CHECK(refusal(token, other) == core::ErrorCode::forbidden);
    other.x = signer.known.x;  // not on the curve
    CHECK(refusal(token, other) == core::ErrorCode::forbidden);
    CHECK(refusal(token, {"k1", "", ""}) == core::ErrorCode::forbidden);
    CHECK(refusal(token, {"k1", signer.known.y, signer.known.x}) == core::ErrorCode::forbidden);
    CHECK(sign_jws("rubbish", "k1", "{}").error().code == core::ErrorCode::malformed);
}
