// Another program as a child process: its output as it comes, its exit, and its end with the test's.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <stdexcept>
#include <string>

namespace meterbox::tests {

class Child {
public:
    // A command of the shell; with exec in front, the program is the child itself.
    Child(boost::asio::io_context& io, const std::string& command) : output_(io) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(ends[1], STDOUT_FILENO);
            ::dup2(ends[1], STDERR_FILENO);
            ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        if (pid_ < 0) throw std::runtime_error("can't start " + command);
        output_.assign(ends[0]);
        read();
    }
    ~Child() {
        if (!ended_) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    const std::string& output() const { return text_; }
    bool says(const std::string& text) const { return text_.find(text) != std::string::npos; }
    bool ended() const { return ended_; }
    int exit_code() const { return exit_code_; }

private:
    void read() {
        output_.async_read_some(boost::asio::buffer(chunk_),
                                [this](boost::system::error_code error, std::size_t count) {
                                    text_.append(chunk_.data(), count);
                                    if (error == boost::asio::error::operation_aborted) return;
                                    if (!error) return read();
                                    int status = 0;
                                    ::waitpid(pid_, &status, 0);
                                    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
                                    ended_ = true;
                                });
    }

    boost::asio::posix::stream_descriptor output_;
    std::array<char, 4096> chunk_{};
    std::string text_;
    pid_t pid_ = 0;
    bool ended_ = false;
    int exit_code_ = -1;
};

}  // namespace meterbox::tests
