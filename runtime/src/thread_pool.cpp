#include "thread_pool.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <new>
#include <sstream>
#include <string>

namespace astra {

namespace {

// Long enough to bridge the serial code between two parallel loops of a compiled function, short enough not to take
// a processor from others when a program is done computing.
constexpr auto kSpinTime = std::chrono::microseconds(50);
// How many shares of the work a thread is offered: enough for an even finish when a processor is taken away.
constexpr int64_t kChunksPerThread = 16;

thread_local bool inside_task = false;

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void futex_wait(std::atomic<uint32_t> &word, uint32_t expected) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futex_wake(std::atomic<uint32_t> &word, int64_t count) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word), FUTEX_WAKE_PRIVATE,
          static_cast<int>(std::min<int64_t>(count, INT_MAX)), nullptr, nullptr, 0);
}

// Spins until `done()` or the spin time is over; says whether it is done.
template <typename Predicate>
bool spin(Predicate done) {
  const auto deadline = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return done();
}

// The quota of a cgroup (version 2, else version 1) in processors; 0 when there is none.
double cgroup_quota() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0) return std::strtod(quota.c_str(), nullptr) / period;
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double microseconds = 0;
  if (v1_quota >> microseconds && v1_period >> period && microseconds > 0 && period > 0) return microseconds / period;
  return 0;
}

}  // namespace

int64_t available_processors() {
  int64_t count = 0;
  // A mask of fixed size fails on machines with more processors than it has bits, so grow it until it fits.
  for (int bits = 1024; bits <= 1 << 20; bits *= 2) {
    cpu_set_t *set = CPU_ALLOC(bits);
    if (set == nullptr) break;
    const size_t size = CPU_ALLOC_SIZE(bits);
    const bool known = sched_getaffinity(0, size, set) == 0;
    if (known) count = CPU_COUNT_S(size, set);
    CPU_FREE(set);
    if (known) break;
  }
  if (count <= 0) count = std::max<int64_t>(1, std::thread::hardware_concurrency());
  const double quota = cgroup_quota();
  if (quota > 0) count = std::min<int64_t>(count, std::max<int64_t>(1, std::llround(std::ceil(quota))));
  return count;
}

ThreadPool::ThreadPool(int64_t num_threads) : num_threads_(std::max<int64_t>(1, num_threads)) {}

ThreadPool::~ThreadPool() { stop_workers(); }

void ThreadPool::set_num_threads(int64_t num_threads) {
  num_threads_.store(std::max<int64_t>(1, num_threads), std::memory_order_relaxed);
}

void ThreadPool::take_chunks(int64_t number) {
  const Job job = job_;
  const bool was_inside = inside_task;
  inside_task = true;
  for (int64_t i = 0; i < job.threads; ++i) {
    Share &share = shares_[(number + i) % job.threads];
    for (;;) {
      const int64_t begin = share.next.fetch_add(share.chunk, std::memory_order_relaxed);
      if (begin >= share.end) break;
      job.body(job.context, begin, std::min(begin + share.chunk, share.end));
    }
  }
  inside_task = was_inside;
}

void ThreadPool::work(int64_t number) {
  uint32_t seen = 0;
  for (;;) {
    const auto news = [&] { return epoch_.load(std::memory_order_acquire) != seen; };
    if (!spin(news)) {
      sleeping_.fetch_add(1);
      while (!news()) futex_wait(epoch_, seen);
      sleeping_.fetch_sub(1);
    }
    if (stopping_.load()) return;
    seen = epoch_.load();
    // First be counted, then look whether the job is open; the caller first closes it, then looks at the count.  So
    // either we see it closed or the caller waits for us, and `job_` does not change under a worker that takes part.
    running_.fetch_add(1);
    if (open_.load() && number < job_.threads) take_chunks(number);
    if (running_.fetch_sub(1) == 1 && caller_waits_.load()) futex_wake(running_, 1);
  }
}

void ThreadPool::start_workers(int64_t wanted) {
  while (static_cast<int64_t>(workers_.size()) < wanted) {
    try {
      workers_.emplace_back([this, number = static_cast<int64_t>(workers_.size()) + 1] { work(number); });
    } catch (const std::exception &) {
      break;  // the system gives no more threads: the loop still completes on those there are
    }
  }
}

void ThreadPool::stop_workers() {
  stopping_.store(1);
  epoch_.fetch_add(1);
  futex_wake(epoch_, INT_MAX);
  for (std::thread &worker : workers_) worker.join();
  workers_.clear();
  stopping_.store(0);
}

void ThreadPool::run(astra_task_fn body, void *context, int64_t count, int64_t threads) {
  if (count <= 0) return;
  threads = std::min(threads > 0 ? threads : num_threads(), count);
  if (threads <= 1 || inside_task || busy_.exchange(true, std::memory_order_acquire)) {
    body(context, 0, count);
    return;
  }
  start_workers(threads - 1);

  if (num_shares_ < threads) {
    shares_ = std::make_unique<Share[]>(static_cast<size_t>(threads));
    num_shares_ = threads;
  }
  for (int64_t i = 0; i < threads; ++i) {
    const int64_t begin = count * i / threads, end = count * (i + 1) / threads;
    shares_[i].next.store(begin, std::memory_order_relaxed);
    shares_[i].end = end;
    shares_[i].chunk = std::max<int64_t>(1, (end - begin) / kChunksPerThread);
  }
  job_ = {body, context, threads};
  open_.store(1);
  epoch_.fetch_add(1);
  // Which sleeper wakes up is not ours to choose: where there are more than the job wants, all do.
  if (sleeping_.load() > 0) futex_wake(epoch_, static_cast<int64_t>(workers_.size()));

  take_chunks(0);

  open_.store(0);
  const auto alone = [&] { return running_.load() == 0; };
  if (!spin(alone)) {
    caller_waits_.store(1);
    for (uint32_t now = running_.load(); now != 0; now = running_.load()) futex_wait(running_, now);
    caller_waits_.store(0);
  }
  busy_.store(false, std::memory_order_release);
}

void ThreadPool::reset_after_fork() {
  // The std::thread objects name threads that do not exist here; destroying joinable ones would terminate.
  new (&workers_) std::vector<std::thread>();
  epoch_.store(0);
  running_.store(0);
  open_.store(0);
  sleeping_.store(0);
  caller_waits_.store(0);
  stopping_.store(0);
  busy_.store(false);
  inside_task = false;
}

}  // namespace astra
