// Buffers: arrays in the memory of a device, from the host and back, between devices, and views of other libraries.
#include <cstdlib>
#include <cstring>
#include <new>

#include "objects.h"

namespace astra::pjrt {

namespace {

// Below this the C library's allocator is cheaper than the runtime's pool; above it fresh memory costs page faults.
constexpr size_t kPooledBytes = 256 * 1024;

size_t rounded(size_t bytes) { return (bytes + ASTRA_ALIGNMENT - 1) / ASTRA_ALIGNMENT * ASTRA_ALIGNMENT; }

}  // namespace

StoragePtr Storage::allocate(Client *client, size_t bytes) {
  const bool pooled = bytes >= kPooledBytes;
  void *const memory = pooled ? client->api->allocate(client->context, static_cast<int64_t>(bytes))
                              : std::aligned_alloc(ASTRA_ALIGNMENT, rounded(bytes == 0 ? 1 : bytes));
  if (memory == nullptr) throw std::bad_alloc();
  StoragePtr storage(new Storage(memory, bytes));
  storage->client_ = pooled ? client : nullptr;
  return storage;
}

StoragePtr Storage::external(void *data, size_t bytes, std::function<void()> release) {
  StoragePtr storage(new Storage(data, bytes));
  storage->release_ = std::move(release);
  return storage;
}

Storage::~Storage() {
  if (release_) {
    release_();
  } else if (client_ != nullptr) {
    client_->api->deallocate(client_->context, data);
  } else {
    std::free(data);
  }
}

int64_t element_bytes(ElementType type) {
  switch (type) {
    case kPred: case kS8: case kU8: case kS4: case kU4: case kS2: case kU2: case kF8E5M2: case kF8E4M3FN:
    case kF8E4M3B11FNUZ: case kF8E5M2FNUZ: case kF8E4M3FNUZ: case kF8E4M3: case kF8E3M4: case kF8E8M0FNU:
    case kF4E2M1FN:
      return 1;  // numbers of 2 and 4 bits have a byte each, as in NumPy
    case kS16: case kU16: case kF16: case kBF16:
      return 2;
    case kS32: case kU32: case kF32:
      return 4;
    case kS64: case kU64: case kF64: case kC64:
      return 8;
    case kC128:
      return 16;
    default:
      return 0;
  }
}

int64_t array_bytes(ElementType type, const int64_t *dims, size_t num_dims) {
  int64_t bytes = element_bytes(type);
  for (size_t i = 0; i < num_dims; ++i) bytes *= dims[i];
  return bytes;
}

std::vector<int64_t> dense_strides(ElementType type, const int64_t *dims, size_t num_dims) {
  std::vector<int64_t> strides(num_dims);
  int64_t stride = element_bytes(type);
  for (size_t i = num_dims; i-- > 0; stride *= dims[i]) strides[i] = stride;
  return strides;
}

namespace {

Event *event_of(PendingPtr pending = nullptr) { return new Event{std::move(pending)}; }

bool is_dense(const Client_BufferFromHostBuffer_Args *args) {
  if (args->byte_strides == nullptr || args->num_byte_strides == 0) return true;
  const std::vector<int64_t> dense = dense_strides(args->type, args->dims, args->num_dims);
  for (size_t i = 0; i < args->num_dims; ++i) {
    if (args->dims[i] == 0) return true;
    if (args->dims[i] != 1 && args->byte_strides[i] != dense[i]) return false;
  }
  return true;
}

// Copies an array between two layouts, the innermost dimension in one piece where it is dense in both.
void copy(const char *from, const int64_t *from_strides, char *to, const int64_t *to_strides, const int64_t *dims,
          size_t num_dims, int64_t element) {
  if (num_dims == 0) {
    std::memcpy(to, from, element);
  } else if (num_dims == 1 && from_strides[0] == element && to_strides[0] == element) {
    std::memcpy(to, from, dims[0] * element);
  } else {
    for (int64_t i = 0; i < dims[0]; ++i)
      copy(from + i * from_strides[0], from_strides + 1, to + i * to_strides[0], to_strides + 1, dims + 1, num_dims - 1,
           element);
  }
}

Memory *memory_of(Device *device, Memory *memory) { return memory != nullptr ? memory : device->memories.front(); }

Error *check_type(ElementType type) {
  if (element_bytes(type) != 0) return nullptr;
  return fail(kUnimplemented, "astra: arrays of PJRT's element type " + std::to_string(type) + " are not supported");
}

Error *from_host(Client_BufferFromHostBuffer_Args *args) {
  if (Error *error = check_type(args->type)) return error;
  if (args->device == nullptr && args->memory == nullptr)
    return fail(kInvalidArgument, "astra: neither a device nor a memory is given");
  const size_t bytes = array_bytes(args->type, args->dims, args->num_dims);
  const bool shared = is_dense(args) && args->host_buffer_semantics >= kImmutableZeroCopy &&
                      reinterpret_cast<uintptr_t>(args->data) % element_bytes(args->type) == 0;
  StoragePtr storage;
  PendingPtr done;
  if (shared) {
    done = std::make_shared<Pending>();
    storage = Storage::external(const_cast<void *>(args->data), bytes, [done] { done->finish(); });
  } else {
    storage = Storage::allocate(args->client, bytes);
    if (is_dense(args)) {
      std::memcpy(storage->data, args->data, bytes);
    } else {
      const std::vector<int64_t> dense = dense_strides(args->type, args->dims, args->num_dims);
      copy(static_cast<const char *>(args->data), args->byte_strides, static_cast<char *>(storage->data), dense.data(),
           args->dims, args->num_dims, element_bytes(args->type));
    }
  }
  args->buffer = new Buffer(memory_of(args->device, args->memory), args->type, args->dims, args->num_dims,
                            std::move(storage), nullptr);
  args->done_with_host_buffer = event_of(std::move(done));
  return nullptr;
}

Error *uninitialized(Client_CreateUninitializedBuffer_Args *args) {
  if (Error *error = check_type(args->type)) return error;
  args->buffer = new Buffer(memory_of(args->device, args->memory), args->type, args->dims, args->num_dims,
                            Storage::allocate(args->client, array_bytes(args->type, args->dims, args->num_dims)), nullptr);
  return nullptr;
}

Error *error_buffer(Client_CreateErrorBuffer_Args *args) {
  auto pending = std::make_shared<Pending>();
  pending->finish(std::unique_ptr<Error>(fail(args->code, {args->message, args->message_size})));
  args->buffer = new Buffer(args->memory, args->type, args->dims, args->num_dims, Storage::allocate(args->client, 0),
                            std::move(pending));
  return nullptr;
}

Error *view(Client_CreateViewOfDeviceBuffer_Args *args) {
  if (Error *error = check_type(args->type)) return error;
  const auto on_delete = args->on_delete;
  void *const data = args->data;
  void *const user_arg = args->on_delete_arg;
  auto storage = Storage::external(data, array_bytes(args->type, args->dims, args->num_dims), [=] {
    if (on_delete != nullptr) on_delete(data, user_arg);
  });
  args->buffer = new Buffer(memory_of(args->device, args->memory), args->type, args->dims, args->num_dims,
                            std::move(storage), nullptr);
  return nullptr;
}

Error *deleted() { return fail(kInvalidArgument, "Array has been deleted: the buffer was deleted or donated"); }

Error *destroy(Buffer_Args *args) {
  delete args->buffer;
  return nullptr;
}

Error *element_type(Buffer_ElementType_Args *args) {
  args->type = args->buffer->type;
  return nullptr;
}

Error *dimensions(Buffer_Dimensions_Args *args) {
  args->dims = args->buffer->dims.data();
  args->num_dims = args->buffer->dims.size();
  return nullptr;
}

Error *dynamic_dimensions(Buffer_DynamicDimensions_Args *args) {
  args->indices = nullptr;
  args->num_indices = 0;
  return nullptr;
}

// Row-major: the identity reversed.
const int64_t *row_major(size_t num_dims) {
  static const std::vector<int64_t> order = [] {
    std::vector<int64_t> numbers(64);
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int64_t>(numbers.size() - 1 - i);
    return numbers;
  }();
  return num_dims > order.size() ? nullptr : order.data() + (order.size() - num_dims);
}

Error *memory_layout(Buffer_GetMemoryLayout_Args *args) {
  const size_t rank = args->buffer->dims.size();
  args->layout.kind = MemoryLayout::kTiled;
  args->layout.tiled = {sizeof(TiledLayout), nullptr, row_major(rank), rank, nullptr, nullptr, 0};
  return nullptr;
}

Error *size_in_bytes(Buffer_Size_Args *args) {
  const Buffer *buffer = args->buffer;
  args->value = array_bytes(buffer->type, buffer->dims.data(), buffer->dims.size());
  return nullptr;
}

Error *device(Buffer_Device_Args *args) {
  args->device = args->buffer->memory->device;
  return nullptr;
}

Error *memory(Buffer_Memory_Args *args) {
  args->memory = args->buffer->memory;
  return nullptr;
}

Error *remove(Buffer_Args *args) {
  args->buffer->take();
  return nullptr;
}

Error *is_deleted(Buffer_Bool_Args *args) {
  args->value = args->buffer->share() == nullptr;
  return nullptr;
}

Error *is_on_cpu(Buffer_Bool_Args *args) {
  args->value = true;
  return nullptr;
}

Error *copy_to(Buffer *buffer, Memory *memory, Buffer *&out) {
  const auto reading = std::make_shared<Reading>(buffer);
  if (reading->storage() == nullptr) return deleted();
  StoragePtr storage = Storage::allocate(memory->client, reading->storage()->bytes);
  PendingPtr pending = buffer->pending;
  if (pending == nullptr || pending->done()) {
    std::memcpy(storage->data, reading->storage()->data, storage->bytes);
  } else {
    auto copied = std::make_shared<Pending>();
    pending->then([copied, storage, reading](Error *error) {
      if (error == nullptr) std::memcpy(storage->data, reading->storage()->data, storage->bytes);
      copied->finish(std::unique_ptr<Error>(error));
    });
    pending = std::move(copied);
  }
  out = new Buffer(memory, buffer->type, buffer->dims.data(), buffer->dims.size(), std::move(storage), std::move(pending));
  return nullptr;
}

Error *copy_to_device(Buffer_CopyToDevice_Args *args) {
  return copy_to(args->buffer, args->device->memories.front(), args->copy);
}

Error *copy_to_memory(Buffer_CopyToMemory_Args *args) { return copy_to(args->buffer, args->memory, args->copy); }

// Strides of the layout that the host wants.
std::vector<int64_t> host_strides(const Buffer *buffer, const MemoryLayout *layout) {
  const size_t rank = buffer->dims.size();
  if (layout == nullptr) return dense_strides(buffer->type, buffer->dims.data(), rank);
  if (layout->kind == MemoryLayout::kStrides)
    return {layout->strides.byte_strides, layout->strides.byte_strides + layout->strides.num_byte_strides};
  std::vector<int64_t> strides(rank);
  int64_t stride = element_bytes(buffer->type);
  for (size_t i = 0; i < layout->tiled.minor_to_major_size; ++i) {
    const int64_t dim = layout->tiled.minor_to_major[i];
    strides[dim] = stride;
    stride *= buffer->dims[dim];
  }
  return strides;
}

// Calls `act` when the buffer's elements are there; the event tells when that is done, or that they never will be.
Event *when_ready(const Buffer *buffer, std::function<void()> act) {
  if (buffer->pending == nullptr) {
    act();
    return event_of();
  }
  auto acted = std::make_shared<Pending>();
  buffer->pending->then([acted, act = std::move(act)](Error *error) {
    if (error == nullptr) act();
    acted->finish(std::unique_ptr<Error>(error));
  });
  return event_of(std::move(acted));
}

Error *to_host(Buffer_ToHostBuffer_Args *args) {
  Buffer *const buffer = args->buffer;
  const size_t bytes = array_bytes(buffer->type, buffer->dims.data(), buffer->dims.size());
  if (args->destination == nullptr) {
    args->destination_size = bytes;
    return nullptr;
  }
  if (args->destination_size < bytes)
    return fail(kInvalidArgument, "astra: the host buffer has " + std::to_string(args->destination_size) + " bytes, " +
                                      std::to_string(bytes) + " are needed");
  const auto reading = std::make_shared<Reading>(buffer);
  if (reading->storage() == nullptr) return deleted();
  const auto from = dense_strides(buffer->type, buffer->dims.data(), buffer->dims.size());
  const auto to = host_strides(buffer, args->host_layout);
  char *const destination = static_cast<char *>(args->destination);
  args->event = when_ready(buffer, [=, dims = buffer->dims, element = element_bytes(buffer->type)] {
    if (bytes == 0) return;
    if (from == to) {
      std::memcpy(destination, reading->storage()->data, bytes);
    } else {
      copy(static_cast<const char *>(reading->storage()->data), from.data(), destination, to.data(), dims.data(),
           dims.size(), element);
    }
  });
  return nullptr;
}

Error *raw_to_host(Buffer_CopyRawToHost_Args *args) {
  const auto reading = std::make_shared<Reading>(args->buffer);
  if (reading->storage() == nullptr) return deleted();
  const int64_t offset = args->offset, size = args->size;
  if (offset < 0 || size < 0 || static_cast<size_t>(offset + size) > reading->storage()->bytes)
    return fail(kInvalidArgument, "astra: the bytes asked for are outside of the buffer");
  void *const destination = args->destination;
  args->event = when_ready(args->buffer, [=] {
    std::memcpy(destination, static_cast<const char *>(reading->storage()->data) + offset, size);
  });
  return nullptr;
}

Error *ready_event(Buffer_ReadyEvent_Args *args) {
  args->event = event_of(args->buffer->pending);
  return nullptr;
}

// The address of the elements, once they are there.
Error *address(Buffer *buffer, void *&out) {
  StoragePtr storage = buffer->share();
  if (storage == nullptr) return deleted();
  if (buffer->pending != nullptr) {
    buffer->pending->wait();
    if (Error *error = buffer->pending->error()) return error;
  }
  out = storage->data;
  return nullptr;
}

Error *unsafe_pointer(Buffer_Size_Args *args) {
  void *pointer = nullptr;
  Error *const error = address(args->buffer, pointer);
  args->value = reinterpret_cast<size_t>(pointer);
  return error;
}

Error *data_pointer(Buffer_Pointer_Args *args) { return address(args->buffer, args->pointer); }

Error *hold(Buffer_Args *args) {
  Buffer *const buffer = args->buffer;
  const std::lock_guard<std::mutex> lock(buffer->mutex);
  if (buffer->storage == nullptr) return deleted();
  ++buffer->storage->holders;
  buffer->external_references.push_back(buffer->storage);
  return nullptr;
}

Error *release(Buffer_Args *args) {
  Buffer *const buffer = args->buffer;
  const std::lock_guard<std::mutex> lock(buffer->mutex);
  if (buffer->external_references.empty()) return fail(kInvalidArgument, "astra: the buffer has no external reference");
  --buffer->external_references.back()->holders;
  buffer->external_references.pop_back();
  return nullptr;
}

// --- layouts: all arrays are row-major -------------------------------------------------------------------------------

}  // namespace

// A layout as JAX wants it serialized: minor to major, in XLA's text form.
struct LayoutHandle {
  std::string text;
};

void delete_layout(LayoutHandle *layout) { delete layout; }

LayoutHandle *row_major_layout(size_t rank) {
  std::string text = "{";
  for (size_t i = rank; i-- > 0;) text += std::to_string(i) + (i > 0 ? "," : "");
  return new LayoutHandle{text + "}"};
}

namespace {

Error *layout_destroy(Layouts_Destroy_Args *args) {
  delete args->layout;
  return nullptr;
}

Error *layout_serialize(Layouts_Serialize_Args *args) {
  auto *const text = new std::string(args->layout->text);
  args->bytes = text->data();
  args->bytes_size = text->size();
  args->owner = text;
  args->deleter = [](void *owner) { delete static_cast<std::string *>(owner); };
  return nullptr;
}

Error *layout_default(Layouts_ClientDefault_Args *args) {
  args->layout = row_major_layout(args->num_dims);
  return nullptr;
}

Error *layout_of_buffer(Layouts_Buffer_Args *args) {
  args->layout = row_major_layout(args->buffer->dims.size());
  return nullptr;
}

Error *layouts_of_outputs(Layouts_Executable_Args *args) {
  CompiledProgram &program = *args->executable->program;
  args->num_layouts = program.layouts.size();
  args->layouts = program.layouts.data();
  return nullptr;
}

}  // namespace

Extension *layouts_extension() {
  static LayoutsExtension extension = {
      {sizeof(LayoutsExtension), kLayoutsExtension, nullptr}, Guarded<layout_destroy>::call,
      Guarded<layout_serialize>::call, Guarded<layout_default>::call, Guarded<layout_of_buffer>::call,
      Guarded<layout_default>::call, Guarded<layouts_of_outputs>::call,
  };
  return &extension.base;
}

void register_buffers(Table &table) {
  put<from_host>(table, kClient_BufferFromHostBuffer);
  put<uninitialized>(table, kClient_CreateUninitializedBuffer);
  put<error_buffer>(table, kClient_CreateErrorBuffer);
  put<view>(table, kClient_CreateViewOfDeviceBuffer);
  put<destroy>(table, kBuffer_Destroy);
  put<element_type>(table, kBuffer_ElementType);
  put<dimensions>(table, kBuffer_Dimensions);
  put<dimensions>(table, kBuffer_UnpaddedDimensions);
  put<dynamic_dimensions>(table, kBuffer_DynamicDimensionIndices);
  put<memory_layout>(table, kBuffer_GetMemoryLayout);
  put<size_in_bytes>(table, kBuffer_OnDeviceSizeInBytes);
  put<device>(table, kBuffer_Device);
  put<memory>(table, kBuffer_Memory);
  put<remove>(table, kBuffer_Delete);
  put<is_deleted>(table, kBuffer_IsDeleted);
  put<is_on_cpu>(table, kBuffer_IsOnCpu);
  put<copy_to_device>(table, kBuffer_CopyToDevice);
  put<copy_to_memory>(table, kBuffer_CopyToMemory);
  put<to_host>(table, kBuffer_ToHostBuffer);
  put<raw_to_host>(table, kBuffer_CopyRawToHost);
  put<ready_event>(table, kBuffer_ReadyEvent);
  put<unsafe_pointer>(table, kBuffer_UnsafePointer);
  put<data_pointer>(table, kBuffer_OpaqueDeviceMemoryDataPointer);
  put<hold>(table, kBuffer_IncreaseExternalReferenceCount);
  put<release>(table, kBuffer_DecreaseExternalReferenceCount);
}

}  // namespace astra::pjrt
