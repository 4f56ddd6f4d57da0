// The functions of NVIDIA's driver that the runtime calls, opened when they are first needed.
//
// These are declarations of our own: neither CUDA's headers nor its libraries are needed to build or to load the runtime.
// The library is libcuda.so.1, or the file that ASTRA_CUDA_DRIVER names (runtime/tests/fake_cuda.cpp stands in for it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace astra::cuda {

using Result = int;  // 0: success
using Device = int;
using Address = uint64_t;
struct ContextHandle;
struct StreamHandle;
struct EventHandle;
struct GraphHandle;
struct GraphExecHandle;
struct LibraryHandle;
struct KernelHandle;
struct PoolHandle;
using Context = ContextHandle *;
using Stream = StreamHandle *;
using Event = EventHandle *;
using Graph = GraphHandle *;
using GraphExec = GraphExecHandle *;
using Library = LibraryHandle *;
using Kernel = KernelHandle *;
using Pool = PoolHandle *;

enum DeviceAttribute : int {
  kMaxSharedBytesPerBlock = 97,  // with opt-in
  kMultiprocessors = 16,
  kComputeCapabilityMajor = 75,
  kComputeCapabilityMinor = 76,
  kClockKilohertz = 13,
  kMemoryPoolsSupported = 115,
};
constexpr int kKernelMaxDynamicSharedBytes = 8;  // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
constexpr int kKernelNonPortableCluster = 14;    // CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED
constexpr int kPointerDevice = 9;                // CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
constexpr int kPoolReleaseThreshold = 4;         // CU_MEMPOOL_ATTR_RELEASE_THRESHOLD
constexpr unsigned kStreamNonBlocking = 1;
constexpr unsigned kEventNoTiming = 2;
constexpr int kCaptureThreadLocal = 1;
constexpr Result kOutOfMemory = 2;

enum LaunchAttributeKind : int { kClusterDimension = 4, kProgrammaticStreamSerialization = 6 };

struct LaunchAttribute {
  int kind;
  char padding[4];
  union {
    unsigned cluster[3];
    int programmatic;
    char bytes[64];
  };
};

struct LaunchConfig {
  unsigned grid[3], block[3], shared_bytes;
  Stream stream;
  LaunchAttribute *attributes;
  unsigned num_attributes;
};

struct alignas(64) TensorMap {
  uint64_t words[16];
};

// One member for each function: its name in the table below, its symbol in the driver, its parameters.
#define ASTRA_CUDA_FUNCTIONS(F)                                                                                     \
  F(init, "cuInit", unsigned)                                                                                       \
  F(driver_version, "cuDriverGetVersion", int *)                                                                    \
  F(device_count, "cuDeviceGetCount", int *)                                                                        \
  F(device_get, "cuDeviceGet", Device *, int)                                                                       \
  F(device_name, "cuDeviceGetName", char *, int, Device)                                                            \
  F(device_bytes, "cuDeviceTotalMem_v2", size_t *, Device)                                                          \
  F(device_attribute, "cuDeviceGetAttribute", int *, int, Device)                                                   \
  F(device_pool, "cuDeviceGetDefaultMemPool", Pool *, Device)                                                       \
  F(pool_set_attribute, "cuMemPoolSetAttribute", Pool, int, void *)                                                 \
  F(context_retain, "cuDevicePrimaryCtxRetain", Context *, Device)                                                  \
  F(context_set, "cuCtxSetCurrent", Context)                                                                        \
  F(context_get, "cuCtxGetCurrent", Context *)                                                                      \
  F(context_synchronize, "cuCtxSynchronize", void)                                                                  \
  F(pointer_attribute, "cuPointerGetAttribute", void *, int, Address)                                               \
  F(allocate, "cuMemAllocAsync", Address *, size_t, Stream)                                                         \
  F(deallocate, "cuMemFreeAsync", Address, Stream)                                                                  \
  F(copy_to_device, "cuMemcpyHtoDAsync_v2", Address, const void *, size_t, Stream)                                  \
  F(copy_to_host, "cuMemcpyDtoHAsync_v2", void *, Address, size_t, Stream)                                          \
  F(copy_within, "cuMemcpyDtoDAsync_v2", Address, Address, size_t, Stream)                                          \
  F(set_8, "cuMemsetD8Async", Address, unsigned char, size_t, Stream)                                               \
  F(set_16, "cuMemsetD16Async", Address, unsigned short, size_t, Stream)                                            \
  F(set_32, "cuMemsetD32Async", Address, unsigned, size_t, Stream)                                                  \
  F(stream_create, "cuStreamCreate", Stream *, unsigned)                                                            \
  F(stream_destroy, "cuStreamDestroy_v2", Stream)                                                                   \
  F(stream_synchronize, "cuStreamSynchronize", Stream)                                                              \
  F(stream_wait, "cuStreamWaitEvent", Stream, Event, unsigned)                                                      \
  F(stream_begin_capture, "cuStreamBeginCapture_v2", Stream, int)                                                   \
  F(stream_end_capture, "cuStreamEndCapture", Stream, Graph *)                                                      \
  F(event_create, "cuEventCreate", Event *, unsigned)                                                               \
  F(event_record, "cuEventRecord", Event, Stream)                                                                   \
  F(event_synchronize, "cuEventSynchronize", Event)                                                                 \
  F(event_elapsed, "cuEventElapsedTime", float *, Event, Event)                                                     \
  F(event_destroy, "cuEventDestroy_v2", Event)                                                                      \
  F(graph_instantiate, "cuGraphInstantiateWithFlags", GraphExec *, Graph, unsigned long long)                       \
  F(graph_launch, "cuGraphLaunch", GraphExec, Stream)                                                               \
  F(graph_destroy, "cuGraphDestroy", Graph)                                                                         \
  F(graph_exec_destroy, "cuGraphExecDestroy", GraphExec)                                                            \
  F(library_load, "cuLibraryLoadData", Library *, const void *, void *, void **, unsigned, void *, void **, unsigned) \
  F(library_unload, "cuLibraryUnload", Library)                                                                     \
  F(library_kernel, "cuLibraryGetKernel", Kernel *, Library, const char *)                                          \
  F(kernel_set_attribute, "cuKernelSetAttribute", int, int, Kernel, Device)                                         \
  F(launch, "cuLaunchKernelEx", const LaunchConfig *, Kernel, void **, void **)                                     \
  F(tensor_map_encode, "cuTensorMapEncodeTiled", TensorMap *, int, unsigned, void *, const uint64_t *, const uint64_t *, \
    const unsigned *, const unsigned *, int, int, int, int)                                                         \
  F(error_name, "cuGetErrorName", Result, const char **)                                                            \
  F(error_text, "cuGetErrorString", Result, const char **)

struct Driver {
#define ASTRA_CUDA_MEMBER(name, symbol, ...) Result (*name)(__VA_ARGS__) = nullptr;
  ASTRA_CUDA_FUNCTIONS(ASTRA_CUDA_MEMBER)
#undef ASTRA_CUDA_MEMBER
  int version = 0;  // 1000 * major + 10 * minor
};

// The driver, initialized; null where there is none that serves, and `why` says what is wrong.
const Driver *driver(std::string &why);

// "cuMemAllocAsync: CUDA_ERROR_OUT_OF_MEMORY (out of memory)".
std::string describe(const Driver &driver, const char *what, Result result);

}  // namespace astra::cuda
