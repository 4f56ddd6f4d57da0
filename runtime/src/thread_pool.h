// The pool of threads behind parallel loops: one job at a time, its caller taking part.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "astra/runtime.h"

namespace astra {

// Processors that this process may use: its affinity mask, capped by the cgroup's CPU quota.
int64_t available_processors();

// Threads spin for a few tens of microseconds for the next job before they sleep, since compiled functions run many
// parallel loops one shortly after the other.  Threads start with the first job that wants them, and anew after a fork.
//
// The tasks of a job are cut into a range for each thread, which starts with its own and then helps the others: what a
// thread touched in one loop is in its cache when the next loop over the same array comes.
//
// A job that arrives while another one runs (from another caller, or from inside a task) runs on its caller alone: no
// waiting for each other, no more threads than configured.
class ThreadPool {
public:
  explicit ThreadPool(int64_t num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int64_t num_threads() const { return num_threads_.load(std::memory_order_relaxed); }
  void set_num_threads(int64_t num_threads);

  // Runs body over [0, count) on `threads` threads (0: the pool's number), the caller's included.
  void run(astra_task_fn body, void *context, int64_t count, int64_t threads);

  // In the child of a fork, where no other thread exists: forget the threads that are gone.
  void reset_after_fork();

private:
  struct Job {
    astra_task_fn body = nullptr;
    void *context = nullptr;
    int64_t threads = 1;
  };
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};  // first task that nobody has taken
    int64_t end = 0;
    int64_t chunk = 1;
  };

  void work(int64_t number);
  void take_chunks(int64_t number);
  void start_workers(int64_t wanted);
  void stop_workers();

  // The futex words and counters sit on cache lines of their own: they are what threads spin on.
  alignas(64) std::atomic<uint32_t> epoch_{0};    // grows with each job; sleeping workers wait on it
  alignas(64) std::atomic<uint32_t> running_{0};  // workers inside of the job; a waiting caller sleeps on it
  alignas(64) std::atomic<uint32_t> open_{0};     // may workers join the job?
  std::atomic<uint32_t> sleeping_{0};             // workers in the futex wait on epoch_
  std::atomic<uint32_t> caller_waits_{0};
  std::atomic<uint32_t> stopping_{0};
  Job job_;
  std::unique_ptr<Share[]> shares_;  // one for each thread of the job, the caller's first
  int64_t num_shares_ = 0;           // allocated; changed only by the holder of busy_

  std::atomic<bool> busy_{false};  // taken by the caller whose job runs
  std::atomic<int64_t> num_threads_;
  std::vector<std::thread> workers_;  // changed only by the holder of busy_
};

}  // namespace astra
