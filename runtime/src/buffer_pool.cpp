#include "buffer_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "astra/runtime.h"

namespace astra {

namespace {

constexpr int64_t kHugePage = 2 << 20;
constexpr int64_t kLarge = 2 * kHugePage;  // from here on buffers are of huge pages
constexpr int64_t kHeader = ASTRA_ALIGNMENT;
// Small allocations begin at odd multiples of the alignment, large ones at huge pages: an address tells which it is.
constexpr int64_t kSmallAlignment = 2 * ASTRA_ALIGNMENT;

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

int64_t power_of_two_below(int64_t value) { return int64_t{1} << (63 - __builtin_clzll(static_cast<uint64_t>(value))); }

bool is_large(const void *memory) { return reinterpret_cast<uintptr_t>(memory) % kHugePage == 0; }

// Class 4k+q holds buffers of up to 2^(6+k) + q/4 of it.
int64_t class_of(int64_t bytes) {
  if (bytes <= 64) return 0;
  const int64_t power = power_of_two_below(bytes);
  const int64_t quarters = (bytes - power + power / 4 - 1) / (power / 4);
  return 4 * (57 - __builtin_clzll(static_cast<uint64_t>(power))) + quarters;
}

int64_t capacity_of_class(int64_t index) {
  const int64_t power = int64_t{64} << (index / 4);
  return power + index % 4 * (power / 4);
}

}  // namespace

void BufferPool::count_live(int64_t bytes) {
  live_ += bytes;
  peak_ = std::max(peak_, live_);
}

void *BufferPool::allocate(int64_t bytes) { return bytes < kLarge ? allocate_small(bytes) : allocate_large(bytes); }

void *BufferPool::allocate_small(int64_t bytes) {
  const int64_t index = class_of(bytes), capacity = capacity_of_class(index);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    count_live(capacity);
    if (Header *const found = free_small_[index]; found != nullptr) {
      free_small_[index] = found->next;
      cached_ -= capacity;
      return reinterpret_cast<char *>(found) + kHeader;
    }
  }
  const auto size = static_cast<size_t>(round_up(capacity + kHeader, kSmallAlignment));
  void *block = std::aligned_alloc(kSmallAlignment, size);
  if (block == nullptr) {
    release_cached();
    block = std::aligned_alloc(kSmallAlignment, size);
  }
  if (block == nullptr) {
    const std::lock_guard<std::mutex> lock(mutex_);
    live_ -= capacity;
    return nullptr;
  }
  *static_cast<Header *>(block) = {nullptr, capacity, index};
  return static_cast<char *>(block) + kHeader;
}

void *BufferPool::take_large(int64_t capacity) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = free_large_.lower_bound(capacity);
  if (found == free_large_.end() || found->first > 2 * capacity) return nullptr;
  void *const memory = found->second;
  large_capacity_.emplace(memory, found->first);
  cached_ -= found->first;
  count_live(found->first);
  free_large_.erase(found);
  return memory;
}

void *BufferPool::allocate_large(int64_t bytes) {
  if (bytes > INT64_MAX / 2) return nullptr;
  // Rounded to 1/8 of the power of two, so that buffers of similar size serve each other.
  const int64_t capacity = round_up(bytes, std::max(power_of_two_below(bytes) / 8, kHugePage));
  if (void *const memory = take_large(capacity); memory != nullptr) return memory;
  void *memory = std::aligned_alloc(kHugePage, static_cast<size_t>(capacity));
  if (memory == nullptr) {
    release_cached();
    memory = std::aligned_alloc(kHugePage, static_cast<size_t>(capacity));
    if (memory == nullptr) return nullptr;
  }
  madvise(memory, static_cast<size_t>(capacity), MADV_HUGEPAGE);  // advice: may be refused
  const std::lock_guard<std::mutex> lock(mutex_);
  large_capacity_.emplace(memory, capacity);
  count_live(capacity);
  return memory;
}

void BufferPool::deallocate(void *memory) {
  if (memory == nullptr) return;
  void *freed = memory;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_large(memory)) {
      const auto found = large_capacity_.find(memory);
      if (found == large_capacity_.end()) return;
      const int64_t capacity = found->second;
      large_capacity_.erase(found);
      live_ -= capacity;
      if (cached_ + capacity <= cache_limit_) {
        free_large_.emplace(capacity, memory);
        cached_ += capacity;
        return;
      }
    } else {
      auto *const header = reinterpret_cast<Header *>(static_cast<char *>(memory) - kHeader);
      live_ -= header->capacity;
      if (cached_ + header->capacity <= cache_limit_) {
        header->next = free_small_[header->index];
        free_small_[header->index] = header;
        cached_ += header->capacity;
        return;
      }
      freed = header;
    }
  }
  std::free(freed);
}

void BufferPool::release_cached() {
  std::multimap<int64_t, void *> large;
  std::array<Header *, kClasses> small{};
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    large.swap(free_large_);
    small.swap(free_small_);
    cached_ = 0;
  }
  for (const auto &entry : large) std::free(entry.second);
  for (Header *header : small) {
    while (header != nullptr) std::free(std::exchange(header, header->next));
  }
}

BufferPool::Stats BufferPool::stats() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {live_, peak_, cached_};
}

}  // namespace astra
