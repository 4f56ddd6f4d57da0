// Stands in for NVIDIA's driver where there is no GPU: ASTRA_CUDA_DRIVER names the library made of this file.
//
// Device memory is host memory, streams are done at once, and every call is written down (`fake_cuda_log`).  Functions can
// be made to fail (`fake_cuda_fail`).  A module image is either anything, whose kernels do nothing, or a table of
// functions of this process that compute what the kernels would (made by astra_mlir/gpu/emulation.py).
#include "../src/cuda_driver.h"

#include <dlfcn.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

using namespace astra::cuda;

namespace {

std::recursive_mutex mutex;
std::string entries;                      // of the log, a line each
std::map<std::string, std::pair<int, int>> failures;  // by function: calls that still go well, then the error
std::map<Address, size_t> memory;
std::map<Address, int> device_of;  // of memory
size_t live_bytes = 0, peak_bytes = 0;

// The emulated kernels' image: this, how many, and for each its name, function, how many parameters and their bytes (0: a
// pointer).  A function has the signature of compiled programs; its inputs are the grid (three i64), the arrays that
// pointers point to, and the addresses of the other parameters' values.
constexpr char kMagic[8] = {'A', 'S', 'T', 'R', 'A', 'E', 'M', 'U'};
using Emulated = void (*)(void **inputs, void **outputs, void *arena);

void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void note(const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  entries += line;
  entries += '\n';
}

Result failure(const char *function) {
  const auto found = failures.find(function);
  if (found == failures.end()) return 0;
  if (found->second.first-- > 0) return 0;
  const Result result = found->second.second;
  failures.erase(found);
  return result;
}

}  // namespace

namespace astra::cuda {
struct KernelHandle {
  std::string name;
  Emulated function;
  std::vector<size_t> parameters;
};
struct LibraryHandle {
  void *shared = nullptr;
  std::map<std::string, KernelHandle> kernels;
  bool emulated;
};
struct Node {
  Kernel kernel;
  unsigned grid[3];
  std::vector<std::vector<char>> values;
  Address address = 0;  // of a write, without a kernel
  std::vector<char> bytes;
  void run() const {
    if (kernel == nullptr) {
      std::memcpy(reinterpret_cast<void *>(address), bytes.data(), bytes.size());
      return;
    }
    if (kernel->function == nullptr) return;
    int64_t sizes[3] = {grid[0], grid[1], grid[2]};
    std::vector<void *> inputs = {sizes};
    for (size_t i = 0; i < values.size(); ++i) {
      void *const value = const_cast<char *>(values[i].data());
      inputs.push_back(kernel->parameters[i] == 0 ? *static_cast<void **>(value) : value);
    }
    kernel->function(inputs.data(), nullptr, nullptr);
  }
};
struct GraphHandle {
  std::vector<Node> nodes;
};
struct GraphExecHandle {
  std::vector<Node> nodes;
};
struct StreamHandle {
  GraphHandle *capturing = nullptr;
  int device = 0;
};
struct EventHandle {
  int recorded = 0;
};
struct ContextHandle {
  int device = 0;
};
struct PoolHandle {
  int unused = 0;
};
}  // namespace astra::cuda

namespace {
constexpr int kMostDevices = 8;
ContextHandle contexts[kMostDevices];
thread_local Context current = nullptr;
PoolHandle the_pool;

// Null, and 1 and 2 (the legacy stream and the thread's own), are streams that are always there.
bool is_made(Stream stream) { return reinterpret_cast<uintptr_t>(stream) > 2; }
GraphHandle *capturing(Stream stream) { return is_made(stream) ? stream->capturing : nullptr; }

// A stream is of the context that was current when it was made.
Result not_here(Stream stream) {
  if (current == nullptr) return 201;  // CUDA_ERROR_INVALID_CONTEXT
  return is_made(stream) && stream->device != current->device ? 400 : 0;  // CUDA_ERROR_INVALID_HANDLE
}

Result write(Address to, const void *value, size_t width, size_t count, Stream stream, const char *name) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  note("%s %zu x %zu", name, count, width);
  if (const Result result = failure(name)) return result;
  Node node = {nullptr, {0, 0, 0}, {}, to, {}};
  for (size_t i = 0; i < count; ++i) node.bytes.insert(node.bytes.end(), static_cast<const char *>(value), static_cast<const char *>(value) + width);
  if (GraphHandle *const graph = capturing(stream)) graph->nodes.push_back(node);
  else node.run();
  return 0;
}
}  // namespace

#define FAKE(name) \
  const std::lock_guard<std::recursive_mutex> lock(mutex); \
  if (const Result result = failure(name)) return result

extern "C" {
#define EXPORT __attribute__((visibility("default")))

EXPORT const char *fake_cuda_log() { return entries.c_str(); }
EXPORT void fake_cuda_reset() {
  entries.clear();
  failures.clear();
  peak_bytes = live_bytes;
}
EXPORT void fake_cuda_fail(const char *function, int after, int error) { failures[function] = {after, error}; }

// A program such as the compiler makes, for tests of how one runs: it puts 2.0 into its result and launches kernel 0 on it
// with four programs and 2.5.  Its failures leave it by a jump, so it cannot be a function of Python.
EXPORT void (*fake_cuda_launch)(int64_t, const int64_t *, void *const *);
EXPORT void (*fake_cuda_write)(void *, int64_t, int64_t);
EXPORT int fake_cuda_runs = 0;
EXPORT void fake_cuda_program(void **, void **outputs, void *) {
  ++fake_cuda_runs;
  const float amount = 2.5F;
  const int64_t grid[3] = {4, 1, 1};
  void *const parameters[] = {&outputs[0], const_cast<float *>(&amount)};
  fake_cuda_write(outputs[0], 0x40000000, 4);
  fake_cuda_launch(0, grid, parameters);
}
EXPORT Stream fake_cuda_stream = nullptr;  // the stream of the last launch
EXPORT long long fake_cuda_bytes(int peak) { return static_cast<long long>(peak != 0 ? peak_bytes : live_bytes); }

EXPORT Result cuInit(unsigned) { return failure("cuInit"); }
EXPORT Result cuDriverGetVersion(int *version) {
  const char *given = std::getenv("FAKE_CUDA_VERSION");
  *version = given != nullptr ? std::atoi(given) : 13000;
  return 0;
}
EXPORT Result cuDeviceGetCount(int *count) {
  const char *given = std::getenv("FAKE_CUDA_DEVICES");
  *count = given != nullptr ? std::atoi(given) : 1;
  return 0;
}
EXPORT Result cuDeviceGet(Device *device, int number) {
  *device = number;
  return 0;
}
EXPORT Result cuDeviceGetName(char *name, int size, Device) {
  snprintf(name, static_cast<size_t>(size), "Astra emulated device");
  return 0;
}
EXPORT Result cuDeviceTotalMem_v2(size_t *bytes, Device) {
  *bytes = size_t{1} << 34;
  return 0;
}
EXPORT Result cuDeviceGetAttribute(int *value, int attribute, Device) {
  static const std::map<int, int> values = {{97, 232448}, {16, 132}, {75, 9}, {76, 0}, {13, 1980000}, {115, 1}};
  const auto found = values.find(attribute);
  *value = found != values.end() ? found->second : 0;
  return found != values.end() ? 0 : 1;
}
EXPORT Result cuDeviceGetDefaultMemPool(Pool *pool, Device) {
  *pool = &the_pool;
  return 0;
}
EXPORT Result cuMemPoolSetAttribute(Pool, int, void *) { return 0; }
EXPORT Result cuDevicePrimaryCtxRetain(Context *context, Device device) {
  contexts[device].device = device;
  *context = &contexts[device];
  return 0;
}
EXPORT Result cuCtxSetCurrent(Context context) {
  current = context;
  return 0;
}
EXPORT Result cuCtxGetCurrent(Context *context) {
  *context = current;
  return 0;
}
EXPORT Result cuCtxSynchronize(void) {
  FAKE("cuCtxSynchronize");
  note("cuCtxSynchronize");
  return 0;
}
EXPORT Result cuPointerGetAttribute(void *value, int attribute, Address address) {
  const std::lock_guard<std::recursive_mutex> lock(mutex);
  auto found = memory.upper_bound(address);
  if (attribute != 9 || found == memory.begin() || (--found)->first + found->second < address) return 1;
  *static_cast<int *>(value) = device_of[found->first];
  return 0;
}

EXPORT Result cuMemAllocAsync(Address *address, size_t bytes, Stream) {
  FAKE("cuMemAllocAsync");
  note("cuMemAllocAsync %zu", bytes);
  const char *limit = std::getenv("FAKE_CUDA_BYTES");
  if (limit != nullptr && live_bytes + bytes > std::strtoull(limit, nullptr, 10)) return kOutOfMemory;
  void *made = nullptr;
  if (posix_memalign(&made, 256, bytes + 64) != 0) return kOutOfMemory;  // some room: vector loads past the end are masked
  std::memset(made, 0xa5, bytes);  // nobody may count on zeros
  *address = reinterpret_cast<Address>(made);
  memory[*address] = bytes;
  device_of[*address] = current != nullptr ? current->device : 0;
  live_bytes += bytes;
  if (live_bytes > peak_bytes) peak_bytes = live_bytes;
  return 0;
}
EXPORT Result cuMemFreeAsync(Address address, Stream) {
  FAKE("cuMemFreeAsync");
  const auto found = memory.find(address);
  if (found == memory.end()) return 1;
  note("cuMemFreeAsync %zu", found->second);
  live_bytes -= found->second;
  memory.erase(found);
  std::free(reinterpret_cast<void *>(address));
  return 0;
}
EXPORT Result cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t bytes, Stream) {
  FAKE("cuMemcpyHtoDAsync");
  note("cuMemcpyHtoDAsync %zu", bytes);
  std::memcpy(reinterpret_cast<void *>(to), from, bytes);
  return 0;
}
EXPORT Result cuMemcpyDtoHAsync_v2(void *to, Address from, size_t bytes, Stream stream) {
  FAKE("cuMemcpyDtoHAsync");
  note("cuMemcpyDtoHAsync %zu", bytes);
  if (capturing(stream) != nullptr) return 900;  // CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
  std::memcpy(to, reinterpret_cast<const void *>(from), bytes);
  return 0;
}
EXPORT Result cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes, Stream) {
  FAKE("cuMemcpyDtoDAsync");
  note("cuMemcpyDtoDAsync %zu", bytes);
  std::memmove(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from), bytes);
  return 0;
}
EXPORT Result cuMemsetD8Async(Address to, unsigned char value, size_t count, Stream stream) {
  return write(to, &value, 1, count, stream, "cuMemsetD8Async");
}
EXPORT Result cuMemsetD16Async(Address to, unsigned short value, size_t count, Stream stream) {
  return write(to, &value, 2, count, stream, "cuMemsetD16Async");
}
EXPORT Result cuMemsetD32Async(Address to, unsigned value, size_t count, Stream stream) {
  return write(to, &value, 4, count, stream, "cuMemsetD32Async");
}

EXPORT Result cuStreamCreate(Stream *stream, unsigned) {
  *stream = new StreamHandle{nullptr, current != nullptr ? current->device : 0};
  return 0;
}
EXPORT Result cuStreamDestroy_v2(Stream stream) {
  delete stream;
  return 0;
}
EXPORT Result cuStreamSynchronize(Stream) {
  FAKE("cuStreamSynchronize");
  return 0;
}
EXPORT Result cuStreamWaitEvent(Stream, Event, unsigned) {
  note("cuStreamWaitEvent");
  return 0;
}
EXPORT Result cuStreamBeginCapture_v2(Stream stream, int) {
  FAKE("cuStreamBeginCapture");
  note("cuStreamBeginCapture");
  stream->capturing = new GraphHandle;
  return 0;
}
EXPORT Result cuStreamEndCapture(Stream stream, Graph *graph) {
  FAKE("cuStreamEndCapture");
  *graph = stream->capturing;
  stream->capturing = nullptr;
  note("cuStreamEndCapture %zu", *graph != nullptr ? (*graph)->nodes.size() : 0);
  return 0;
}
EXPORT Result cuEventCreate(Event *event, unsigned) {
  *event = new EventHandle;
  return 0;
}
EXPORT Result cuEventRecord(Event event, Stream) {
  note("cuEventRecord");
  event->recorded = 1;
  return 0;
}
EXPORT Result cuEventSynchronize(Event event) { return event->recorded != 0 ? 0 : 400; }
EXPORT Result cuEventElapsedTime(float *milliseconds, Event, Event) {
  *milliseconds = 1.0F;
  return 0;
}
EXPORT Result cuEventDestroy_v2(Event event) {
  delete event;
  return 0;
}
EXPORT Result cuGraphInstantiateWithFlags(GraphExec *exec, Graph graph, unsigned long long) {
  FAKE("cuGraphInstantiate");
  note("cuGraphInstantiate %zu", graph->nodes.size());
  *exec = new GraphExecHandle{graph->nodes};
  return 0;
}
EXPORT Result cuGraphLaunch(GraphExec exec, Stream) {
  FAKE("cuGraphLaunch");
  note("cuGraphLaunch %zu", exec->nodes.size());
  for (const Node &node : exec->nodes) node.run();
  return 0;
}
EXPORT Result cuGraphDestroy(Graph graph) {
  delete graph;
  return 0;
}
EXPORT Result cuGraphExecDestroy(GraphExec exec) {
  delete exec;
  return 0;
}

EXPORT Result cuLibraryLoadData(Library *library, const void *image, void *, void **, unsigned, void *, void **, unsigned) {
  FAKE("cuLibraryLoadData");
  note("cuLibraryLoadData");
  auto *const made = new LibraryHandle;
  made->emulated = std::memcmp(image, kMagic, sizeof(kMagic)) == 0;
  // In place of a real image: a shared library with a function for each kernel, and its parameters' bytes with -1 behind.
  const char *const file = std::getenv("FAKE_CUDA_KERNELS");
  if (!made->emulated && file != nullptr && (made->shared = dlopen(file, RTLD_NOW)) == nullptr) {
    fprintf(stderr, "%s\n", dlerror());
    return 200;
  }
  const char *at = static_cast<const char *>(image) + sizeof(kMagic);
  auto word = [&] {
    uint64_t value = 0;
    std::memcpy(&value, at, sizeof(value));
    at += sizeof(value);
    return value;
  };
  for (uint64_t left = made->emulated ? word() : 0; left > 0; --left) {
    KernelHandle kernel;
    const uint64_t length = word();
    kernel.name.assign(at, length);
    at += length;
    kernel.function = reinterpret_cast<Emulated>(word());
    for (uint64_t parameters = word(); parameters > 0; --parameters) kernel.parameters.push_back(word());
    made->kernels[kernel.name] = kernel;
  }
  *library = made;
  return 0;
}
EXPORT Result cuLibraryUnload(Library library) {
  note("cuLibraryUnload");
  delete library;
  return 0;
}
EXPORT Result cuLibraryGetKernel(Kernel *kernel, Library library, const char *name) {
  FAKE("cuLibraryGetKernel");
  if (library->shared != nullptr) {
    const std::string text = name;
    const auto function = reinterpret_cast<Emulated>(dlsym(library->shared, ("astra_entry_launch_" + text).c_str()));
    const auto *bytes = static_cast<const int64_t *>(dlsym(library->shared, ("parameters_" + text).c_str()));
    if (function == nullptr || bytes == nullptr) return 500;
    KernelHandle kernel = {text, function, {}};
    for (; *bytes >= 0; ++bytes) kernel.parameters.push_back(static_cast<size_t>(*bytes));
    library->kernels[name] = kernel;
  } else if (!library->emulated) library->kernels[name] = {name, nullptr, {}};
  const auto found = library->kernels.find(name);
  if (found == library->kernels.end()) return 500;
  *kernel = &found->second;
  return 0;
}
EXPORT Result cuKernelSetAttribute(int attribute, int value, Kernel kernel, Device) {
  note("cuKernelSetAttribute %s %d = %d", kernel->name.c_str(), attribute, value);
  return 0;
}
EXPORT Result cuLaunchKernelEx(const LaunchConfig *config, Kernel kernel, void **parameters, void **) {
  FAKE("cuLaunchKernelEx");
  if (const Result result = not_here(config->stream)) return result;
  note("cuLaunchKernelEx %s grid %u %u %u threads %u shared %u attributes %u", kernel->name.c_str(), config->grid[0], config->grid[1],
       config->grid[2], config->block[0], config->shared_bytes, config->num_attributes);
  for (unsigned i = 0; i < config->num_attributes; ++i)
    if (config->attributes[i].kind == kClusterDimension) note("  cluster %u %u %u", config->attributes[i].cluster[0], config->attributes[i].cluster[1], config->attributes[i].cluster[2]);
    else note("  attribute %d", config->attributes[i].kind);
  Node node = {kernel, {config->grid[0], config->grid[1], config->grid[2]}, {}, 0, {}};
  for (size_t i = 0; i < kernel->parameters.size(); ++i) {
    const char *const value = static_cast<const char *>(parameters[i]);
    node.values.emplace_back(value, value + (kernel->parameters[i] == 0 ? sizeof(void *) : kernel->parameters[i]));
  }
  fake_cuda_stream = config->stream;
  if (GraphHandle *const graph = capturing(config->stream)) graph->nodes.push_back(node);
  else node.run();
  return 0;
}
EXPORT Result cuTensorMapEncodeTiled(TensorMap *map, int type, unsigned rank, void *address, const uint64_t *sizes, const uint64_t *strides,
                                     const unsigned *box, const unsigned *, int, int swizzle, int, int) {
  FAKE("cuTensorMapEncodeTiled");
  note("cuTensorMapEncodeTiled type %d rank %u sizes %llu %llu stride %llu box %u %u swizzle %d", type, rank,
       static_cast<unsigned long long>(sizes[0]), static_cast<unsigned long long>(rank > 1 ? sizes[1] : 1),
       static_cast<unsigned long long>(rank > 1 ? strides[0] : 0), box[0], rank > 1 ? box[1] : 1, swizzle);
  std::memset(map, 0, sizeof(*map));
  map->words[0] = reinterpret_cast<uint64_t>(address);
  return 0;
}
EXPORT Result cuGetErrorName(Result error, const char **name) {
  *name = error == kOutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY" : error == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : "CUDA_ERROR_UNKNOWN";
  return 0;
}
EXPORT Result cuGetErrorString(Result error, const char **text) {
  *text = error == kOutOfMemory ? "out of memory" : error == 700 ? "an illegal memory access was encountered" : "unknown error";
  return 0;
}
}
