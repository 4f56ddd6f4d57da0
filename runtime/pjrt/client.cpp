// The client with its devices and memories.  Devices are virtual: each has a queue of its own, all share the
// processors and one pool of memory.
#include <unistd.h>

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "objects.h"

namespace astra::pjrt {

namespace {

constexpr char kPlatformName[] = "astra";
constexpr char kDeviceKind[] = "cpu";
// JAX's names of memories; all are the same memory here.  The first is the default.
constexpr const char *kMemoryKinds[] = {"device", "pinned_host", "unpinned_host"};

void give(const std::string &text, const char *&out, size_t &size) {
  out = text.data();
  size = text.size();
}

const NamedValue *find_option(const NamedValue *options, size_t count, const char *name) {
  for (size_t i = 0; i < count; ++i)
    if (std::string(options[i].name, options[i].name_size) == name) return &options[i];
  return nullptr;
}

Error *create(Client_Create_Args *args) {
  const NamedValue *devices = find_option(args->options, args->num_options, "num_devices");
  if (devices != nullptr && (devices->kind != NamedValue::kInt64 || devices->int64_value < 1))
    return fail(kInvalidArgument, "astra: num_devices must be a positive number");
  const NamedValue *nodes = find_option(args->options, args->num_options, "num_nodes");
  if (nodes != nullptr && nodes->kind == NamedValue::kInt64 && nodes->int64_value > 1)
    return fail(kUnimplemented, "astra: several processes (jax.distributed) are not supported yet");
  args->client = new Client(devices == nullptr ? 1 : devices->int64_value);
  return nullptr;
}

Error *destroy(Client_Destroy_Args *args) {
  delete args->client;
  return nullptr;
}

Error *platform_name(Client_String_Args *args) {
  args->text = kPlatformName;
  args->text_size = std::strlen(kPlatformName);
  return nullptr;
}

Error *platform_version(Client_String_Args *args) {
  give(args->client->platform_version, args->text, args->text_size);
  return nullptr;
}

Error *process_index(Client_ProcessIndex_Args *args) {
  args->process_index = 0;
  return nullptr;
}

Error *devices(Client_Devices_Args *args) {
  args->devices = args->client->devices.data();
  args->num_devices = args->client->devices.size();
  return nullptr;
}

Error *lookup_device(Client_LookupDevice_Args *args) {
  const auto &all = args->client->devices;
  const auto found = std::find_if(all.begin(), all.end(), [&](Device *device) { return device->id == args->id; });
  if (found == all.end()) return fail(kInvalidArgument, "astra: there is no device " + std::to_string(args->id));
  args->device = *found;
  return nullptr;
}

Error *client_memories(Client_AddressableMemories_Args *args) {
  args->memories = args->client->memories.data();
  args->num_memories = args->client->memories.size();
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

// --- topology --------------------------------------------------------------------------------------------------------

Error *topology_name(Topology_String_Args *args) {
  args->text = kPlatformName;
  args->text_size = std::strlen(kPlatformName);
  return nullptr;
}

Error *topology_version(Topology_String_Args *args) {
  give(args->topology->client->platform_version, args->text, args->text_size);
  return nullptr;
}

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

// --- devices ---------------------------------------------------------------------------------------------------------

Error *device_id(Device_Int_Args *args) {
  args->value = args->device->id;
  return nullptr;
}

Error *device_process(Device_Int_Args *args) {
  args->value = args->device->process_index;
  return nullptr;
}

Error *device_kind(Device_String_Args *args) {
  args->text = kDeviceKind;
  args->text_size = std::strlen(kDeviceKind);
  return nullptr;
}

Error *device_text(Device_String_Args *args) {
  give(args->device->text, args->text, args->text_size);
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

Error *device_is_addressable(Device_IsAddressable_Args *args) {
  args->is_addressable = true;
  return nullptr;
}

Error *device_memories(Device_Memories_Args *args) {
  args->memories = args->device->memories.data();
  args->num_memories = args->device->memories.size();
  return nullptr;
}

Error *default_memory(Device_DefaultMemory_Args *args) {
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

// --- memories --------------------------------------------------------------------------------------------------------

Error *memory_id(Memory_Int_Args *args) {
  args->value = args->memory->id;
  return nullptr;
}

Error *memory_kind_id(Memory_Int_Args *args) {
  args->value = args->memory->kind_id;
  return nullptr;
}

Error *memory_kind(Memory_String_Args *args) {
  give(args->memory->kind, args->text, args->text_size);
  return nullptr;
}

Error *memory_text(Memory_String_Args *args) {
  give(args->memory->text, args->text, args->text_size);
  return nullptr;
}

Error *memory_devices(Memory_Devices_Args *args) {
  args->devices = &args->memory->device;
  args->num_devices = 1;
  return nullptr;
}

}  // namespace

Client::Client(int64_t num_devices) : api(astra_get_api(ASTRA_ABI_VERSION)), topology{this} {
  if (api == nullptr) throw std::runtime_error("astra: the runtime library does not fit the plugin: rebuild it");
  context = api->context_default();
  platform_version = "astra " ASTRA_VERSION;
  int32_t memory_id = 0;
  for (int32_t id = 0; id < num_devices; ++id) {
    auto device = std::make_unique<Device>();
    device->client = this;
    device->id = id;
    device->process_index = 0;
    device->text = "AstraDevice(id=" + std::to_string(id) + ")";
    int32_t kind_id = 0;
    for (const char *kind : kMemoryKinds) {
      auto memory = std::make_unique<Memory>();
      *memory = {this, memory_id++, kind_id++, kind, "AstraMemory(" + std::string(kind) + ", " + std::to_string(id) + ")",
                 device.get()};
      device->memories.push_back(memory.get());
      memories.push_back(memory.get());
      owned_memories.push_back(std::move(memory));
    }
    devices.push_back(device.get());
    owned_devices.push_back(std::move(device));
  }
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
  put<platform_name>(table, kClient_PlatformName);
  put<platform_version>(table, kClient_PlatformVersion);
  put<process_index>(table, kClient_ProcessIndex);
  put<devices>(table, kClient_Devices);
  put<devices>(table, kClient_AddressableDevices);
  put<lookup_device>(table, kClient_LookupDevice);
  put<lookup_device>(table, kClient_LookupAddressableDevice);
  put<client_memories>(table, kClient_AddressableMemories);
  put<topology_of>(table, kClient_TopologyDescription);
  put<update_processes>(table, kClient_UpdateGlobalProcessInfo);
  put<default_assignment>(table, kClient_DefaultDeviceAssignment);
  put<topology_name>(table, kTopologyDescription_PlatformName);
  put<topology_version>(table, kTopologyDescription_PlatformVersion);
  put<topology_devices>(table, kTopologyDescription_GetDeviceDescriptions);
  put<topology_attributes>(table, kTopologyDescription_Attributes);
  put<topology_destroy>(table, kTopologyDescription_Destroy);
  put<device_id>(table, kDeviceDescription_Id);
  put<device_process>(table, kDeviceDescription_ProcessIndex);
  put<device_attributes>(table, kDeviceDescription_Attributes);
  put<device_kind>(table, kDeviceDescription_Kind);
  put<device_text>(table, kDeviceDescription_DebugString);
  put<device_text>(table, kDeviceDescription_ToString);
  put<device_description>(table, kDevice_GetDescription);
  put<device_is_addressable>(table, kDevice_IsAddressable);
  put<device_id>(table, kDevice_LocalHardwareId);
  put<device_memories>(table, kDevice_AddressableMemories);
  put<default_memory>(table, kDevice_DefaultMemory);
  put<memory_stats>(table, kDevice_MemoryStats);
  put<memory_id>(table, kMemory_Id);
  put<memory_kind_id>(table, kMemory_Kind_Id);
  put<memory_kind>(table, kMemory_Kind);
  put<memory_text>(table, kMemory_DebugString);
  put<memory_text>(table, kMemory_ToString);
  put<memory_devices>(table, kMemory_AddressableByDevices);
}

}  // namespace astra::pjrt
