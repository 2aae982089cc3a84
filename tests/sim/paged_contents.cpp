// Pages that are written to become one's own; those that are written to whole needn't be copied for that.
#include "tests/sim/paged_contents.hpp"

#include <algorithm>
#include <cstring>

namespace meterbox::sim {

void PagedContents::read(std::size_t offset, char* to, std::size_t count) const {
    while (count > 0) {
        const std::size_t within = offset % page_bytes;
        const std::size_t piece = std::min(count, page_bytes - within);
        if (const auto& page = pages_[offset / page_bytes]) {
            std::memcpy(to, page->data() + within, piece);
        } else {
            std::memset(to, 0, piece);
        }
        offset += piece;
        to += piece;
        count -= piece;
    }
}

void PagedContents::write(std::size_t offset, const char* bytes, std::size_t count) {
    if (size_ < offset + count) {
        size_ = offset + count;
        pages_.resize((size_ + page_bytes - 1) / page_bytes);
    }
    while (count > 0) {
        const std::size_t within = offset % page_bytes;
        const std::size_t piece = std::min(count, page_bytes - within);
        std::memcpy(own_page(offset / page_bytes, piece == page_bytes).data() + within, bytes, piece);
        offset += piece;
        bytes += piece;
        count -= piece;
    }
}

void PagedContents::truncate(std::size_t size) {
    if (size >= size_) return;
    size_ = size;
    pages_.resize((size + page_bytes - 1) / page_bytes);
    if (size % page_bytes == 0 || !pages_.back()) return;
    Page& last = own_page(pages_.size() - 1, false);
    std::fill(last.begin() + static_cast<std::ptrdiff_t>(size % page_bytes), last.end(), '\0');
}

void PagedContents::take_page(const PagedContents& other, std::size_t offset) {
    const std::size_t index = offset / page_bytes;
    const std::size_t end = std::min(other.size_, (index + 1) * page_bytes);
    if (size_ < end) {
        size_ = end;
        pages_.resize(index + 1);
    }
    pages_[index] = other.pages_[index];
}

PagedContents::Page& PagedContents::own_page(std::size_t index, bool all_is_written) {
    std::shared_ptr<Page>& page = pages_[index];
    if (page && page.use_count() == 1) return *page;
    if (all_is_written) {
        page = std::make_shared_for_overwrite<Page>();
    } else {
        page = page ? std::make_shared<Page>(*page) : std::make_shared<Page>();
    }
    return *page;
}

}  // namespace meterbox::sim
