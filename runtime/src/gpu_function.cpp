#include "gpu_function.h"

#include <cstdlib>

#include "gpu.h"
#include "handles.h"
#include "saved_function.h"

namespace astra {

namespace {

constexpr uintptr_t kAlignment = 16;  // of arrays, which kernels count on

// Memory of a device that goes with this.
class Owned {
public:
  Owned(int64_t device) : device_(device) {}
  ~Owned() {
    for (void *memory : all_) gpu_deallocate(device_, memory);
  }
  Owned(const Owned &) = delete;
  Owned &operator=(const Owned &) = delete;
  astra_status allocate(int64_t bytes, void **memory) {
    all_.reserve(all_.size() + 1);
    *memory = nullptr;
    const astra_status status = gpu_allocate(device_, bytes, memory);
    if (status == ASTRA_OK && *memory != nullptr) all_.push_back(*memory);
    return status;
  }
  void keep() { all_.clear(); }

private:
  int64_t device_;
  std::vector<void *> all_;
};

// "cuda:sm_90a" runs on devices of compute capability 9.0; without the letter on later ones of the same first number, too.
astra_status check_device(const SavedFunction &saved, int64_t device) {
  astra_gpu_device_info info = {};
  info.struct_size = sizeof info;
  const astra_status status = gpu_device_info(device, &info);
  if (status != ASTRA_OK) return status;
  const std::string &target = saved.gpu->target;
  const size_t digits = target.find_first_of("0123456789");
  const int64_t needed = digits == std::string::npos ? 0 : std::atoi(target.c_str() + digits);
  const bool exact = target.back() == 'a' || info.capability / 10 != needed / 10;
  if (info.capability == needed || (info.capability > needed && !exact)) return ASTRA_OK;
  return fail(ASTRA_CANNOT_LOAD, (saved.name + " is code for " + target + ", and " + info.name + " is of compute capability " +
                                  std::to_string(info.capability / 10) + "." + std::to_string(info.capability % 10))
                                     .c_str());
}

}  // namespace

GpuPart::~GpuPart() {
  for (auto &[device, loaded] : loaded_) {
    gpu_module_release(loaded.module);
    for (void *constant : loaded.constants) gpu_deallocate(device, constant);
  }
}

astra_status GpuPart::load(const SavedFunction &saved, int64_t device, Loaded **loaded) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = loaded_.find(device);
  if (found != loaded_.end()) {
    *loaded = &found->second;
    return ASTRA_OK;
  }
  astra_status status = check_device(saved, device);
  if (status != ASTRA_OK) return status;
  std::vector<astra_gpu_kernel> table;
  for (const GpuKernelPart &part : kernels) {
    table.push_back(part.kernel);
    table.back().struct_size = sizeof(astra_gpu_kernel);
    table.back().name = part.name.c_str();
    table.back().num_tensor_maps = static_cast<int64_t>(part.maps.size());
    table.back().tensor_maps = part.maps.data();
  }
  Loaded made;
  Owned memory(device);
  for (size_t i = 0; i < saved.constants.size(); ++i) {
    void *place = nullptr;
    const int64_t bytes = saved.constant_bytes[i];
    if ((status = memory.allocate(bytes, &place)) != ASTRA_OK) return status;
    if ((status = gpu_copy(device, place, saved.constants[i].get(), bytes, ASTRA_GPU_TO_DEVICE)) != ASTRA_OK) return status;
    made.constants.push_back(place);
  }
  const astra_bytes content = {image.data(), static_cast<int64_t>(image.size())};
  status = gpu_module_load(device, &content, table.data(), static_cast<int64_t>(table.size()), &made.module);
  if (status != ASTRA_OK) return status;
  *loaded = &(loaded_[device] = std::move(made));
  memory.keep();
  return ASTRA_OK;
}

astra_status GpuPart::run(const SavedFunction &saved, int64_t device, void *const *inputs, void *const *outputs, void *stream) {
  Loaded *loaded = nullptr;
  astra_status status = load(saved, device, &loaded);
  if (status != ASTRA_OK) return status;
  std::vector<void *> sources(inputs, inputs + saved.inputs.size()), places(outputs, outputs + saved.outputs.size());
  for (const auto &[addresses, types] : {std::pair{&sources, &saved.inputs}, std::pair{&places, &saved.outputs}})
    for (size_t i = 0; i < addresses->size(); ++i)
      if (reinterpret_cast<uintptr_t>((*addresses)[i]) % kAlignment != 0)
        return fail(ASTRA_INVALID_ARGUMENT, ((*types)[i].name + ": its address is not a multiple of 16").c_str());
  bool ordered = stream == nullptr;
  for (size_t i = 0; i < saved.aliases.size(); ++i) {
    if (saved.aliases[i] < 0) continue;
    // The code changes this input in place, where the output is; the caller's array stays as it is.
    void *own = nullptr;
    if (!ordered && ((status = gpu_stream(device, &own)) != ASTRA_OK || (status = gpu_order(device, stream, own)) != ASTRA_OK)) return status;
    ordered = true;
    void *&source = sources[static_cast<size_t>(saved.aliases[i])];
    if (source != places[i] && (status = gpu_copy(device, places[i], source, saved.outputs[i].bytes, ASTRA_GPU_WITHIN)) != ASTRA_OK) return status;
    source = places[i];
  }
  sources.insert(sources.end(), loaded->constants.begin(), loaded->constants.end());
  const astra_gpu_call call = {sizeof(astra_gpu_call), loaded->module, saved.entry, static_cast<int64_t>(sources.size()),
                               static_cast<int64_t>(places.size()), sources.data(), places.data(), saved.arena_bytes,
                               straight_line ? ASTRA_GPU_STRAIGHT_LINE : 0, stream};
  return gpu_execute(nullptr, &call);
}

astra_status GpuPart::run_on_host(const SavedFunction &saved, int64_t device, void *const *inputs, void *const *outputs) {
  Owned memory(device);
  std::vector<void *> sources(saved.inputs.size()), places(saved.outputs.size());
  astra_status status = ASTRA_OK;
  for (size_t i = 0; i < sources.size(); ++i) {
    const int64_t bytes = saved.inputs[i].bytes;
    if ((status = memory.allocate(bytes, &sources[i])) != ASTRA_OK) return status;
    if ((status = gpu_copy(device, sources[i], inputs[i], bytes, ASTRA_GPU_TO_DEVICE)) != ASTRA_OK) return status;
  }
  for (size_t i = 0; i < places.size(); ++i)
    if ((status = memory.allocate(saved.outputs[i].bytes, &places[i])) != ASTRA_OK) return status;
  status = run(saved, device, sources.data(), places.data(), nullptr);
  for (size_t i = 0; i < places.size() && status == ASTRA_OK; ++i)
    status = gpu_copy(device, outputs[i], places[i], saved.outputs[i].bytes, ASTRA_GPU_TO_HOST);
  const astra_status waited = gpu_synchronize(device);  // the host's memory is the caller's again
  return status != ASTRA_OK ? status : waited;
}

}  // namespace astra
