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

bool ThreadPool::Job::share_out(int64_t count, int64_t among) {
  if (num_shares < among) {
    std::unique_ptr<Share[]> more(new (std::nothrow) Share[static_cast<size_t>(among)]);
    if (more == nullptr) return false;
    shares = std::move(more);
    num_shares = among;
  }
  threads = among;
  for (int64_t i = 0; i < among; ++i) {
    const int64_t begin = count * i / among, end = count * (i + 1) / among;
    shares[i].next.store(begin, std::memory_order_relaxed);
    shares[i].end = end;
    shares[i].chunk = std::max<int64_t>(1, (end - begin) / kChunksPerThread);
  }
  return true;
}

void ThreadPool::Job::take_chunks(int64_t number) {
  const bool was_inside = inside_task;
  inside_task = true;
  for (int64_t i = 0; i < threads; ++i) {
    Share &share = shares[(number + i) % threads];
    for (;;) {
      const int64_t begin = share.next.fetch_add(share.chunk, std::memory_order_relaxed);
      if (begin >= share.end) break;
      body(context, begin, std::min(begin + share.chunk, share.end));
    }
  }
  inside_task = was_inside;
}

void ThreadPool::Job::finish() {
  open.store(0);
  const auto alone = [&] { return running.load() == 0; };
  if (spin(alone)) return;
  caller_waits.store(1);
  for (uint32_t now = running.load(); now != 0; now = running.load()) futex_wait(running, now);
  caller_waits.store(0);
}

// Takes part in each open job; says whether there was any.
bool ThreadPool::help_all(int64_t number) {
  bool helped = false;
  for (Job &job : jobs_) {
    if (!job.open.load()) continue;
    // First be counted, then look whether the job is open; the caller first closes it, then looks at the count.  So either
    // we see it closed or the caller waits for us, and a job does not change under a worker that takes part.
    job.running.fetch_add(1);
    if (job.open.load() && job.seats.fetch_sub(1) > 0) {
      job.take_chunks(number);
      helped = true;
    }
    if (job.running.fetch_sub(1) == 1 && job.caller_waits.load()) futex_wake(job.running, 1);
  }
  return helped;
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
    while (help_all(number)) {
    }
  }
}

void ThreadPool::start_workers(int64_t wanted) {
  if (started_.load(std::memory_order_acquire) >= wanted) return;
  const std::lock_guard<std::mutex> lock(starting_);
  while (static_cast<int64_t>(workers_.size()) < wanted) {
    try {
      workers_.emplace_back([this, number = static_cast<int64_t>(workers_.size()) + 1] { work(number); });
    } catch (const std::exception &) {
      break;  // the system gives no more threads: the loop still completes on those there are
    }
  }
  started_.store(static_cast<int64_t>(workers_.size()), std::memory_order_release);
}

void ThreadPool::stop_workers() {
  stopping_.store(1);
  epoch_.fetch_add(1);
  futex_wake(epoch_, INT_MAX);
  for (std::thread &worker : workers_) worker.join();
  workers_.clear();
}

ThreadPool::Job *ThreadPool::free_job() {
  for (Job &job : jobs_)
    if (!job.taken.load(std::memory_order_relaxed) && !job.taken.exchange(true, std::memory_order_acquire)) return &job;
  return nullptr;
}

void ThreadPool::run(astra_task_fn body, void *context, int64_t count, int64_t threads) {
  if (count <= 0) return;
  const int64_t all = num_threads();
  threads = std::min(threads > 0 ? threads : all, count);
  if (threads <= 1 || inside_task) {
    body(context, 0, count);
    return;
  }
  const int64_t callers = callers_.fetch_add(1) + 1;
  const int64_t workers = std::min(threads - 1, std::max(threads, all) - callers);
  Job *job = workers > 0 ? free_job() : nullptr;
  if (job != nullptr && !job->share_out(count, workers + 1)) {
    job->taken.store(false, std::memory_order_release);
    job = nullptr;
  }
  if (job == nullptr) {
    // Not as one of a job's tasks: a loop inside may find workers by the time it starts.
    body(context, 0, count);
    callers_.fetch_sub(1);
    return;
  }
  start_workers(workers);

  job->body = body;
  job->context = context;
  job->seats.store(workers, std::memory_order_relaxed);
  job->open.store(1);
  epoch_.fetch_add(1);
  if (sleeping_.load() > 0) futex_wake(epoch_, workers);
  job->take_chunks(0);
  job->finish();
  job->taken.store(false, std::memory_order_release);
  callers_.fetch_sub(1);
}

void ThreadPool::reset_after_fork() {
  // The std::thread objects name threads that do not exist here; destroying joinable ones would terminate.
  new (&workers_) std::vector<std::thread>();
  started_.store(0);
  for (Job &job : jobs_) {
    job.taken.store(false);
    job.running.store(0);
    job.open.store(0);
    job.caller_waits.store(0);
  }
  epoch_.store(0);
  sleeping_.store(0);
  callers_.store(0);
  stopping_.store(0);
  inside_task = false;
}

}  // namespace astra
