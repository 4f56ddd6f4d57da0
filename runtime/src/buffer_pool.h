// Aligned buffers that are kept for reuse: arenas of calls and results.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <unordered_map>

namespace astra {

// Fresh pages cost as much as computing on them (a fault and zeroing), and the C library's allocator gives large blocks
// back at once, so freed buffers are kept up to a limit.
//
// Small and medium buffers come in size classes with a list of free ones each; a few words before each hold its class.
// Large ones begin at a huge page, are noted in a table, and serve requests of down to half their size.
class BufferPool {
public:
  explicit BufferPool(int64_t cache_limit) : cache_limit_(cache_limit) {}
  ~BufferPool() { release_cached(); }
  BufferPool(const BufferPool &) = delete;
  BufferPool &operator=(const BufferPool &) = delete;

  void *allocate(int64_t bytes);  // nullptr when there is no memory
  void deallocate(void *memory);
  void release_cached();

  struct Stats {
    int64_t live, peak, cached;
  };
  Stats stats();

  std::mutex &mutex() { return mutex_; }  // held over a fork

private:
  static constexpr int kClasses = 4 * 17;  // four to a power of two, from 64 bytes to 8 MiB

  // Before each small buffer, on a cache line of its own.
  struct Header {
    Header *next;
    int64_t capacity;
    int64_t index;
  };

  void *allocate_small(int64_t bytes);
  void *allocate_large(int64_t bytes);
  void *take_large(int64_t capacity);
  void count_live(int64_t bytes);

  std::mutex mutex_;
  const int64_t cache_limit_;
  std::array<Header *, kClasses> free_small_{};
  std::multimap<int64_t, void *> free_large_;           // by capacity
  std::unordered_map<void *, int64_t> large_capacity_;  // of large buffers handed out
  int64_t live_ = 0, peak_ = 0, cached_ = 0;
};

}  // namespace astra
