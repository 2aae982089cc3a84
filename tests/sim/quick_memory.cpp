// A range of addresses in slabs, each of blocks of one size; what is larger, or doesn't fit any more, is
// malloc's. A block's size follows from where it lies.
#include "tests/sim/quick_memory.hpp"

#include <malloc.h>
#include <sqlite3.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/assert.hpp"

#ifndef __SANITIZE_ADDRESS__

namespace {

constexpr std::size_t range_bytes = std::size_t{16} << 30;  // of addresses, not of memory
constexpr std::size_t slab_bytes = std::size_t{64} << 10;
constexpr std::size_t fine = 16;  // up to fine_most, by so many bytes; beyond by coarse
constexpr std::size_t fine_most = 1'024;
constexpr std::size_t coarse = 512;
constexpr std::size_t coarse_most = 8'192;
constexpr std::size_t fine_sizes = fine_most / fine;
constexpr std::size_t sizes = fine_sizes + (coarse_most - fine_most) / coarse;

struct Free {
    Free* next;
};

char* range = nullptr;
std::size_t slabs = 0;
std::array<std::uint8_t, range_bytes / slab_bytes> size_of_slab;
std::array<Free*, sizes> free_blocks;

std::size_t size_index(std::size_t bytes) {
    if (bytes <= fine_most) return bytes == 0 ? 0 : (bytes - 1) / fine;
    return fine_sizes + (bytes - fine_most - 1) / coarse;
}

std::size_t block_bytes(std::size_t index) {
    return index < fine_sizes ? (index + 1) * fine : fine_most + (index + 1 - fine_sizes) * coarse;
}

bool is_ours(const void* block) {
    const auto* const at = static_cast<const char*>(block);
    return range != nullptr && at >= range && at < range + range_bytes;
}

std::size_t index_of(const void* block) {
    const auto offset = static_cast<std::size_t>(static_cast<const char*>(block) - range);
    return size_of_slab[offset / slab_bytes];
}

// Another slab's blocks of that size, all free; null: there is no room.
Free* more_blocks(std::size_t index) {
    if (range == nullptr) {
        void* const got = mmap(nullptr, range_bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (got == MAP_FAILED) return nullptr;
        range = static_cast<char*>(got);
    }
    if (slabs == size_of_slab.size()) return nullptr;
    char* const slab = range + slabs * slab_bytes;
    size_of_slab[slabs++] = static_cast<std::uint8_t>(index);
    Free* first = nullptr;
    const std::size_t bytes = block_bytes(index);
    for (std::size_t at = slab_bytes / bytes * bytes; at > 0; at -= bytes)
        first = new (slab + at - bytes) Free{first};
    return first;
}

void* take(std::size_t bytes) {
    if (bytes > coarse_most) return std::malloc(bytes);
    const std::size_t index = size_index(bytes);
    Free* first = free_blocks[index];
    if (first == nullptr) first = more_blocks(index);
    if (first == nullptr) return std::malloc(bytes);
    free_blocks[index] = first->next;
    return first;
}

void give_back(void* block) {
    if (!is_ours(block)) return std::free(block);
    Free*& first = free_blocks[index_of(block)];
    first = new (block) Free{first};
}

std::size_t room_of(void* block) {
    return is_ours(block) ? block_bytes(index_of(block)) : malloc_usable_size(block);
}

void* take_for_sqlite(int bytes) {
    return take(static_cast<std::size_t>(bytes));
}

void* resize_for_sqlite(void* block, int bytes) {
    const std::size_t room = room_of(block);
    if (static_cast<std::size_t>(bytes) <= room) return block;
    void* const larger = take_for_sqlite(bytes);
    if (larger == nullptr) return nullptr;
    std::memcpy(larger, block, room);
    give_back(block);
    return larger;
}

int size_for_sqlite(void* block) {
    return block == nullptr ? 0 : static_cast<int>(room_of(block));
}

int rounded_for_sqlite(int bytes) {
    const auto wanted = static_cast<std::size_t>(bytes);
    return static_cast<int>(wanted > coarse_most ? (wanted + 7) / 8 * 8 : block_bytes(size_index(wanted)));
}

int begin_for_sqlite(void*) {
    return SQLITE_OK;
}
void end_for_sqlite(void*) {}

}  // namespace

void* operator new(std::size_t bytes) {
    void* const block = take(bytes);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}
void operator delete(void* block) noexcept {
    give_back(block);
}
void operator delete(void* block, std::size_t) noexcept {
    give_back(block);
}

namespace meterbox::sim {

void make_sqlite_quick() {
    static const sqlite3_mem_methods memory = {
        take_for_sqlite,    give_back,        resize_for_sqlite, size_for_sqlite,
        rounded_for_sqlite, begin_for_sqlite, end_for_sqlite,    nullptr};
    METERBOX_ASSERT(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
    METERBOX_ASSERT(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
    METERBOX_ASSERT(sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) == SQLITE_OK);
}

}  // namespace meterbox::sim

#else

namespace meterbox::sim {

void make_sqlite_quick() {}

}  // namespace meterbox::sim

#endif
