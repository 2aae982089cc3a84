#include "tests/fuzz/mutation.hpp"

#include <algorithm>
#include <array>

namespace meterbox::fuzz {
namespace {

using namespace std::string_view_literals;

// Bytes and words that mean something to one parser or another.
constexpr std::string_view bytes =
    "\0\t\n\r \"%&'+,-./0123456789:;=?@AZ[\\]_aez{}~\x7f\x80\xbf\xc3\xe2\xed\xf0\xff"sv;
constexpr std::array<std::string_view, 18> words{"null",
                                                 "true",
                                                 "{}",
                                                 "[]",
                                                 "\"\"",
                                                 "1e3",
                                                 "0.5",
                                                 "\\u0000",
                                                 "\\ud83d\\ude00",
                                                 "%00",
                                                 "\r\n\r\n",
                                                 "9007199254740992",
                                                 "9223372036854775807",
                                                 "-9223372036854775808",
                                                 "18446744073709551616",
                                                 "2016-12-31T23:59:60Z",
                                                 "Transfer-Encoding: chunked\r\n",
                                                 "Content-Length: 4\r\n"};

class Mutation {
public:
    Mutation(std::string& text, std::string_view other, std::mt19937_64& random)
        : text_(text), other_(other), random_(random) {}

    void apply() {
        const std::size_t at = below(text_.size() + 1);
        const std::size_t some = 1 + below(8);
        switch (below(8)) {
            case 0:
                if (at < text_.size()) text_[at] = bytes[below(bytes.size())];
                break;
            case 1:
                if (at < text_.size()) text_[at] = static_cast<char>(text_[at] ^ (1 << below(8)));
                break;
            case 2:
                text_.insert(at, 1, bytes[below(bytes.size())]);
                break;
            case 3:
                text_.erase(at, some);
                break;
            case 4:
                text_.insert(at, text_.substr(below(text_.size() + 1), some * 4));
                break;
            case 5:
                text_.insert(at, words[below(words.size())]);
                break;
            case 6:
                replace_number(at);
                break;
            default:
                text_.replace(at, some * 4, other_.substr(below(other_.size() + 1), some * 4));
        }
    }

private:
    std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }

    // The first number from there on.
    void replace_number(std::size_t at) {
        constexpr std::string_view digits = "0123456789";
        const std::size_t begin = std::min(text_.size(), text_.find_first_of(digits, at));
        const std::size_t end = std::min(text_.size(), text_.find_first_not_of(digits, begin));
        text_.replace(begin, end - begin, words[11 + below(4)]);
    }

    std::string& text_;
    std::string_view other_;
    std::mt19937_64& random_;
};

}  // namespace

std::string mutated(std::string text, std::string_view other, std::mt19937_64& random) {
    Mutation mutation(text, other, random);
    for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes) mutation.apply();
    return text;
}

}  // namespace meterbox::fuzz
