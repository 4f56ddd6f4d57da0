// Devices, kernels and programs on NVIDIA GPUs.
//
// A device has one stream, on which everything runs in order: copies, kernels, allocation.  Work of other streams (an
// array that PyTorch has just computed) is ordered before and after by events.  A program that reads nothing back is
// captured when it is called the second time with the same addresses, and replayed from then on: one call of the driver.
#include "gpu.h"

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "cuda_driver.h"
#include "handles.h"

using astra::fail;
using namespace astra::cuda;

namespace {

constexpr size_t kMostGraphs = 8;  // of one module: as many sets of addresses as are used in turn
constexpr size_t kMostParameters = 256;

// A failure whose message `last_error` gives.
struct GpuError {
  astra_status status;
  std::string message;
};

[[noreturn]] void raise(astra_status status, std::string message) { throw GpuError{status, std::move(message)}; }

void check(const Driver &driver, Result result, const char *what) {
  if (result != 0) raise(result == kOutOfMemory ? ASTRA_OUT_OF_MEMORY : ASTRA_FAILED, describe(driver, what, result));
}

const Driver &the_driver() {
  std::string why;
  const Driver *const found = driver(why);
  if (found == nullptr) raise(ASTRA_UNAVAILABLE, why);
  return *found;
}

// A call of the interface: while it runs, this thread may have another device's context than the caller's (PyTorch takes
// the current context for the current device), and afterwards the caller's again.
struct Visit {
  Visit() : outer(current) { current = this; }
  ~Visit() {
    if (driver != nullptr && before != nullptr) driver->context_set(before);
    current = outer;
  }
  Visit(const Visit &) = delete;
  Visit &operator=(const Visit &) = delete;
  const Driver *driver = nullptr;  // null: nothing was changed
  Context before = nullptr;
  Visit *const outer;
  static thread_local Visit *current;
};
thread_local Visit *Visit::current = nullptr;

struct DeviceState {
  int number = 0;
  const Driver *driver = nullptr;
  Device handle = 0;
  Context context = nullptr;
  Stream stream = nullptr;

  // Every thread that talks to the driver has to have the device's context.
  void enter() const {
    Context now = nullptr;
    check(*driver, driver->context_get(&now), "cuCtxGetCurrent");
    if (now == context) return;
    check(*driver, driver->context_set(context), "cuCtxSetCurrent");
    if (Visit *const visit = Visit::current; visit != nullptr && visit->driver == nullptr) {
      visit->driver = driver;
      visit->before = now;
    }
  }
  int attribute(DeviceAttribute which) const {
    int value = 0;
    check(*driver, driver->device_attribute(&value, which, handle), "cuDeviceGetAttribute");
    return value;
  }
};

std::unique_ptr<DeviceState> open_device(int number) {
  const Driver &driver = the_driver();
  auto made = std::make_unique<DeviceState>();
  made->number = number;
  made->driver = &driver;
  check(driver, driver.device_get(&made->handle, number), "cuDeviceGet");
  if (made->attribute(kMemoryPoolsSupported) == 0)
    raise(ASTRA_UNAVAILABLE, "device " + std::to_string(number) + " has no memory pools (cuMemAllocAsync)");
  check(driver, driver.context_retain(&made->context, made->handle), "cuDevicePrimaryCtxRetain");
  made->enter();
  check(driver, driver.stream_create(&made->stream, kStreamNonBlocking), "cuStreamCreate");
  Pool pool = nullptr;
  uint64_t keep = ~uint64_t{0};  // freed memory stays with the process until others need it
  check(driver, driver.device_pool(&pool, made->handle), "cuDeviceGetDefaultMemPool");
  check(driver, driver.pool_set_attribute(pool, kPoolReleaseThreshold, &keep), "cuMemPoolSetAttribute");
  return made;
}

std::mutex devices_mutex;
// Never destroyed: objects that use them may go later than this library's.
std::vector<std::unique_ptr<DeviceState>> &devices = *new std::vector<std::unique_ptr<DeviceState>>;

int count_devices() {
  const Driver &driver = the_driver();
  int count = 0;
  check(driver, driver.device_count(&count), "cuDeviceGetCount");
  return count;
}

// Entered by this thread.
DeviceState &device_state(int64_t number) {
  const std::lock_guard<std::mutex> lock(devices_mutex);
  if (devices.empty()) devices.resize(static_cast<size_t>(count_devices()));
  if (number < 0 || static_cast<size_t>(number) >= devices.size())
    raise(ASTRA_UNAVAILABLE,
          "there is no device " + std::to_string(number) + "; this machine has " + std::to_string(devices.size()));
  auto &state = devices[static_cast<size_t>(number)];
  if (state == nullptr) state = open_device(static_cast<int>(number));
  state->enter();
  return *state;
}

struct KernelState {
  std::string name;
  Kernel handle = nullptr;
  unsigned threads = 0, shared_bytes = 0, cluster[3] = {1, 1, 1};
  int64_t grid[3] = {0, 0, 0};
  bool overlaps = false;
  size_t parameters = 0;
  std::vector<astra_gpu_tensor_map> maps;
};

// A recorded run of a program with these addresses; `exec` is null until it is called again.
struct Recorded {
  std::vector<void *> addresses;
  GraphExec exec = nullptr;
};

Address address_of(const void *memory) { return reinterpret_cast<Address>(memory); }

}  // namespace

struct astra_gpu_module {
  DeviceState *device = nullptr;
  Library library = nullptr;
  std::vector<KernelState> kernels;
  std::mutex mutex;  // of what is below
  std::list<Recorded> recorded;  // the one used last is the first
  Stream capture = nullptr;
  void *arena = nullptr;  // of recorded runs, which follow each other on the stream
  int64_t arena_bytes = 0;

  ~astra_gpu_module() {
    if (device == nullptr) return;
    const Driver &driver = *device->driver;
    driver.stream_synchronize(device->stream);
    for (const Recorded &run : recorded)
      if (run.exec != nullptr) driver.graph_exec_destroy(run.exec);
    if (capture != nullptr) driver.stream_destroy(capture);
    if (arena != nullptr) driver.deallocate(address_of(arena), device->stream);
    if (library != nullptr) driver.library_unload(library);
  }
};

struct astra_gpu_event {
  DeviceState *device;
  Event event;
};

namespace {

void encode(const Driver &driver, const astra_gpu_tensor_map &map, void *const *parameters, TensorMap *out) {
  uint64_t sizes[ASTRA_GPU_MAX_RANK], strides[ASTRA_GPU_MAX_RANK];
  unsigned box[ASTRA_GPU_MAX_RANK], steps[ASTRA_GPU_MAX_RANK];
  auto number = [&](int64_t parameter) { return *static_cast<const uint64_t *>(parameters[parameter]); };
  for (int64_t i = 0; i < map.rank; ++i) {
    const bool given_size = (map.from_parameters >> i & 1) != 0, given_stride = (map.from_parameters >> (8 + i) & 1) != 0;
    sizes[i] = given_size ? number(map.sizes[i]) : static_cast<uint64_t>(map.sizes[i]);
    const uint64_t stride = given_stride ? number(map.strides[i]) * static_cast<uint64_t>(map.element_bytes)
                                         : static_cast<uint64_t>(map.strides[i]);
    if (i > 0) strides[i - 1] = stride;
    box[i] = static_cast<unsigned>(map.box[i]);
    steps[i] = 1;
  }
  void *const memory = *static_cast<void *const *>(parameters[map.parameter]);
  constexpr int kNoInterleave = 0, kPromote256 = 3, kZeros = 0;
  check(driver,
        driver.tensor_map_encode(out, static_cast<int>(map.element_type), static_cast<unsigned>(map.rank), memory, sizes,
                                 strides, box, steps, kNoInterleave, static_cast<int>(map.swizzle), kPromote256, kZeros),
        "cuTensorMapEncodeTiled");
}

void launch(const DeviceState &device, const KernelState &kernel, const int64_t *grid, void *const *parameters,
            Stream stream) {
  LaunchConfig config = {};
  for (int i = 0; i < 3; ++i) {
    if (grid[i] == 0) return;  // nothing to do
    const int64_t most = i == 0 ? 0x7fffffff : 0xffff, size = kernel.grid[i] != 0 ? kernel.grid[i] : grid[i];
    if (size < 0 || size > most)
      raise(ASTRA_INVALID_ARGUMENT, "kernel " + kernel.name + ": a grid of " + std::to_string(size) + " programs on axis " +
                                        std::to_string(i) + ", of at most " + std::to_string(most));
    config.grid[i] = static_cast<unsigned>(size);
  }
  config.block[0] = kernel.threads;
  config.block[1] = config.block[2] = 1;
  config.shared_bytes = kernel.shared_bytes;
  config.stream = stream;
  LaunchAttribute attributes[2] = {};
  if (kernel.cluster[0] * kernel.cluster[1] * kernel.cluster[2] > 1) {
    LaunchAttribute &cluster = attributes[config.num_attributes++];
    cluster.kind = kClusterDimension;
    std::copy(kernel.cluster, kernel.cluster + 3, cluster.cluster);
  }
  if (kernel.overlaps) {
    LaunchAttribute &overlap = attributes[config.num_attributes++];
    overlap.kind = kProgrammaticStreamSerialization;
    overlap.programmatic = 1;
  }
  config.attributes = attributes;
  void *values[kMostParameters];
  std::vector<TensorMap> maps(kernel.maps.size());
  std::copy(parameters, parameters + kernel.parameters, values);
  for (size_t i = 0; i < maps.size(); ++i) {
    encode(*device.driver, kernel.maps[i], parameters, &maps[i]);
    values[kernel.parameters + i] = &maps[i];
  }
  const Result result = device.driver->launch(&config, kernel.handle, values, nullptr);
  if (result != 0) raise(ASTRA_FAILED, describe(*device.driver, ("launch of kernel " + kernel.name).c_str(), result));
}

// The program that runs on this thread.
struct Running {
  astra_gpu_module *module = nullptr;
  Stream stream = nullptr;
  std::jmp_buf *leave = nullptr;
  GpuError *error = nullptr;
};
thread_local Running running;

// Native code of the program on a stream.  A failure leaves it by a jump: it has nothing to clean up.
void enter(const astra_gpu_call &call, void *arena, Stream stream) {
  std::jmp_buf leave;
  GpuError error = {ASTRA_OK, {}};
  const Running outer = running;
  running = {call.module, stream, &leave, &error};
  if (setjmp(leave) == 0) call.entry(call.inputs, call.outputs, arena);
  running = outer;
  if (error.status != ASTRA_OK) throw error;
}

template <typename Body>
void from_code(Body body) {
  if (running.module == nullptr) return;  // code that was entered in another way
  bool failed = false;
  try {
    body(running, *running.module->device);
  } catch (const GpuError &error) {
    *running.error = error;
    failed = true;
  } catch (const std::bad_alloc &) {
    running.error->status = ASTRA_OUT_OF_MEMORY;
    failed = true;
  }
  if (failed) std::longjmp(*running.leave, 1);
}

struct EventOwner {
  EventOwner(const Driver &driver) : driver(driver) { check(driver, driver.event_create(&event, kEventNoTiming), "cuEventCreate"); }
  ~EventOwner() { driver.event_destroy(event); }
  const Driver &driver;
  Event event = nullptr;
};

// `later` goes on when everything that is in `earlier` now is done.
void order(const Driver &driver, Stream earlier, Stream later) {
  const EventOwner owner(driver);
  check(driver, driver.event_record(owner.event, earlier), "cuEventRecord");
  check(driver, driver.stream_wait(later, owner.event, 0), "cuStreamWaitEvent");
}

void *allocate_on(const DeviceState &device, int64_t bytes) {
  if (bytes == 0) return nullptr;
  Address memory = 0;
  const Result result = device.driver->allocate(&memory, static_cast<size_t>(bytes), device.stream);
  if (result != 0)
    raise(result == kOutOfMemory ? ASTRA_OUT_OF_MEMORY : ASTRA_FAILED,
          describe(*device.driver, ("no " + std::to_string(bytes) + " bytes on device " + std::to_string(device.number)).c_str(),
                   result));
  return reinterpret_cast<void *>(memory);
}

// Runs the program once, its work put into the device's stream as it goes.
void run_once(const astra_gpu_call &call) {
  const DeviceState &device = *call.module->device;
  void *const arena = allocate_on(device, call.arena_bytes);
  try {
    enter(call, arena, device.stream);
  } catch (...) {
    if (arena != nullptr) device.driver->deallocate(address_of(arena), device.stream);
    throw;
  }
  if (arena != nullptr) check(*device.driver, device.driver->deallocate(address_of(arena), device.stream), "cuMemFreeAsync");
}

GraphExec record(const astra_gpu_call &call) {
  astra_gpu_module &module = *call.module;
  const Driver &driver = *module.device->driver;
  if (module.capture == nullptr) check(driver, driver.stream_create(&module.capture, kStreamNonBlocking), "cuStreamCreate");
  if (module.arena == nullptr) {
    module.arena = allocate_on(*module.device, call.arena_bytes);
    module.arena_bytes = call.arena_bytes;
  }
  check(driver, driver.stream_begin_capture(module.capture, kCaptureThreadLocal), "cuStreamBeginCapture");
  Graph graph = nullptr;
  try {
    enter(call, module.arena, module.capture);
  } catch (...) {
    driver.stream_end_capture(module.capture, &graph);
    if (graph != nullptr) driver.graph_destroy(graph);
    throw;
  }
  check(driver, driver.stream_end_capture(module.capture, &graph), "cuStreamEndCapture");
  GraphExec exec = nullptr;
  const Result result = driver.graph_instantiate(&exec, graph, 0);
  driver.graph_destroy(graph);
  check(driver, result, "cuGraphInstantiate");
  return exec;
}

// The recorded run with the call's addresses, at the front of the list; made on the second call.
GraphExec replayed(const astra_gpu_call &call) {
  astra_gpu_module &module = *call.module;
  std::vector<void *> addresses(call.inputs, call.inputs + call.num_inputs);
  addresses.insert(addresses.end(), call.outputs, call.outputs + call.num_outputs);
  const auto found = std::find_if(module.recorded.begin(), module.recorded.end(),
                                  [&](const Recorded &run) { return run.addresses == addresses; });
  if (found == module.recorded.end()) {
    module.recorded.push_front({std::move(addresses), nullptr});
    if (module.recorded.size() > kMostGraphs) {
      const GraphExec oldest = module.recorded.back().exec;
      if (oldest != nullptr) module.device->driver->graph_exec_destroy(oldest);
      module.recorded.pop_back();
    }
    return nullptr;
  }
  module.recorded.splice(module.recorded.begin(), module.recorded, found);
  if (found->exec == nullptr) found->exec = record(call);
  return found->exec;
}

// The status of a function body that may throw.
template <typename Body>
astra_status guarded(Body body) {
  const Visit visit;
  try {
    body();
    return ASTRA_OK;
  } catch (const GpuError &error) {
    return fail(error.status, error.message.c_str());
  } catch (const std::bad_alloc &) {
    return fail(ASTRA_OUT_OF_MEMORY, "out of memory");
  }
}

}  // namespace

namespace astra {

astra_status gpu_device_count(int64_t *count) {
  return guarded([&] { *count = count_devices(); });
}

astra_status gpu_device_info(int64_t device, astra_gpu_device_info *info) {
  return guarded([&] {
    if (info == nullptr || info->struct_size < sizeof(astra_gpu_device_info))
      raise(ASTRA_UNSUPPORTED_VERSION, "gpu_device_info: a structure of an unknown version");
    const DeviceState &state = device_state(device);
    check(*state.driver, state.driver->device_name(info->name, sizeof(info->name), state.handle), "cuDeviceGetName");
    size_t bytes = 0;
    check(*state.driver, state.driver->device_bytes(&bytes, state.handle), "cuDeviceTotalMem");
    info->capability = 10 * state.attribute(kComputeCapabilityMajor) + state.attribute(kComputeCapabilityMinor);
    info->multiprocessors = state.attribute(kMultiprocessors);
    info->total_bytes = static_cast<int64_t>(bytes);
    info->shared_bytes = state.attribute(kMaxSharedBytesPerBlock);
    info->driver_version = state.driver->version;
  });
}

astra_status gpu_allocate(int64_t device, int64_t bytes, void **memory) {
  return guarded([&] {
    if (bytes < 0 || memory == nullptr) raise(ASTRA_INVALID_ARGUMENT, "gpu_allocate: a negative size or no place for the result");
    *memory = allocate_on(device_state(device), bytes);
  });
}

astra_status gpu_deallocate(int64_t device, void *memory) {
  return guarded([&] {
    const DeviceState &state = device_state(device);
    if (memory != nullptr) check(*state.driver, state.driver->deallocate(address_of(memory), state.stream), "cuMemFreeAsync");
  });
}

astra_status gpu_copy(int64_t device, void *target, const void *source, int64_t bytes, astra_gpu_direction direction) {
  return guarded([&] {
    if (bytes < 0) raise(ASTRA_INVALID_ARGUMENT, "gpu_copy: a negative size");
    const DeviceState &state = device_state(device);
    const Driver &driver = *state.driver;
    const auto size = static_cast<size_t>(bytes);
    if (size == 0) return;
    switch (direction) {
      case ASTRA_GPU_TO_DEVICE:
        return check(driver, driver.copy_to_device(address_of(target), source, size, state.stream), "copy to the device");
      case ASTRA_GPU_TO_HOST:
        check(driver, driver.copy_to_host(target, address_of(source), size, state.stream), "copy to the host");
        return check(driver, driver.stream_synchronize(state.stream), "a kernel or copy before this one");
      case ASTRA_GPU_WITHIN:
        return check(driver, driver.copy_within(address_of(target), address_of(source), size, state.stream), "copy on the device");
    }
    raise(ASTRA_INVALID_ARGUMENT, "gpu_copy: no such direction");
  });
}

astra_status gpu_synchronize(int64_t device) {
  return guarded([&] {
    const DeviceState &state = device_state(device);
    check(*state.driver, state.driver->stream_synchronize(state.stream), "a kernel or copy before this one");
  });
}

astra_status gpu_module_load(int64_t device, const astra_bytes *image, const astra_gpu_kernel *kernels, int64_t num_kernels,
                             astra_gpu_module **module) {
  return guarded([&] {
    if (image == nullptr || module == nullptr || num_kernels < 0 || (num_kernels > 0 && kernels == nullptr))
      raise(ASTRA_INVALID_ARGUMENT, "gpu_module_load: no image, no kernels or no place for the result");
    DeviceState &state = device_state(device);
    const Driver &driver = *state.driver;
    auto made = std::make_unique<astra_gpu_module>();
    made->device = &state;
    Result result = driver.library_load(&made->library, image->data, nullptr, nullptr, 0, nullptr, nullptr, 0);
    if (result != 0) raise(ASTRA_CANNOT_LOAD, describe(driver, "the device does not load the kernels: cuLibraryLoadData", result));
    const int most_shared = state.attribute(kMaxSharedBytesPerBlock);
    for (int64_t i = 0; i < num_kernels; ++i) {
      const astra_gpu_kernel &given = kernels[i];
      if (given.struct_size < sizeof(astra_gpu_kernel)) raise(ASTRA_UNSUPPORTED_VERSION, "gpu_module_load: kernels of an unknown version");
      KernelState kernel;
      kernel.name = given.name;
      kernel.threads = static_cast<unsigned>(given.threads);
      kernel.shared_bytes = static_cast<unsigned>(given.shared_bytes);
      for (int axis = 0; axis < 3; ++axis) kernel.cluster[axis] = static_cast<unsigned>(std::max<int64_t>(1, given.cluster[axis]));
      std::copy(given.grid, given.grid + 3, kernel.grid);
      kernel.overlaps = (given.flags & ASTRA_GPU_OVERLAPS) != 0;
      kernel.parameters = static_cast<size_t>(given.num_parameters);
      kernel.maps.assign(given.tensor_maps, given.tensor_maps + given.num_tensor_maps);
      if (kernel.parameters + kernel.maps.size() > kMostParameters)
        raise(ASTRA_INVALID_ARGUMENT, "kernel " + kernel.name + " has more parameters than a launch can have");
      if (given.shared_bytes > most_shared)
        raise(ASTRA_CANNOT_LOAD, "kernel " + kernel.name + " needs " + std::to_string(given.shared_bytes) +
                                     " bytes of shared memory; a program has at most " + std::to_string(most_shared) + " here");
      result = driver.library_kernel(&kernel.handle, made->library, given.name);
      if (result != 0) raise(ASTRA_CANNOT_LOAD, describe(driver, ("kernel " + kernel.name).c_str(), result));
      if (kernel.shared_bytes > 48 * 1024)
        check(driver, driver.kernel_set_attribute(kKernelMaxDynamicSharedBytes, static_cast<int>(kernel.shared_bytes), kernel.handle, state.handle),
              "cuKernelSetAttribute");
      if (kernel.cluster[0] * kernel.cluster[1] * kernel.cluster[2] > 8)
        check(driver, driver.kernel_set_attribute(kKernelNonPortableCluster, 1, kernel.handle, state.handle), "cuKernelSetAttribute");
      made->kernels.push_back(std::move(kernel));
    }
    *module = made.release();
  });
}

void gpu_module_release(astra_gpu_module *module) {
  if (module == nullptr) return;
  guarded([&] {
    if (module->device != nullptr) module->device->enter();
    delete module;
  });
}

astra_status gpu_launch(astra_gpu_module *module, int64_t kernel, const int64_t *grid, void *const *parameters) {
  return gpu_launch_on(module, kernel, grid, parameters, module != nullptr ? module->device->stream : nullptr);
}

astra_status gpu_launch_on(astra_gpu_module *module, int64_t kernel, const int64_t *grid, void *const *parameters, void *stream) {
  return guarded([&] {
    if (module == nullptr || kernel < 0 || static_cast<size_t>(kernel) >= module->kernels.size())
      raise(ASTRA_INVALID_ARGUMENT, "gpu_launch: the module has no such kernel");
    module->device->enter();
    launch(*module->device, module->kernels[static_cast<size_t>(kernel)], grid, parameters, static_cast<Stream>(stream));
  });
}

astra_status gpu_stream(int64_t device, void **stream) {
  return guarded([&] { *stream = device_state(device).stream; });
}

astra_status gpu_order(int64_t device, void *earlier, void *later) {
  return guarded([&] {
    const DeviceState &state = device_state(device);
    if (earlier != later) order(*state.driver, static_cast<Stream>(earlier), static_cast<Stream>(later));
  });
}

astra_status gpu_wait(int64_t device, void *stream) {
  return guarded([&] {
    const DeviceState &state = device_state(device);
    const Driver &driver = *state.driver;
    check(driver, stream == ASTRA_GPU_ALL_STREAMS ? driver.context_synchronize() : driver.stream_synchronize(static_cast<Stream>(stream)),
          "a kernel or copy before this one");
  });
}

astra_status gpu_pointer_device(const void *memory, int64_t *device) {
  return guarded([&] {
    const Driver &driver = the_driver();
    int number = 0;
    if (driver.pointer_attribute(&number, kPointerDevice, address_of(memory)) != 0)
      raise(ASTRA_INVALID_ARGUMENT, "an address that is in no device's memory");
    *device = number;
  });
}

astra_status gpu_execute(astra_context *, const astra_gpu_call *call) {
  return guarded([&] {
    if (call->struct_size < sizeof(astra_gpu_call)) raise(ASTRA_UNSUPPORTED_VERSION, "gpu_execute: a call of an unknown version");
    if (call->entry == nullptr || call->module == nullptr) raise(ASTRA_INVALID_ARGUMENT, "gpu_execute: no entry or no module");
    const DeviceState &device = *call->module->device;
    device.enter();
    const auto caller = static_cast<Stream>(call->stream);
    if (caller != nullptr) order(*device.driver, caller, device.stream);
    if ((call->flags & ASTRA_GPU_STRAIGHT_LINE) != 0) {
      const std::lock_guard<std::mutex> lock(call->module->mutex);
      const GraphExec exec = replayed(*call);
      if (exec != nullptr) check(*device.driver, device.driver->graph_launch(exec, device.stream), "cuGraphLaunch");
      else run_once(*call);
    } else {
      run_once(*call);
    }
    if (caller != nullptr) order(*device.driver, device.stream, caller);
  });
}

astra_status gpu_event_record(int64_t device, astra_gpu_event **event) {
  return guarded([&] {
    DeviceState &state = device_state(device);
    auto made = std::make_unique<astra_gpu_event>(astra_gpu_event{&state, nullptr});
    check(*state.driver, state.driver->event_create(&made->event, 0), "cuEventCreate");
    check(*state.driver, state.driver->event_record(made->event, state.stream), "cuEventRecord");
    *event = made.release();
  });
}

astra_status gpu_event_elapsed(astra_gpu_event *from, astra_gpu_event *to, double *milliseconds) {
  return guarded([&] {
    const Driver &driver = *from->device->driver;
    from->device->enter();
    float elapsed = 0;
    check(driver, driver.event_synchronize(to->event), "cuEventSynchronize");
    check(driver, driver.event_elapsed(&elapsed, from->event, to->event), "cuEventElapsedTime");
    *milliseconds = elapsed;
  });
}

void gpu_event_release(astra_gpu_event *event) {
  if (event == nullptr) return;
  guarded([&] {
    event->device->enter();
    event->device->driver->event_destroy(event->event);
  });
  delete event;
}

}  // namespace astra

extern "C" {

void astra_gpu_launch(int64_t kernel, const int64_t *grid, void *const *parameters) {
  from_code([&](const Running &now, const DeviceState &device) {
    launch(device, now.module->kernels[static_cast<size_t>(kernel)], grid, parameters, now.stream);
  });
}

void astra_gpu_read(void *host, const void *memory, int64_t bytes) {
  from_code([&](const Running &now, const DeviceState &device) {
    check(*device.driver, device.driver->copy_to_host(host, address_of(memory), static_cast<size_t>(bytes), now.stream), "copy to the host");
    check(*device.driver, device.driver->stream_synchronize(now.stream), "a kernel or copy before this one");
  });
}

void astra_gpu_write(void *memory, int64_t bits, int64_t bytes) {
  from_code([&](const Running &now, const DeviceState &device) {
    const Driver &driver = *device.driver;
    const Address to = address_of(memory);
    const auto word = static_cast<uint64_t>(bits);
    Result result = 0;
    if (bytes == 1) result = driver.set_8(to, static_cast<unsigned char>(word), 1, now.stream);
    if (bytes == 2) result = driver.set_16(to, static_cast<unsigned short>(word), 1, now.stream);
    if (bytes >= 4) result = driver.set_32(to, static_cast<unsigned>(word), 1, now.stream);
    if (bytes == 8 && result == 0) result = driver.set_32(to + 4, static_cast<unsigned>(word >> 32), 1, now.stream);
    check(driver, result, "cuMemsetAsync");
  });
}
}
