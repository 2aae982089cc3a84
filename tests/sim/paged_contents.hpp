// What a file in memory holds, in pages that copies share until one of them is written to: a copy of a disk,
// what a sync has made durable and what survives a power loss cost a pointer a page. A page that nothing was
// written to isn't there, and reads as zeros. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace meterbox::sim {

class PagedContents {
public:
    static constexpr std::size_t page_bytes = 4'096;

    std::size_t size() const { return size_; }
    // All of these bytes lie within it.
    void read(std::size_t offset, char* to, std::size_t count) const;
    // As long as that needs, if it was shorter: with zeros in between.
    void write(std::size_t offset, const char* bytes, std::size_t count);
    void truncate(std::size_t size);  // longer than that it isn't
    // The page with that byte becomes the one of the other, which is as long or longer.
    void take_page(const PagedContents& other, std::size_t offset);

private:
    using Page = std::array<char, page_bytes>;

    Page& own_page(std::size_t index, bool all_is_written);

    // Beyond the end the last page has zeros.
    std::vector<std::shared_ptr<Page>> pages_;
    std::size_t size_ = 0;
};

}  // namespace meterbox::sim
