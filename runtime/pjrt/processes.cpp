#include "processes.h"

#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace astra::pjrt {

namespace {

using namespace std::chrono_literals;

constexpr size_t kMostOfNote = 2000;  // bytes
constexpr int kSpins = 2000;          // of a waiting thread before it sleeps
constexpr auto kLook = 50ms;          // between two looks for processes that died
// What others have sent before they failed or ended still comes; who fails leaves them time to fetch it.
constexpr auto kGrace = 500ms, kLongerGrace = 1000ms;

// Processes with the same name of a place can watch each other and share memory.
std::string place() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  char space[64] = "";
  const ssize_t size = readlink("/proc/self/ns/pid", space, sizeof space - 1);
  return boot + "/" + std::string(space, size > 0 ? static_cast<size_t>(size) : 0);
}

int watch(int64_t process) {
#ifdef SYS_pidfd_open
  return static_cast<int>(syscall(SYS_pidfd_open, static_cast<pid_t>(process), 0));
#else
  (void)process;
  return -1;
#endif
}

}  // namespace

Processes::Processes(const KeyValues &values, const ProcessOptions &options, int64_t num_devices)
    : index(options.index), patience_(options.patience_seconds) {
  std::ostringstream mine;
  mine << place() << ' ' << getpid() << ' ' << num_devices;
  values.put("process " + std::to_string(index), mine.str());
  meet(values, options);
  mpi_ = &mpi::start(options.mpi_library, values, index, options.count);
  int size = 0, rank = 0, known = 0;
  const int *most = nullptr;
  mpi_->check(mpi_->Comm_size(mpi::kWorld, &size), "Comm_size");
  mpi_->check(mpi_->Comm_rank(mpi::kWorld, &rank), "Comm_rank");
  if (size != options.count)
    throw std::runtime_error("astra: MPI was started with " + std::to_string(size) + " processes, and jax.distributed with " +
                             std::to_string(options.count));
  for (mpi::Comm *comm : {&data_, &notes_}) {
    mpi_->check(mpi_->Comm_dup(mpi::kWorld, comm), "Comm_dup");
    mpi_->check(mpi_->Comm_set_errhandler(*comm, mpi::kErrorsReturn), "Comm_set_errhandler");
  }
  mpi_->check(mpi_->Comm_get_attr(data_, mpi::kTagUpperBound, &most, &known), "Comm_get_attr");
  if (known == 0 || total_devices_ * total_devices_ > *most)
    throw std::runtime_error("astra: " + std::to_string(total_devices_) + " devices are more than MPI has tags for pairs of");
  values.put("rank " + std::to_string(index), std::to_string(rank));
  for (int64_t i = 0; i < options.count; ++i) peers_[static_cast<size_t>(i)].rank = std::stoi(values.get("rank " + std::to_string(i)));
  mpi::remove_shared_files();
}

void Processes::meet(const KeyValues &values, const ProcessOptions &options) {
  for (int64_t i = 0; i < options.count; ++i) {
    std::istringstream text(values.get("process " + std::to_string(i)));
    std::string where;
    int64_t process = 0, devices = 0;
    text >> where >> process >> devices;
    if (where != place())
      throw std::runtime_error("astra: process " + std::to_string(i) + " is on another machine or in another container: "
                               "programs over several processes are supported on one machine");
    num_devices_.push_back(devices);
    total_devices_ += devices;
    peers_.emplace_back();
    if (i != index) peers_.back().watched = watch(process);
  }
}

Processes::~Processes() {
  leave();
  for (const Peer &peer : peers_)
    if (peer.watched >= 0) close(peer.watched);
}

// --- what goes wrong -------------------------------------------------------------------------------------------------

void Processes::tell(Note note, const std::string &why) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (left_) return;
  told_.push_back(static_cast<char>(note) + why.substr(0, kMostOfNote));
  for (size_t i = 0; i < peers_.size(); ++i) {
    mpi::Request request = mpi::kNoRequest;
    if (static_cast<int64_t>(i) == index || peers_[i].gone) continue;
    const int code = mpi_->Isend_c(told_.back().data(), static_cast<int64_t>(told_.back().size()), mpi::kByte, peers_[i].rank,
                                   static_cast<int>(note), notes_, &request);
    if (code == mpi::kSuccess) mpi_->Request_free(&request);
  }
}

void Processes::fail(const std::string &why) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (why_.empty()) why_ = why;
  }
  if (!failed_.exchange(true)) tell(kFailed, "process " + std::to_string(index) + ": " + why);
}

void Processes::leave() {
  if (mpi_ == nullptr) return;
  tell(kEnded, "");
  const std::lock_guard<std::mutex> lock(mutex_);
  left_ = true;
}

std::string Processes::why() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return why_;
}

void Processes::check() {
  listen();
  if (!failed_) return;
  throw std::runtime_error("astra: a program over several processes has failed, and they are out of step: " + why());
}

// Reads the notes of others; also what makes MPI go on.
void Processes::listen() {
  const std::unique_lock<std::mutex> lock(listening_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  for (;;) {
    int there = 0;
    mpi::Status status = {};
    mpi_->check(mpi_->Iprobe(mpi::kAnySource, mpi::kAnyTag, notes_, &there, &status), "Iprobe");
    if (there == 0) break;
    char note[kMostOfNote + 1];
    int64_t size = 0;
    mpi_->check(mpi_->Recv_c(note, sizeof note, mpi::kByte, status.source, status.tag, notes_, &status), "Recv");
    mpi_->check(mpi_->Get_count_c(&status, mpi::kByte, &size), "Get_count");
    const auto peer = std::find_if(peers_.begin(), peers_.end(), [&](const Peer &peer) { return peer.rank == status.source; });
    if (note[0] == kEnded) {
      peer->how = "has ended";
      peer->gone = true;
      continue;
    }
    const std::lock_guard<std::mutex> why_lock(mutex_);
    if (why_.empty()) why_.assign(note + 1, static_cast<size_t>(size) - 1);
    failed_ = true;
  }
  if (Clock::now() - looked_ >= kLook) look_for_deaths();
}

void Processes::look_for_deaths() {
  looked_ = Clock::now();
  for (Peer &peer : peers_) {
    pollfd watched = {peer.watched, POLLIN, 0};
    if (peer.gone || peer.watched < 0 || poll(&watched, 1, 0) <= 0) continue;
    peer.how = "has died";
    peer.gone = true;
  }
}

// --- messages --------------------------------------------------------------------------------------------------------

void Processes::transfer(const std::vector<Message> &messages) {
  check();
  std::vector<mpi::Request> requests(messages.size(), mpi::kNoRequest);
  try {
    for (size_t i = 0; i < messages.size(); ++i) {
      const Message &message = messages[i];
      const int rank = peers_[static_cast<size_t>(message.process)].rank;
      const int tag = static_cast<int>(message.from * total_devices_ + message.to);
      mpi_->check(message.sent ? mpi_->Isend_c(message.data, message.bytes, mpi::kByte, rank, tag, data_, &requests[i])
                               : mpi_->Irecv_c(message.data, message.bytes, mpi::kByte, rank, tag, data_, &requests[i]),
                  message.sent ? "Isend" : "Irecv");
    }
    wait(messages, requests);
    check();
  } catch (const std::exception &error) {
    fail(error.what());
    give_up(messages, requests);
    throw;
  }
}

// A number for each message that is not there yet, and what is known of the process that it waits for.
void Processes::wait(const std::vector<Message> &messages, std::vector<mpi::Request> &requests) {
  const auto begun = Clock::now();
  auto trouble = Clock::time_point::max();
  for (int spins = 0;; ++spins) {
    const Message *missing = nullptr;
    const Message *missed = nullptr;  // of a process that is gone
    for (size_t i = 0; i < messages.size(); ++i) {
      if (requests[i] == mpi::kNoRequest) continue;
      int done = 0;
      mpi::Status status = {};
      mpi_->check(mpi_->Test(&requests[i], &done, &status), "Test");
      if (done == 0) {
        missing = &messages[i];
        if (peers_[static_cast<size_t>(missing->process)].gone) missed = missing;
      } else if (!messages[i].sent) {
        int64_t bytes = 0;
        mpi_->check(mpi_->Get_count_c(&status, mpi::kByte, &bytes), "Get_count");
        if (bytes != messages[i].bytes)
          throw std::runtime_error("astra: process " + std::to_string(messages[i].process) + " runs another program than this one");
      }
    }
    if (missing == nullptr) return;
    if (spins < kSpins) {
      sched_yield();
      continue;
    }
    std::this_thread::sleep_for(std::min(std::chrono::microseconds(spins - kSpins), 500us));
    listen();
    const auto now = Clock::now();
    if (!failed_ && missed == nullptr) {
      if (now - begun < patience_) continue;
      throw std::runtime_error("astra: process " + std::to_string(missing->process) + " has not come to a collective operation for " +
                               std::to_string(patience_.count()) + " seconds (ASTRA_PROCESS_TIMEOUT)");
    }
    trouble = std::min(trouble, now);
    if (now - trouble < kGrace) continue;
    check();
    throw std::runtime_error("astra: process " + std::to_string(missed->process) + " " +
                             peers_[static_cast<size_t>(missed->process)].how + ", and others wait for it in a collective operation");
  }
}

// After a failure nobody sends or fetches what was begun.  The memory is its owner's again once MPI has let go of it.
void Processes::give_up(const std::vector<Message> &messages, std::vector<mpi::Request> &requests) {
  for (size_t i = 0; i < messages.size(); ++i)
    if (requests[i] != mpi::kNoRequest && !messages[i].sent) mpi_->Cancel(&requests[i]);
  const auto end = Clock::now() + kLongerGrace;
  bool waits = true;
  while (waits && Clock::now() < end) {
    waits = false;
    for (mpi::Request &request : requests) {
      int done = 1;
      mpi::Status status = {};
      if (request != mpi::kNoRequest && mpi_->Test(&request, &done, &status) != mpi::kSuccess) request = mpi::kNoRequest;
      waits = waits || done == 0;
    }
    std::this_thread::sleep_for(1ms);
  }
  for (mpi::Request &request : requests)
    if (request != mpi::kNoRequest) mpi_->Request_free(&request);
}

}  // namespace astra::pjrt
