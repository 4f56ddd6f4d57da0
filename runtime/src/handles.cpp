// The C interface's buffers, code and functions: things with counted references.
#include "handles.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "elf_loader.h"
#include "saved_function.h"

namespace {

template <typename T>
struct Counted {
  std::atomic<int64_t> references{1};
  void retain() { references.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete static_cast<T *>(this);
  }
};

}  // namespace

struct astra_buffer : Counted<astra_buffer> {
  ~astra_buffer() {
    if (context != nullptr) context->buffers.deallocate(memory);
    else if (released != nullptr) released(owner);
  }
  void *memory = nullptr;
  int64_t bytes = 0;
  astra_context *context = nullptr;  // whose pool the memory is of; null: the caller's memory
  astra_release_fn released = nullptr;
  void *owner = nullptr;
};

struct astra_code : Counted<astra_code> {
  explicit astra_code(std::unique_ptr<astra::LoadedCode> loaded) : loaded(std::move(loaded)) {}
  std::unique_ptr<astra::LoadedCode> loaded;
};

struct astra_function : Counted<astra_function> {
  explicit astra_function(std::unique_ptr<astra::SavedFunction> saved) : saved(std::move(saved)) {}
  std::unique_ptr<astra::SavedFunction> saved;
};

// What generated code calls and the process may not offer: conversions of 16-bit floats, under the compiler library's names.
extern "C" {
float __truncsfhf2(float), __truncdfhf2(double), __truncsfbf2(float), __truncdfbf2(double), __extendhfsf2(float);
}

namespace astra {

namespace {

struct Symbol {
  const char *name;
  void *address;
};

template <typename Function>
void *address_of(Function *function) {
  return reinterpret_cast<void *>(function);
}

void *resolve(const char *name) {
  static const Symbol own[] = {
      {"astra_parallel_for", address_of(astra_parallel_for)}, {"astra_custom_call", address_of(astra_custom_call)},
      {"astra_exchange", address_of(astra_exchange)},         {"astra_participant", address_of(astra_participant)},
      {"astra_gpu_launch", address_of(astra_gpu_launch)},     {"astra_gpu_read", address_of(astra_gpu_read)},
      {"astra_gpu_write", address_of(astra_gpu_write)},
      {"__truncsfhf2", address_of(__truncsfhf2)},
      {"__truncdfhf2", address_of(__truncdfhf2)},             {"__truncsfbf2", address_of(__truncsfbf2)},
      {"__truncdfbf2", address_of(__truncdfbf2)},             {"__extendhfsf2", address_of(__extendhfsf2)},
      {"fmodf", address_of(static_cast<float (*)(float, float)>(fmodf))},  // and with it the mathematical library is there
  };
  for (const Symbol &symbol : own)
    if (std::strcmp(symbol.name, name) == 0) return symbol.address;
  return dlsym(RTLD_DEFAULT, name);
}

// Calls `make`, which gives a new handle, and turns exceptions into a status.
template <typename Handle, typename Make>
astra_status create(const char *name, Handle **place, Make make) {
  if (place == nullptr) return fail(ASTRA_INVALID_ARGUMENT, (std::string(name) + ": no place for the result").c_str());
  try {
    *place = make();
    return ASTRA_OK;
  } catch (const LoadError &error) {
    return fail(ASTRA_CANNOT_LOAD, error.what());
  } catch (const std::exception &) {
    return fail(ASTRA_OUT_OF_MEMORY, (std::string(name) + ": out of memory").c_str());
  }
}

astra_status describe(const std::vector<ArrayType> &types, int64_t index, astra_array_info *info) {
  if (info->struct_size < sizeof(astra_array_info)) return fail(ASTRA_UNSUPPORTED_VERSION, "an info of an unknown version");
  if (index < 0 || index >= static_cast<int64_t>(types.size())) return fail(ASTRA_INVALID_ARGUMENT, "there is no array of that index");
  const ArrayType &type = types[static_cast<size_t>(index)];
  *info = {info->struct_size, type.name.c_str(), type.element_type.c_str(), static_cast<int64_t>(type.shape.size()),
           type.shape.data(), type.bytes};
  return ASTRA_OK;
}

}  // namespace

astra_status buffer_create(astra_context *context, int64_t bytes, astra_buffer **buffer) {
  if (bytes < 0) return fail(ASTRA_INVALID_ARGUMENT, "buffer_create: the size is negative");
  return create("buffer_create", buffer, [&] {
    auto made = std::make_unique<astra_buffer>();
    made->memory = context->buffers.allocate(bytes);
    if (made->memory == nullptr) throw std::bad_alloc();
    made->context = context;
    made->bytes = bytes;
    return made.release();
  });
}

astra_status buffer_from_memory(void *memory, int64_t bytes, astra_release_fn release, void *owner, astra_buffer **buffer) {
  if (bytes < 0 || (memory == nullptr && bytes > 0)) return fail(ASTRA_INVALID_ARGUMENT, "buffer_from_memory: no memory");
  return create("buffer_from_memory", buffer, [&] {
    auto made = std::make_unique<astra_buffer>();
    made->memory = memory;
    made->bytes = bytes;
    made->released = release;
    made->owner = owner;
    return made.release();
  });
}

void buffer_retain(astra_buffer *buffer) { buffer->retain(); }
void buffer_release(astra_buffer *buffer) {
  if (buffer != nullptr) buffer->release();
}
void *buffer_data(astra_buffer *buffer) { return buffer->memory; }
int64_t buffer_size(astra_buffer *buffer) { return buffer->bytes; }

astra_status code_load(const astra_bytes *objects, int64_t num_objects, astra_code **code) {
  return create("code_load", code, [&] {
    std::vector<Bytes> contents;
    for (int64_t i = 0; i < num_objects; ++i)
      contents.push_back({static_cast<const unsigned char *>(objects[i].data), static_cast<uint64_t>(std::max<int64_t>(0, objects[i].size))});
    return new astra_code(std::make_unique<LoadedCode>(contents, resolve));
  });
}

void *code_address(astra_code *code, const char *symbol) { return code->loaded->address(symbol); }
void code_retain(astra_code *code) { code->retain(); }
void code_release(astra_code *code) {
  if (code != nullptr) code->release();
}

astra_status function_load(const astra_bytes *file, astra_function **function) {
  return create("function_load", function, [&] {
    const Bytes bytes = {static_cast<const unsigned char *>(file->data), static_cast<uint64_t>(std::max<int64_t>(0, file->size))};
    return new astra_function(read_saved_function(bytes, resolve));
  });
}

void function_retain(astra_function *function) { function->retain(); }
void function_release(astra_function *function) {
  if (function != nullptr) function->release();
}

void function_info(astra_function *function, astra_function_info *info) {
  if (info->struct_size < sizeof(astra_function_info)) return;
  const SavedFunction &saved = *function->saved;
  *info = {info->struct_size, saved.name.c_str(), saved.target.c_str(), static_cast<int64_t>(saved.inputs.size()),
           static_cast<int64_t>(saved.outputs.size()), saved.arena_bytes};
}

astra_status function_input(astra_function *function, int64_t index, astra_array_info *info) {
  return describe(function->saved->inputs, index, info);
}

astra_status function_output(astra_function *function, int64_t index, astra_array_info *info) {
  return describe(function->saved->outputs, index, info);
}

astra_status function_call(astra_function *function, astra_context *context, astra_buffer *const *inputs,
                           astra_buffer **outputs, int64_t num_threads) {
  const SavedFunction &saved = *function->saved;
  try {
    std::vector<void *> sources, places;
    for (size_t i = 0; i < saved.inputs.size(); ++i) {
      if (inputs[i] == nullptr || inputs[i]->bytes != saved.inputs[i].bytes)
        return fail(ASTRA_INVALID_ARGUMENT, (saved.inputs[i].name + ": expected a buffer of " +
                                             std::to_string(saved.inputs[i].bytes) + " bytes").c_str());
      sources.push_back(inputs[i]->memory);
    }
    for (const auto &constant : saved.constants) sources.push_back(constant.get());
    astra_status status = ASTRA_OK;
    size_t made = 0;
    for (; made < saved.outputs.size() && status == ASTRA_OK; ++made) {
      status = buffer_create(context, saved.outputs[made].bytes, &outputs[made]);
      if (status != ASTRA_OK) break;
      places.push_back(outputs[made]->memory);
      if (saved.gpu || saved.aliases.empty() || saved.aliases[made] < 0) continue;
      // The code changes this input in place, where the output is; the caller's buffer stays as it is.
      void *&source = sources[static_cast<size_t>(saved.aliases[made])];
      std::memcpy(places.back(), source, static_cast<size_t>(saved.outputs[made].bytes));
      source = places.back();
    }
    if (status == ASTRA_OK && saved.gpu) {
      status = saved.gpu->run_on_host(saved, 0, sources.data(), places.data());
    } else if (status == ASTRA_OK) {
      const astra_call call = {sizeof(astra_call), saved.entry, sources.data(), places.data(), saved.arena_bytes, num_threads, nullptr, 0};
      status = execute(context, &call);
    }
    if (status != ASTRA_OK)
      for (size_t i = 0; i < made; ++i) buffer_release(std::exchange(outputs[i], nullptr));
    return status;
  } catch (const std::bad_alloc &) {
    return fail(ASTRA_OUT_OF_MEMORY, "function_call: out of memory");
  }
}

astra_status function_call_device(astra_function *function, int64_t device, void *const *inputs, void *const *outputs, void *stream) {
  const SavedFunction &saved = *function->saved;
  if (!saved.gpu) return fail(ASTRA_INVALID_ARGUMENT, (saved.name + " is code for " + saved.target + ", which runs on no GPU").c_str());
  try {
    return saved.gpu->run(saved, device, inputs, outputs, stream);
  } catch (const std::bad_alloc &) {
    return fail(ASTRA_OUT_OF_MEMORY, "function_call_device: out of memory");
  }
}

}  // namespace astra
