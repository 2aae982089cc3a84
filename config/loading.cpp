#include "config/loading.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "core/limits.hpp"

namespace meterbox::config {

core::Error invalid(std::string detail) {
    std::replace_if(detail.begin(), detail.end(), is_control, '?');
    return {.code = core::ErrorCode::invalid, .detail = std::move(detail), .index = {}, .pointer = {}};
}

std::string reason(int error) {
    return std::generic_category().message(error);
}

FileText read_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {.text = {}, .error = errno};
    FileText result;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) result.error = errno;
        if (count <= 0) break;
        result.text.append(buffer.data(), static_cast<std::size_t>(count));
        if (result.text.size() > core::limits::config_bytes_max) {
            result.error = EFBIG;
            break;
        }
    }
    ::close(fd);
    return result;
}

std::string variable_of(std::string_view key) {
    std::string name = "METERBOX_" + std::string{key};
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        if (c == '.') return '_';
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return name;
}

}  // namespace meterbox::config
