// The pool of threads behind parallel loops: a few jobs at a time, their callers taking part.
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
// Callers do not wait for each other.  Each job has a place of its own, and workers that find one job done help with
// another.  The callers themselves count as threads: with as many callers at once as there are threads each runs its
// loops alone, since more running threads than processors would only interrupt each other.  A loop inside of a task runs
// on the task's thread.
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

  // Around a fork: threads are not started meanwhile, and the child, where no other thread exists, forgets those that
  // are gone.
  std::mutex &mutex() { return starting_; }
  void reset_after_fork();

private:
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};  // first task that nobody has taken
    int64_t end = 0;
    int64_t chunk = 1;
  };

  // A loop's tasks and who takes part.  The counters sit on cache lines of their own: they are what threads spin on.
  struct Job {
    std::atomic<bool> taken{false};  // by a caller
    astra_task_fn body = nullptr;
    void *context = nullptr;
    int64_t threads = 1;
    std::unique_ptr<Share[]> shares;  // one for each thread, the caller's first
    int64_t num_shares = 0;           // allocated
    alignas(64) std::atomic<uint32_t> running{0};  // workers inside of the job; a waiting caller sleeps on it
    alignas(64) std::atomic<uint32_t> open{0};     // may workers join?
    std::atomic<int64_t> seats{0};                 // how many more may
    std::atomic<uint32_t> caller_waits{0};

    bool share_out(int64_t count, int64_t among);  // false without memory for it
    void take_chunks(int64_t number);              // as the thread of that number
    void finish();  // by the caller: waits for the workers inside
  };

  void work(int64_t number);
  bool help_all(int64_t number);
  Job *free_job();
  void start_workers(int64_t wanted);
  void stop_workers();

  static constexpr int kJobs = 16;  // at once; callers beyond run theirs alone
  Job jobs_[kJobs];
  alignas(64) std::atomic<uint32_t> epoch_{0};  // grows with each job; sleeping workers wait on it
  std::atomic<uint32_t> sleeping_{0};           // workers in the futex wait on epoch_
  alignas(64) std::atomic<int64_t> callers_{0};  // that have a loop to share now
  std::atomic<uint32_t> stopping_{0};
  std::atomic<int64_t> num_threads_;
  std::atomic<int64_t> started_{0};  // workers
  std::mutex starting_;              // held while `workers_` changes
  std::vector<std::thread> workers_;
};

}  // namespace astra
