// Devices, kernels and programs on NVIDIA GPUs: what `gpu_*` of the interface's table and generated code call.
#pragma once

#include "astra/runtime.h"

namespace astra {

astra_status gpu_device_count(int64_t *count);
astra_status gpu_device_info(int64_t device, astra_gpu_device_info *info);
astra_status gpu_allocate(int64_t device, int64_t bytes, void **memory);
astra_status gpu_deallocate(int64_t device, void *memory);
astra_status gpu_copy(int64_t device, void *target, const void *source, int64_t bytes, astra_gpu_direction direction);
astra_status gpu_synchronize(int64_t device);
astra_status gpu_module_load(int64_t device, const astra_bytes *image, const astra_gpu_kernel *kernels, int64_t num_kernels,
                             astra_gpu_module **module);
void gpu_module_release(astra_gpu_module *module);
astra_status gpu_launch(astra_gpu_module *module, int64_t kernel, const int64_t *grid, void *const *parameters);
astra_status gpu_stream(int64_t device, void **stream);
astra_status gpu_launch_on(astra_gpu_module *module, int64_t kernel, const int64_t *grid, void *const *parameters, void *stream);
astra_status gpu_order(int64_t device, void *earlier, void *later);
astra_status gpu_wait(int64_t device, void *stream);
astra_status gpu_pointer_device(const void *memory, int64_t *device);
astra_status gpu_execute(astra_context *context, const astra_gpu_call *call);
astra_status gpu_event_record(int64_t device, astra_gpu_event **event);
astra_status gpu_event_elapsed(astra_gpu_event *from, astra_gpu_event *to, double *milliseconds);
void gpu_event_release(astra_gpu_event *event);

}  // namespace astra
