// The client with its devices and memories.  Devices are virtual: each has a queue of its own, all share the
// processors and one pool of memory.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include "objects.h"

namespace astra::pjrt {

namespace {

constexpr char kDeviceKind[] = "cpu";
// JAX's names of memories; all are the same memory here.  The first is the default.  MEMORY_KINDS in
// astra_mlir/jax_backend/loaded_programs.py has them in the same order.
constexpr const char *kMemoryKinds[] = {"device", "pinned_host", "unpinned_host"};

const NamedValue *find_option(const Client_Create_Args *args, const char *name) {
  for (size_t i = 0; i < args->num_options; ++i)
    if (std::string(args->options[i].name, args->options[i].name_size) == name) return &args->options[i];
  return nullptr;
}

int64_t number_option(const Client_Create_Args *args, const char *name, int64_t otherwise) {
  const NamedValue *const option = find_option(args, name);
  return option == nullptr || option->kind != NamedValue::kInt64 ? otherwise : option->int64_value;
}

Error *create(Client_Create_Args *args) {
  if (args->struct_size < offsetof(Client_Create_Args, kv_try_get))
    return fail(kFailedPrecondition, "astra: the caller's version of PJRT is older than those that the plugin serves");
  static std::atomic<int> clients{0};  // each has keys of its own; all processes make theirs in one order
  const int number = clients++;
  const int64_t num_devices = number_option(args, "num_devices", 1);
  if (num_devices < 1) return fail(kInvalidArgument, "astra: num_devices must be a positive number");
  ProcessOptions options;
  options.count = number_option(args, "num_nodes", 1);
  options.index = number_option(args, "node_id", 0);
  options.patience_seconds = number_option(args, "process_timeout", 300);
  std::unique_ptr<Processes> processes;
  if (options.count > 1) {
    const NamedValue *const library = find_option(args, "mpi_library");
    if (library != nullptr && library->kind == NamedValue::kString)
      options.mpi_library.assign(library->string_value, library->value_size);
    processes = std::make_unique<Processes>(KeyValues(*args, "astra " + std::to_string(number) + "/"), options, num_devices);
  }
  args->client = new Client(num_devices, std::move(processes));
  return nullptr;
}

Error *destroy(Client_Destroy_Args *args) {
  delete args->client;
  return nullptr;
}

Error *lookup_device(Client_LookupDevice_Args *args) {
  const auto &all = args->client->devices;
  const auto found = std::find_if(all.begin(), all.end(), [&](Device *device) { return device->id == args->id; });
  if (found == all.end()) return fail(kInvalidArgument, "astra: there is no device " + std::to_string(args->id));
  args->device = *found;
  return nullptr;
}

Error *lookup_local_device(Client_LookupDevice_Args *args) {
  const auto &all = args->client->addressable;
  if (args->id < 0 || static_cast<size_t>(args->id) >= all.size())
    return fail(kInvalidArgument, "astra: this process has no device " + std::to_string(args->id));
  args->device = all[static_cast<size_t>(args->id)];
  return nullptr;
}

Error *topology_of(Client_TopologyDescription_Args *args) {
  args->topology = &args->client->topology;
  return nullptr;
}

Error *update_processes(Client_UpdateGlobalProcessInfo_Args *) { return nullptr; }

Error *default_assignment(Client_DefaultDeviceAssignment_Args *args) {
  const size_t wanted = static_cast<size_t>(args->num_replicas) * args->num_partitions;
  const auto &all = args->client->devices;
  if (wanted > all.size() || wanted > args->default_assignment_size)
    return fail(kInvalidArgument, "astra: a program for " + std::to_string(wanted) + " devices, and there are " +
                                      std::to_string(all.size()));
  for (size_t i = 0; i < wanted; ++i) args->default_assignment[i] = all[i]->id;
  return nullptr;
}

Error *topology_text(Topology_String_Args *args, const std::string &text) {
  args->text = text.data();
  args->text_size = text.size();
  return nullptr;
}

Error *topology_name(Topology_String_Args *args) { return topology_text(args, args->topology->client->platform_name); }

Error *topology_version(Topology_String_Args *args) { return topology_text(args, args->topology->client->platform_version); }

Error *topology_devices(Topology_Devices_Args *args) {
  args->descriptions = args->topology->client->devices.data();
  args->num_descriptions = args->topology->client->devices.size();
  return nullptr;
}

Error *topology_attributes(Topology_Attributes_Args *args) {
  args->attributes = nullptr;
  args->num_attributes = 0;
  return nullptr;
}

Error *topology_destroy(Topology_Destroy_Args *) { return nullptr; }  // it is the client's

Error *device_kind(Device_String_Args *args) {
  args->text = kDeviceKind;
  args->text_size = sizeof kDeviceKind - 1;
  return nullptr;
}

Error *device_attributes(DeviceDescription_Attributes_Args *args) {
  args->attributes = nullptr;
  args->num_attributes = 0;
  return nullptr;
}

Error *device_description(Device_GetDescription_Args *args) {
  args->description = args->device;
  return nullptr;
}

Error *default_memory(Device_DefaultMemory_Args *args) {
  if (!args->device->here) return fail(kInvalidArgument, args->device->text + " is another process's");
  args->memory = args->device->memories.front();
  return nullptr;
}

Error *memory_stats(Device_MemoryStats_Args *args) {
  astra_memory_stats stats = {};
  stats.struct_size = sizeof stats;
  const Client *client = args->device->client;
  client->api->memory_stats(client->context, &stats);
  for (OptionalStatistic *other :
       {&args->num_allocs, &args->largest_alloc_size, &args->bytes_limit, &args->bytes_reserved,
        &args->peak_bytes_reserved, &args->bytes_reservable_limit, &args->largest_free_block_bytes,
        &args->peak_pool_bytes})
    *other = {0, false};
  args->bytes_in_use = stats.live_bytes;
  args->peak_bytes_in_use = {stats.peak_bytes, true};
  args->pool_bytes = {stats.live_bytes + stats.cached_bytes, true};
  return nullptr;
}

Error *memory_devices(Memory_Devices_Args *args) {
  args->devices = &args->memory->device;
  args->num_devices = 1;
  return nullptr;
}

// --- what callers only look at: fields of the objects, which fields of the arguments get --------------------------------

// `value` of the arguments gets `field` of the object that they name.
template <auto object, auto value, auto field, typename Args>
Error *give(Args *args) {
  args->*value = args->*object->*field;
  return nullptr;
}

// A text or a list: its address and its size.
template <auto object, auto first, auto size, auto field, typename Args>
Error *give_all(Args *args) {
  args->*first = (args->*object->*field).data();
  args->*size = (args->*object->*field).size();
  return nullptr;
}

template <auto field>
constexpr auto client_text = give_all<&Client_String_Args::client, &Client_String_Args::text, &Client_String_Args::text_size, field, Client_String_Args>;
template <auto field>
constexpr auto client_devices = give_all<&Client_Devices_Args::client, &Client_Devices_Args::devices, &Client_Devices_Args::num_devices, field, Client_Devices_Args>;
template <auto field>
constexpr auto device_number = give<&Device_Int_Args::device, &Device_Int_Args::value, field, Device_Int_Args>;
template <auto field>
constexpr auto memory_number = give<&Memory_Int_Args::memory, &Memory_Int_Args::value, field, Memory_Int_Args>;
template <auto field>
constexpr auto memory_text = give_all<&Memory_String_Args::memory, &Memory_String_Args::text, &Memory_String_Args::text_size, field, Memory_String_Args>;
constexpr auto device_text = give_all<&Device_String_Args::device, &Device_String_Args::text, &Device_String_Args::text_size, &Device::text, Device_String_Args>;
constexpr auto device_memories = give_all<&Device_Memories_Args::device, &Device_Memories_Args::memories, &Device_Memories_Args::num_memories, &Device::memories, Device_Memories_Args>;
constexpr auto device_is_here = give<&Device_IsAddressable_Args::device, &Device_IsAddressable_Args::is_addressable, &Device::here, Device_IsAddressable_Args>;
constexpr auto client_memories = give_all<&Client_AddressableMemories_Args::client, &Client_AddressableMemories_Args::memories, &Client_AddressableMemories_Args::num_memories, &Client::memories, Client_AddressableMemories_Args>;
constexpr auto client_process = give<&Client_ProcessIndex_Args::client, &Client_ProcessIndex_Args::process_index, &Client::process_index, Client_ProcessIndex_Args>;

// Clients whose process takes part in programs with others.
std::mutex members_mutex;
std::vector<Client *> members;

}  // namespace

Client::Client(int64_t num_devices, std::unique_ptr<Processes> others)
    : api(astra_get_api(ASTRA_ABI_VERSION)), platform_name("astra"), processes(std::move(others)), topology{this} {
  if (api == nullptr || api->struct_size < sizeof(astra_api))
    throw std::runtime_error("astra: the runtime library does not fit the plugin: rebuild it");
  context = api->context_default();
  platform_version = "astra " ASTRA_VERSION;
  process_index = processes == nullptr ? 0 : static_cast<int32_t>(processes->index);
  const std::vector<int64_t> counts = processes == nullptr ? std::vector<int64_t>{num_devices} : processes->num_devices();
  int32_t id = 0, memory_id = 0;
  for (int32_t process = 0; process < static_cast<int32_t>(counts.size()); ++process) {
    for (int32_t local = 0; local < counts[static_cast<size_t>(process)]; ++local, ++id) {
      auto device = std::make_unique<Device>();
      device->client = this;
      device->id = id;
      device->process_index = process;
      device->local_id = local;
      device->here = process == process_index;
      device->text = "AstraDevice(id=" + std::to_string(id) + ")";
      devices.push_back(device.get());
      owned_devices.push_back(std::move(device));
      if (!devices.back()->here) continue;
      addressable.push_back(devices.back());
      int32_t kind_id = 0;
      for (const char *kind : kMemoryKinds) {
        auto memory = std::make_unique<Memory>();
        *memory = {this, memory_id++, kind_id++, kind, "AstraMemory(" + std::string(kind) + ", " + std::to_string(id) + ")",
                   devices.back()};
        devices.back()->memories.push_back(memory.get());
        memories.push_back(memory.get());
        owned_memories.push_back(std::move(memory));
      }
    }
  }
  if (processes == nullptr) return;
  const std::lock_guard<std::mutex> lock(members_mutex);
  members.push_back(this);
}

Client::~Client() {
  const std::lock_guard<std::mutex> lock(members_mutex);
  members.erase(std::remove(members.begin(), members.end(), this), members.end());
}

void leave_processes() {
  const std::lock_guard<std::mutex> lock(members_mutex);
  for (Client *client : members) client->processes->leave();
}

// --- queues ----------------------------------------------------------------------------------------------------------

namespace {
constexpr size_t kLongestQueue = 32;
thread_local bool on_queue = false;

// What other threads do for callers, in all queues and in the compiler.
const pid_t owner = getpid();
std::mutex busy_mutex;
std::condition_variable busy_changed;
int64_t busy = 0;
}  // namespace

Busy::Busy() {
  const std::lock_guard<std::mutex> lock(busy_mutex);
  ++busy;
}

Busy::~Busy() {
  const std::lock_guard<std::mutex> lock(busy_mutex);
  if (--busy == 0) busy_changed.notify_all();
}

void wait_until_idle() {
  if (getpid() != owner) return;  // a fork: those threads are not here
  std::unique_lock<std::mutex> lock(busy_mutex);
  busy_changed.wait(lock, [] { return busy == 0; });
}

struct Queue::State {
  const pid_t process = getpid();
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;
  bool closed = false;
  std::thread thread;
};

Queue::~Queue() {
  if (state_ == nullptr) return;
  if (state_->process != getpid()) {
    new std::shared_ptr<State>(state_);  // of the parent of a fork: its thread is not here, and its lock may be held
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->closed = true;
  }
  state_->changed.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
}

// Starts the thread: on first use, and anew in the child of a fork.
std::shared_ptr<Queue::State> Queue::state() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (state_ == nullptr || state_->process != getpid()) {
    if (state_ != nullptr) new std::shared_ptr<State>(state_);
    state_ = std::make_shared<State>();
    state_->thread = std::thread([state = state_] { work(state); });
  }
  return state_;
}

void Queue::wait_for_room() {
  if (on_queue) return;
  const std::shared_ptr<State> now = state();
  std::unique_lock<std::mutex> lock(now->mutex);
  now->changed.wait(lock, [&] { return now->jobs.size() < kLongestQueue; });
}

void Queue::push(std::function<void()> job) {
  const std::shared_ptr<State> now = state();
  {
    const std::lock_guard<std::mutex> lock(now->mutex);
    // `held` goes last: what the job holds may be given back to Python, which must not end before.
    now->jobs.push_back([held = std::make_shared<Busy>(), job = std::move(job)] { job(); });
  }
  now->changed.notify_all();
}

void Queue::work(const std::shared_ptr<State> &state) {
  on_queue = true;
  std::unique_lock<std::mutex> lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->closed || !state->jobs.empty(); });
    if (state->jobs.empty()) return;
    {
      const std::function<void()> job = std::move(state->jobs.front());
      state->jobs.pop_front();
      lock.unlock();
      state->changed.notify_all();
      job();
    }  // without the lock: what the job held may wait for threads that wait for it
    lock.lock();
  }
}

void register_client(Table &table) {
  put<create>(table, kClient_Create);
  put<destroy>(table, kClient_Destroy);
  put<client_text<&Client::platform_name>>(table, kClient_PlatformName);
  put<client_text<&Client::platform_version>>(table, kClient_PlatformVersion);
  put<client_process>(table, kClient_ProcessIndex);
  put<client_devices<&Client::devices>>(table, kClient_Devices);
  put<client_devices<&Client::addressable>>(table, kClient_AddressableDevices);
  put<lookup_device>(table, kClient_LookupDevice);
  put<lookup_local_device>(table, kClient_LookupAddressableDevice);
  put<client_memories>(table, kClient_AddressableMemories);
  put<topology_of>(table, kClient_TopologyDescription);
  put<update_processes>(table, kClient_UpdateGlobalProcessInfo);
  put<default_assignment>(table, kClient_DefaultDeviceAssignment);
  put<topology_name>(table, kTopologyDescription_PlatformName);
  put<topology_version>(table, kTopologyDescription_PlatformVersion);
  put<topology_devices>(table, kTopologyDescription_GetDeviceDescriptions);
  put<topology_attributes>(table, kTopologyDescription_Attributes);
  put<topology_destroy>(table, kTopologyDescription_Destroy);
  put<device_number<&Device::id>>(table, kDeviceDescription_Id);
  put<device_number<&Device::process_index>>(table, kDeviceDescription_ProcessIndex);
  put<device_attributes>(table, kDeviceDescription_Attributes);
  put<device_kind>(table, kDeviceDescription_Kind);
  put<device_text>(table, kDeviceDescription_DebugString);
  put<device_text>(table, kDeviceDescription_ToString);
  put<device_description>(table, kDevice_GetDescription);
  put<device_is_here>(table, kDevice_IsAddressable);
  put<device_number<&Device::local_id>>(table, kDevice_LocalHardwareId);
  put<device_memories>(table, kDevice_AddressableMemories);
  put<default_memory>(table, kDevice_DefaultMemory);
  put<memory_stats>(table, kDevice_MemoryStats);
  put<memory_number<&Memory::id>>(table, kMemory_Id);
  put<memory_number<&Memory::kind_id>>(table, kMemory_Kind_Id);
  put<memory_text<&Memory::kind>>(table, kMemory_Kind);
  put<memory_text<&Memory::text>>(table, kMemory_DebugString);
  put<memory_text<&Memory::text>>(table, kMemory_ToString);
  put<memory_devices>(table, kMemory_AddressableByDevices);
}

}  // namespace astra::pjrt
