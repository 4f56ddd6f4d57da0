// Aligned buffers that are kept for reuse: arenas of calls and large results.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <unordered_map>

namespace astra {

// Fresh pages cost as much as computing on them (a fault and zeroing), so freed buffers are kept up to a limit.
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
  std::mutex mutex_;
  const int64_t cache_limit_;
  std::multimap<int64_t, void *> free_;           // by capacity
  std::unordered_map<void *, int64_t> capacity_;  // of buffers handed out
  int64_t live_ = 0, peak_ = 0, cached_ = 0;
};

}  // namespace astra
