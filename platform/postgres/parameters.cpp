#include "platform/postgres/parameters.hpp"

#include <algorithm>

namespace meterbox::platform::postgres {

NumberedSql with_numbered_parameters(std::string_view sql) {
    NumberedSql made;
    char quote = 0;
    for (std::size_t at = 0; at < sql.size(); ++at) {
        const char letter = sql[at];
        if (quote != 0 || letter != '?') {
            made.text += letter;
            if (quote != 0) {
                if (letter == quote) quote = 0;
            } else if (letter == '\'' || letter == '"') {
                quote = letter;
            }
            continue;
        }
        std::size_t number = 0;
        while (at + 1 < sql.size() && sql[at + 1] >= '0' && sql[at + 1] <= '9')
            number = number * 10 + static_cast<std::size_t>(sql[++at] - '0');
        if (number == 0) number = made.parameters + 1;  // as SQLite counts: one more than the largest
        made.parameters = std::max(made.parameters, number);
        made.text += '$' + std::to_string(number);
    }
    return made;
}

}  // namespace meterbox::platform::postgres
