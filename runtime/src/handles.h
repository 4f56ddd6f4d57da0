// What the handles of the C interface are, and the functions of its table that have files of their own.
#pragma once

#include "astra/runtime.h"
#include "buffer_pool.h"
#include "thread_pool.h"

struct astra_context {
  astra_context(int64_t num_threads, int64_t cache_bytes) : threads(num_threads), buffers(cache_bytes) {}
  astra::ThreadPool threads;
  astra::BufferPool buffers;
};

namespace astra {

// Notes what `last_error` says on this thread, and returns the status.
astra_status fail(astra_status status, const char *message);

astra_status execute(astra_context *context, const astra_call *call);
const char *last_error();

astra_status buffer_create(astra_context *context, int64_t bytes, astra_buffer **buffer);
astra_status buffer_from_memory(void *memory, int64_t bytes, astra_release_fn release, void *owner, astra_buffer **buffer);
void buffer_retain(astra_buffer *buffer);
void buffer_release(astra_buffer *buffer);
void *buffer_data(astra_buffer *buffer);
int64_t buffer_size(astra_buffer *buffer);

astra_status code_load(const astra_bytes *objects, int64_t num_objects, astra_code **code);
void *code_address(astra_code *code, const char *symbol);
void code_retain(astra_code *code);
void code_release(astra_code *code);

astra_status function_load(const astra_bytes *file, astra_function **function);
void function_retain(astra_function *function);
void function_release(astra_function *function);
void function_info(astra_function *function, astra_function_info *info);
astra_status function_input(astra_function *function, int64_t index, astra_array_info *info);
astra_status function_output(astra_function *function, int64_t index, astra_array_info *info);
astra_status function_call(astra_function *function, astra_context *context, astra_buffer *const *inputs,
                           astra_buffer **outputs, int64_t num_threads);
astra_status function_call_device(astra_function *function, int64_t device, void *const *inputs, void *const *outputs, void *stream);

}  // namespace astra
