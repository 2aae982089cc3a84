// What the tests of TLS share: a folder that cleans up after itself, a CA, the wall clock, and what
// another program printed.
#pragma once

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "platform/tls/pki.hpp"
#include "tests/support/temporary_folder.hpp"

namespace meterbox::tests {

inline core::UtcTime wall_clock() {
    using namespace std::chrono;
    return {duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

// Files for the openssl command line.
class PemFolder {
public:
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name), std::ios::binary) << text;
    }
    std::string read(const std::string& name) const {
        std::ifstream file(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

private:
    TemporaryFolder folder_;
};

struct TestCa {
    explicit TestCa(core::UtcTime from, const std::string& name = "test CA")
        : key(platform::tls::generate_key().value()),
          certificate(platform::tls::make_ca(key, name, from).value()) {}
    std::string key;
    std::string certificate;
};

inline std::string output_of(const std::string& command) {
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("can't run " + command);
    std::string text;
    std::array<char, 4096> chunk{};
    for (std::size_t got = 0; (got = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
        text.append(chunk.data(), got);
    ::pclose(pipe);
    return text;
}

}  // namespace meterbox::tests
