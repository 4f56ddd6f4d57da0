// The processes that run one program together (jax.distributed), as one of them sees it: how many devices each has, and
// messages between devices of two.
//
// A message goes through MPI with the two devices' numbers as its tag, so what two devices send each other keeps its
// order whatever others do.  A process that fails in a program over several says so to all, one that ends, too, and one
// that is killed is missed: who waits for it gets an error.  After that the processes are out of step, and no program
// over several of them runs any more.
#ifndef ASTRA_PJRT_PROCESSES_H
#define ASTRA_PJRT_PROCESSES_H

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "key_values.h"
#include "mpi.h"

namespace astra::pjrt {

struct Message {
  int64_t process, from, to;  // the other process; the numbers of the devices
  bool sent;                  // else received
  void *data;
  int64_t bytes;
};

struct ProcessOptions {
  int64_t index = 0, count = 1;
  std::string mpi_library;
  int64_t patience_seconds = 0;  // how long one waits for another in a collective operation
};

class Processes {
 public:
  // Meets the others, which do the same.  Throws std::runtime_error.
  Processes(const KeyValues &values, const ProcessOptions &options, int64_t num_devices);
  ~Processes();
  Processes(const Processes &) = delete;
  Processes &operator=(const Processes &) = delete;

  const int64_t index;
  const std::vector<int64_t> &num_devices() const { return num_devices_; }  // of each process

  // Returns when all is sent and received.  Throws std::runtime_error.
  void transfer(const std::vector<Message> &messages);
  // A program over several processes has failed here.
  void fail(const std::string &why);
  // This process takes part in nothing any more.
  void leave();

 private:
  enum Note : char { kFailed = 'f', kEnded = 'e' };
  struct Peer {
    int rank = 0;
    int watched = -1;  // a descriptor that can be read when the process has died
    std::atomic<bool> gone{false};
    const char *how = "";
  };
  using Clock = std::chrono::steady_clock;

  void meet(const KeyValues &values, const ProcessOptions &options);
  void tell(Note note, const std::string &why);
  void listen();
  void look_for_deaths();
  void check();  // throws when the processes are out of step
  std::string why();
  void wait(const std::vector<Message> &messages, std::vector<mpi::Request> &requests);
  void give_up(const std::vector<Message> &messages, std::vector<mpi::Request> &requests);

  const std::chrono::seconds patience_;
  const mpi::Functions *mpi_ = nullptr;
  mpi::Comm data_ = nullptr, notes_ = nullptr;
  int64_t total_devices_ = 0;
  std::vector<int64_t> num_devices_;
  std::deque<Peer> peers_;

  std::mutex listening_;  // one thread at a time
  Clock::time_point looked_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;  // of what follows
  std::string why_;
  bool left_ = false;
  std::deque<std::string> told_;  // notes stay where they are: who does not read them must not stop this process
};

}  // namespace astra::pjrt

#endif
