#include "buffer_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

#include "astra/runtime.h"

namespace astra {

namespace {

constexpr int64_t kHugePage = 2 << 20;
constexpr int64_t kSmallest = 4096;

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Sizes are rounded up to 1/8 of their power of two, so that buffers of similar size serve each other.
int64_t size_class(int64_t bytes) {
  if (bytes <= kSmallest) return kSmallest;
  const int64_t power = int64_t{1} << (63 - __builtin_clzll(static_cast<uint64_t>(bytes)));
  return round_up(bytes, std::max<int64_t>(power / 8, kSmallest));
}

void *system_allocate(int64_t bytes) {
  const bool huge = bytes >= 2 * kHugePage;
  void *memory = std::aligned_alloc(huge ? kHugePage : ASTRA_ALIGNMENT, static_cast<size_t>(bytes));
  if (memory != nullptr && huge) madvise(memory, static_cast<size_t>(bytes), MADV_HUGEPAGE);  // advice: may be refused
  return memory;
}

}  // namespace

void *BufferPool::allocate(int64_t bytes) {
  int64_t capacity = size_class(bytes);
  if (capacity >= 2 * kHugePage) capacity = round_up(capacity, kHugePage);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = free_.lower_bound(capacity);
    if (found != free_.end() && found->first <= 2 * capacity) {
      void *memory = found->second;
      capacity = found->first;
      free_.erase(found);
      cached_ -= capacity;
      capacity_.emplace(memory, capacity);
      live_ += capacity;
      peak_ = std::max(peak_, live_);
      return memory;
    }
  }
  void *memory = system_allocate(capacity);
  if (memory == nullptr) {
    release_cached();
    memory = system_allocate(capacity);
    if (memory == nullptr) return nullptr;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  capacity_.emplace(memory, capacity);
  live_ += capacity;
  peak_ = std::max(peak_, live_);
  return memory;
}

void BufferPool::deallocate(void *memory) {
  if (memory == nullptr) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = capacity_.find(memory);
    if (found == capacity_.end()) return;
    const int64_t capacity = found->second;
    capacity_.erase(found);
    live_ -= capacity;
    if (cached_ + capacity <= cache_limit_) {
      free_.emplace(capacity, memory);
      cached_ += capacity;
      return;
    }
  }
  std::free(memory);
}

void BufferPool::release_cached() {
  std::multimap<int64_t, void *> released;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    released.swap(free_);
    cached_ = 0;
  }
  for (const auto &entry : released) std::free(entry.second);
}

BufferPool::Stats BufferPool::stats() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {live_, peak_, cached_};
}

}  // namespace astra
