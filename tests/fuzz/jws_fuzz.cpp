// platform/tls/jws: of all texts, none is taken but those that the known key signed. Its private half is the
// number 1, so that anyone can make more of them; a fuzzer can't by chance.
#include "platform/tls/jws.hpp"

#include <array>

#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace meterbox;
using namespace meterbox::platform::tls;

// The generator of P-256.
const VerificationKey known{"k1", "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
                            "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const std::array<VerificationKey, 2> keys{VerificationKey{"k2", known.x, known.x}, known};
    const auto payload = verify_jws(text, keys);
    if (payload) {
        METERBOX_ASSERT(*payload == "{}" || *payload == R"({"G":5})");
        METERBOX_ASSERT(verify_jws(text, {}).error().code == core::ErrorCode::forbidden);
        return 0;
    }
    fuzz::check_refusal(payload.error());
    METERBOX_ASSERT(payload.error().code == core::ErrorCode::malformed ||
                    payload.error().code == core::ErrorCode::forbidden);
    return 0;
}
