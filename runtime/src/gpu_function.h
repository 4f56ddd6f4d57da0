// The part for a GPU of a saved function: its kernels, and calls on memory of the host or of the device.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "astra/runtime.h"

namespace astra {

struct SavedFunction;

struct GpuKernelPart {
  std::string name;
  astra_gpu_kernel kernel = {};  // without its name and maps
  std::vector<astra_gpu_tensor_map> maps;
};

class GpuPart {
public:
  std::string target;  // cuda:sm_90a
  bool straight_line = false;
  std::vector<unsigned char> image;
  std::vector<GpuKernelPart> kernels;

  GpuPart() = default;
  ~GpuPart();
  GpuPart(const GpuPart &) = delete;
  GpuPart &operator=(const GpuPart &) = delete;

  // On addresses of device memory; in the stream when it returns.
  astra_status run(const SavedFunction &saved, int64_t device, void *const *inputs, void *const *outputs, void *stream);
  // On memory of the host; done when it returns.
  astra_status run_on_host(const SavedFunction &saved, int64_t device, void *const *inputs, void *const *outputs);

private:
  struct Loaded {  // on one device
    astra_gpu_module *module = nullptr;
    std::vector<void *> constants;
  };
  astra_status load(const SavedFunction &saved, int64_t device, Loaded **loaded);
  std::mutex mutex_;
  std::map<int64_t, Loaded> loaded_;
};

}  // namespace astra
