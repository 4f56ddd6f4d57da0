// Custom calls to handlers of XLA's foreign function interface, version 0.3: what jax.ffi registers, and the LAPACK
// functions of jaxlib.
//
// The structures are that interface's (xla/ffi/api/c_api.h, as installed with jaxlib); each begins with its own size and
// a list of extensions.
#include <condition_variable>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "custom_calls.h"

namespace astra {

namespace {

struct Api;
struct FfiError {
  std::string message;
};
struct Head {
  size_t struct_size;
  void *extensions;
};
struct ByteSpan {
  const char *data;
  size_t size;
};
struct FfiBuffer : Head {
  int32_t type;
  void *data;
  int64_t rank;
  const int64_t *dims;
};
struct Arrays : Head {  // arguments, and results
  int64_t size;
  const int32_t *types;
  void **values;
};
struct Attributes : Head {
  int64_t size;
  const int32_t *types;
  const ByteSpan **names;
  void **values;
};
struct Scalar {
  int32_t type;
  const void *value;
};
struct ArrayAttribute {
  int32_t type;
  size_t size;
  const void *data;
};

class Future {
 public:
  void finish(FfiError *error) {
    const std::lock_guard<std::mutex> lock(mutex_);
    error_.reset(error);
    done_ = true;
    changed_.notify_all();  // before the lock is free: who waits may delete this then
  }
  std::unique_ptr<FfiError> wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
    return std::move(error_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::unique_ptr<FfiError> error_;
};

// What the interface calls an execution context: one call.
struct Execution {
  void *state = nullptr;
  int64_t state_type = 0;
};

enum Stage : int32_t { kInstantiate, kPrepare, kInitialize, kExecute };

struct CallFrame : Head {
  const Api *api;
  Execution *execution;
  int32_t stage;
  Arrays arguments;
  Arrays results;
  Attributes attributes;
  Future *future;
};
using Handler = FfiError *(*)(CallFrame *frame);

// --- what handlers may call ------------------------------------------------------------------------------------------

FfiError *error(std::string message) { return new FfiError{std::move(message)}; }

struct ErrorCreate : Head { const char *message; int32_t code; };
FfiError *error_create(ErrorCreate *args) { return error(args->message); }
struct ErrorMessage : Head { FfiError *error; const char *message; };
void error_message(ErrorMessage *args) { args->message = args->error->message.c_str(); }
struct ErrorDestroy : Head { FfiError *error; };
void error_destroy(ErrorDestroy *args) { delete args->error; }

struct HandlerRegister : Head { ByteSpan name, platform; XlaHandlers handlers; uint32_t traits; };
FfiError *handler_register(HandlerRegister *args) {
  register_xla_handler(std::string(args->name.data, args->name.size), args->handlers);
  return nullptr;
}

FfiError *stream_get(void *) { return error("there are no streams on the CPU"); }

struct TypeInfo : Head { void (*deleter)(void *object); };
struct TypeRegister : Head { ByteSpan name; int64_t *type; const TypeInfo *info; };
std::mutex types_mutex;
std::vector<std::pair<std::string, void (*)(void *)>> &types() {
  static auto *const all = new std::vector<std::pair<std::string, void (*)(void *)>>();
  return *all;
}
FfiError *type_register(TypeRegister *args) {
  const std::lock_guard<std::mutex> lock(types_mutex);
  const std::string name(args->name.data, args->name.size);
  auto &all = types();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].first != name) continue;
    *args->type = static_cast<int64_t>(i) + 1;
    return nullptr;
  }
  all.emplace_back(name, args->info == nullptr ? nullptr : args->info->deleter);
  *args->type = static_cast<int64_t>(all.size());
  return nullptr;
}

struct ContextGet : Head { Execution *execution; const int64_t *type; void *data; };
FfiError *context_get(ContextGet *) { return error("no user data belongs to this execution"); }

struct StateSet : Head { Execution *execution; int32_t stage; const int64_t *type; void *state; };
FfiError *state_set(StateSet *args) {
  if (args->execution->state != nullptr) return error("the state of this call is set already");
  args->execution->state = args->state;
  args->execution->state_type = *args->type;
  return nullptr;
}
FfiError *state_get(StateSet *args) {
  if (args->execution->state == nullptr || args->execution->state_type != *args->type) return error("this call has no such state");
  args->state = args->execution->state;
  return nullptr;
}

struct MemoryAllocate : Head { Execution *execution; size_t size, alignment; void *data; };
FfiError *memory_allocate(MemoryAllocate *args) {
  const size_t alignment = args->alignment < sizeof(void *) ? sizeof(void *) : args->alignment;
  args->data = std::aligned_alloc(alignment, (args->size + alignment - 1) / alignment * alignment);
  return args->data == nullptr && args->size > 0 ? error("out of memory") : nullptr;
}
struct MemoryFree : Head { Execution *execution; size_t size; void *data; };
FfiError *memory_free(MemoryFree *args) {
  std::free(args->data);
  return nullptr;
}

// Tasks run at once, on the thread that asks: the handler has the processors that its caller has.
struct Schedule : Head { Execution *execution; void (*task)(void *data); void *data; };
FfiError *schedule(Schedule *args) {
  args->task(args->data);
  return nullptr;
}
struct NumThreads : Head { Execution *execution; int64_t *count; };
FfiError *num_threads(NumThreads *args) {
  *args->count = 1;
  return nullptr;
}

struct FutureCreate : Head { Future *future; };
FfiError *future_create(FutureCreate *args) {
  args->future = new Future();
  return nullptr;
}
FfiError *future_set_available(FutureCreate *args) {
  args->future->finish(nullptr);
  return nullptr;
}
struct FutureError : Head { Future *future; FfiError *error; };
FfiError *future_set_error(FutureError *args) {
  args->future->finish(args->error);
  return nullptr;
}

struct RunId : Head { Execution *execution; int64_t id; };
FfiError *run_id(RunId *args) {
  args->id = 0;
  return nullptr;
}
struct Ordinal : Head { Execution *execution; int32_t ordinal; };
FfiError *ordinal(Ordinal *args) {
  args->ordinal = 0;
  return nullptr;
}

struct Version : Head { int32_t major, minor; };
struct Api : Head {
  Version version;
  const void *internal;
  FfiError *(*error_create)(ErrorCreate *);
  void (*error_message)(ErrorMessage *);
  void (*error_destroy)(ErrorDestroy *);
  FfiError *(*handler_register)(HandlerRegister *);
  FfiError *(*stream_get)(void *);
  FfiError *(*type_register)(TypeRegister *);
  FfiError *(*context_get)(ContextGet *);
  FfiError *(*state_set)(StateSet *);
  FfiError *(*state_get)(StateSet *);
  FfiError *(*memory_allocate)(MemoryAllocate *);
  FfiError *(*memory_free)(MemoryFree *);
  FfiError *(*schedule)(Schedule *);
  FfiError *(*num_threads)(NumThreads *);
  FfiError *(*future_create)(FutureCreate *);
  FfiError *(*future_set_available)(FutureCreate *);
  FfiError *(*future_set_error)(FutureError *);
  FfiError *(*run_id)(RunId *);
  FfiError *(*ordinal)(Ordinal *);
};

const Api kApi = {
    {sizeof(Api), nullptr}, {{sizeof(Version), nullptr}, 0, 3}, nullptr, error_create, error_message, error_destroy,
    handler_register, stream_get, type_register, context_get, state_set, state_get, memory_allocate, memory_free,
    schedule, num_threads, future_create, future_set_available, future_set_error, run_id, ordinal,
};

// --- the call --------------------------------------------------------------------------------------------------------

// The attributes of a call, decoded; they point into the descriptor.
class DecodedAttributes {
 public:
  explicit DecodedAttributes(DescriptorReader &reader) {
    const int64_t count = reader.word();
    for (int64_t i = 0; i < count; ++i) {
      const int64_t *const begin = reader.position();
      const int64_t words = reader.word();
      const std::string_view key = reader.string();
      keys_.push_back(std::make_unique<ByteSpan>(ByteSpan{key.data(), key.size()}));
      names_.push_back(keys_.back().get());
      const int64_t kind = reader.word();
      types_.push_back(static_cast<int32_t>(kind));
      values_.push_back(decode(kind, reader));
      reader = DescriptorReader(begin + words);
    }
    decoded_ = {{sizeof(Attributes), nullptr}, count, types_.data(), names_.data(), values_.data()};
  }
  const Attributes &get() const { return decoded_; }

 private:
  template <typename T>
  void *keep(T value) {
    auto kept = std::make_shared<T>(std::move(value));
    void *const address = kept.get();
    kept_.push_back(std::move(kept));
    return address;
  }

  void *decode(int64_t kind, DescriptorReader &reader) {
    if (kind == kStringAttribute) {
      const std::string_view text = reader.string();
      return keep(ByteSpan{text.data(), text.size()});
    }
    if (kind == kDictionaryAttribute) {
      auto inner = std::make_shared<DecodedAttributes>(reader);
      void *const address = const_cast<Attributes *>(&inner->get());
      kept_.push_back(std::move(inner));
      return address;
    }
    const int64_t type = reader.word();
    if (kind == kScalarAttribute) return keep(Scalar{static_cast<int32_t>(type), reader.position()});
    const int64_t elements = reader.word();
    return keep(ArrayAttribute{static_cast<int32_t>(type), static_cast<size_t>(elements), reader.position()});
  }

  std::vector<std::unique_ptr<ByteSpan>> keys_;
  std::vector<const ByteSpan *> names_;
  std::vector<int32_t> types_;
  std::vector<void *> values_;
  std::vector<std::shared_ptr<void>> kept_;
  Attributes decoded_;
};

struct DecodedArrays {
  DecodedArrays(const astra_array *arrays, int64_t count) : types(count, 1) {  // 1: a buffer
    buffers.reserve(count);
    for (int64_t i = 0; i < count; ++i) {
      FfiBuffer buffer;
      buffer.struct_size = sizeof(FfiBuffer);
      buffer.extensions = nullptr;
      buffer.type = static_cast<int32_t>(arrays[i].type);
      buffer.data = arrays[i].data;
      buffer.rank = arrays[i].rank;
      buffer.dims = arrays[i].dims;
      buffers.push_back(buffer);
      addresses.push_back(&buffers.back());
    }
  }
  Arrays get() { return {{sizeof(Arrays), nullptr}, static_cast<int64_t>(buffers.size()), types.data(), addresses.data()}; }
  std::vector<int32_t> types;
  std::vector<FfiBuffer> buffers;
  std::vector<void *> addresses;
};

FfiError *run_stage(void *handler, CallFrame frame, Stage stage) {
  if (handler == nullptr) return nullptr;
  frame.stage = stage;
  if (FfiError *const failed = reinterpret_cast<Handler>(handler)(&frame)) return failed;
  if (frame.future == nullptr) return nullptr;
  const std::unique_ptr<Future> future(frame.future);
  return future->wait().release();
}

astra_status call_handler(void *user, const astra_custom_call_info *call) {
  const auto *const handlers = static_cast<const XlaHandlers *>(user);
  DescriptorReader reader(call->attributes);
  const DecodedAttributes attributes(reader);
  DecodedArrays inputs(call->inputs, call->num_inputs), outputs(call->outputs, call->num_outputs);
  Execution execution;
  // By the interface's count, the size of a frame ends before its result.
  CallFrame frame = {{sizeof(CallFrame) - sizeof(Future *), nullptr}, &kApi, &execution, kExecute, inputs.get(), outputs.get(),
                     attributes.get(), nullptr};
  CallFrame early = frame;  // the stages before execution see no arrays
  DecodedArrays none(nullptr, 0);
  early.arguments = early.results = none.get();
  std::unique_ptr<FfiError> failed(run_stage(handlers->instantiate, early, kInstantiate));
  if (failed == nullptr) failed.reset(run_stage(handlers->prepare, frame, kPrepare));
  if (failed == nullptr) failed.reset(run_stage(handlers->initialize, frame, kInitialize));
  if (failed == nullptr) failed.reset(run_stage(handlers->execute, frame, kExecute));
  if (execution.state != nullptr) {
    void (*deleter)(void *) = nullptr;
    {
      const std::lock_guard<std::mutex> lock(types_mutex);
      const auto number = static_cast<size_t>(execution.state_type) - 1;
      if (number < types().size()) deleter = types()[number].second;
    }
    if (deleter != nullptr) deleter(execution.state);
  }
  return failed == nullptr ? ASTRA_OK : astra_get_api(ASTRA_ABI_VERSION)->fail(failed->message.c_str());
}

}  // namespace

void register_xla_handler(std::string name, XlaHandlers handlers) {
  register_target(std::move(name), {&call_handler, new XlaHandlers(handlers)});  // programs may hold it for ever
}

}  // namespace astra
