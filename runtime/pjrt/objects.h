// The objects behind PJRT's handles.
//
// A buffer is a shape, a place and a share of a Storage; storages are counted, since views of other libraries, running
// programs and several buffers may hold one.  What a running program has not yet written is pending: `Pending` tells
// when it is there, or why it never will be.
#ifndef ASTRA_PJRT_OBJECTS_H
#define ASTRA_PJRT_OBJECTS_H

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "abi.h"
#include "astra/runtime.h"
#include "compiler.h"
#include "processes.h"

namespace astra::pjrt {

struct Error {
  Code code;
  std::string message;
};

Error *fail(Code code, std::string message);

// Whether something has happened, and what went wrong if so.  Shared by events, buffers and running programs.
class Pending {
 public:
  bool done() const { return done_.load(std::memory_order_acquire); }
  void finish(std::unique_ptr<Error> error = nullptr);
  void wait();
  bool succeeded() const { return error_ == nullptr; }  // once it is done
  // The error of what is done; the caller owns the copy.
  Error *error() const { return error_ == nullptr ? nullptr : new Error(*error_); }
  // Calls `callback` when done, on the thread that finishes it, or now.
  void then(std::function<void(Error *)> callback);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> done_{false};
  std::unique_ptr<Error> error_;
  std::vector<std::function<void(Error *)>> callbacks_;
};
using PendingPtr = std::shared_ptr<Pending>;  // null: it has happened and all is well

struct Event {
  PendingPtr pending;
};

// Elements in memory.
class Storage {
 public:
  static std::shared_ptr<Storage> allocate(Client *client, size_t bytes);  // throws std::bad_alloc
  static std::shared_ptr<Storage> external(void *data, size_t bytes, std::function<void()> release);
  ~Storage();
  Storage(const Storage &) = delete;
  Storage &operator=(const Storage &) = delete;

  // Whether a run that was given the only buffer may write here: not memory of others, nor what others look at.
  // Runs in the queue do not count: one that writes is queued behind them.
  bool writable() const { return release_ == nullptr && holders.load() == 0 && direct.load() == 1; }

  std::atomic<int> holders{0};  // buffers, and references of other libraries
  std::atomic<int> direct{0};   // runs on callers' threads that use it
  std::atomic<int> queued{0};   // runs in its device's queue that use it
  void *const data;
  const size_t bytes;

 private:
  Storage(void *data, size_t bytes) : data(data), bytes(bytes) {}
  Client *client_ = nullptr;  // whose pool it is from; null: of the C library
  std::function<void()> release_;
};
using StoragePtr = std::shared_ptr<Storage>;

struct Memory {
  Client *client;
  int32_t id;
  int32_t kind_id;
  std::string kind;
  std::string text;
  Device *device;
};

// Counts what goes on beside the callers' threads.  The interpreter does not end before it is over: it may call Python.
class Busy {
 public:
  Busy();
  ~Busy();
  Busy(const Busy &) = delete;
  Busy &operator=(const Busy &) = delete;
};
void wait_until_idle();
void leave_processes();  // the clients' ones

// Runs a device's programs one after the other, on a thread of its own.
class Queue {
 public:
  ~Queue();
  // Programs in a queue hold memory for their results, so callers wait here when there are many.  Threads of queues
  // (callbacks of programs) do not: what is in the queue may wait for them.
  void wait_for_room();
  void push(std::function<void()> job);

 private:
  struct State;
  std::shared_ptr<State> state();
  static void work(const std::shared_ptr<State> &state);
  std::shared_ptr<State> state_;
  std::mutex mutex_;  // of state_
};

struct Device {
  Client *client;
  int32_t id;
  int32_t process_index;
  int32_t local_id;
  bool here;  // of this process; others have no memories and run nothing
  std::string text;
  std::vector<Memory *> memories;
  Queue queue;
};

struct Topology {
  Client *client;
};

struct Client {
  // `processes`: null where this process is alone.
  Client(int64_t num_devices, std::unique_ptr<Processes> processes);
  ~Client();
  const astra_api *api;
  astra_context *context;
  std::string platform_version;
  std::vector<std::unique_ptr<Device>> owned_devices;
  std::vector<std::unique_ptr<Memory>> owned_memories;
  std::vector<Device *> devices;      // of all processes, by their numbers
  std::vector<Device *> addressable;  // of this one
  std::vector<Memory *> memories;
  std::string platform_name;
  int32_t process_index = 0;
  std::unique_ptr<Processes> processes;
  Topology topology;
  // A program for several devices is put into all of their queues under this lock, so that any two programs are in the
  // same order in all queues they share: their participants meet, whoever starts them.
  std::mutex launching;
};

struct Buffer {
  Buffer(Memory *memory, ElementType type, const int64_t *dims, size_t num_dims, StoragePtr storage, PendingPtr pending)
      : memory(memory), type(type), dims(dims, dims + num_dims), storage(std::move(storage)), pending(std::move(pending)) {
    ++this->storage->holders;
  }
  ~Buffer() { take(); }
  Memory *memory;
  ElementType type;
  std::vector<int64_t> dims;
  StoragePtr storage;  // null: deleted or given away
  PendingPtr pending;
  std::mutex mutex;                      // of what follows and of `storage`
  std::vector<StoragePtr> external_references;

  StoragePtr share() {
    const std::lock_guard<std::mutex> lock(mutex);
    return storage;
  }
  // As `share`, for a run or a copy: who takes the buffer afterwards knows of it, until `direct` is counted down.
  StoragePtr share_with_run() {
    const std::lock_guard<std::mutex> lock(mutex);
    if (storage != nullptr) ++storage->direct;
    return storage;
  }
  StoragePtr take() {
    const std::lock_guard<std::mutex> lock(mutex);
    if (storage != nullptr) --storage->holders;
    return std::move(storage);
  }
};

// A share of a buffer's elements for as long as they are read here: a run that takes the buffer over meanwhile does not
// write to them.
class Reading {
 public:
  explicit Reading(Buffer *buffer) : storage_(buffer->share_with_run()) {}
  ~Reading() {
    if (storage_ != nullptr) --storage_->direct;
  }
  Reading(const Reading &) = delete;
  Reading &operator=(const Reading &) = delete;
  const StoragePtr &storage() const { return storage_; }

 private:
  StoragePtr storage_;
};
using ReadingPtr = std::shared_ptr<Reading>;

// A compiled program; shared by the handles of both kinds.
struct CompiledProgram {
  ~CompiledProgram();
  Client *client;
  int64_t handle;
  astra_entry_fn entry;
  int64_t arena_bytes, code_bytes, num_replicas, num_partitions;
  bool asynchronous, exchanges;
  std::vector<uint8_t> donated;
  std::vector<void *> constants;
  std::vector<ElementType> types;
  std::vector<int64_t> bytes;
  std::vector<int64_t> dims;       // of all outputs
  std::vector<size_t> ranks;
  std::vector<int64_t> aliases;    // of each output the donated input in whose memory it is, or -1
  std::vector<int64_t> device_ids;
  std::string name, fingerprint, program;
  std::mutex costs_mutex;
  std::vector<NamedValue> costs;
  std::vector<int32_t> memories;  // of each output, its number among those of a device
  std::vector<const char *> memory_kinds;
  std::vector<size_t> memory_kind_sizes;
  int64_t argument_bytes = 0;
  std::vector<LayoutHandle *> layouts;  // of the outputs
  // Where other processes run it, too: its devices, and how the teams of its runs reach those.
  std::vector<const Device *> participants;
  std::vector<uint8_t> here;
  std::unique_ptr<astra_link> link;
};

struct Executable {
  std::shared_ptr<CompiledProgram> program;
};

struct LoadedExecutable {
  std::shared_ptr<CompiledProgram> program;  // null: deleted
  std::shared_ptr<CompiledProgram> described;
  std::vector<Device *> devices;          // of this process
  std::vector<int64_t> participants;      // the number of each among all that run the program
};

int64_t element_bytes(ElementType type);  // 0: not an element type of arrays here
int64_t array_bytes(ElementType type, const int64_t *dims, size_t num_dims);
LayoutHandle *row_major_layout(size_t rank);
void delete_layout(LayoutHandle *layout);
std::vector<int64_t> dense_strides(ElementType type, const int64_t *dims, size_t num_dims);

// `Args` of the function at `index` of the table.
void register_errors_and_events(Table &table);
void register_client(Table &table);
void register_buffers(Table &table);
void register_executables(Table &table);
Extension *layouts_extension();

// A function as the table holds it: what it throws becomes an error.
template <auto function>
struct Guarded;
template <typename Args, Error *(*function)(Args *)>
struct Guarded<function> {
  static Error *call(Args *args) {
    try {
      return function(args);
    } catch (const std::bad_alloc &) {
      return fail(kResourceExhausted, "out of memory");
    } catch (const std::exception &error) {
      return fail(kInternal, error.what());
    }
  }
};
template <auto function>
void put(Table &table, Function where) {
  table.functions[where] = reinterpret_cast<void *>(&Guarded<function>::call);
}

}  // namespace astra::pjrt

#endif
