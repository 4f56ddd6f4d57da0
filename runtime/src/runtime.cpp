// The C interface: its table, contexts, their registration for fork, and running compiled functions.
#include "handles.h"

#include <pthread.h>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "custom_calls.h"
#include "gpu.h"
#include "team.h"

using astra::fail;

namespace {

constexpr int64_t kDefaultCacheBytes = int64_t{1} << 30;

thread_local std::string last_error_message;

// The `execute` that runs on this thread.
struct Current {
  astra_context *context = nullptr;
  int64_t threads = 0;
  astra_status status = ASTRA_OK;  // of a custom call or an exchange that failed; its message is the last error
  astra_team *team = nullptr;
  int64_t participant = 0;
  std::jmp_buf *leave = nullptr;  // with a team: out of the compiled code
};
thread_local Current current;

// Contexts that exist, so that the child of a fork can repair each.
std::mutex registry_mutex;
std::vector<astra_context *> registry;

void before_fork() {
  registry_mutex.lock();
  for (astra_context *context : registry) {
    context->threads.mutex().lock();
    context->buffers.mutex().lock();
  }
}

void after_fork_in_parent() {
  for (astra_context *context : registry) {
    context->buffers.mutex().unlock();
    context->threads.mutex().unlock();
  }
  registry_mutex.unlock();
}

void after_fork_in_child() {
  for (astra_context *context : registry) {
    context->buffers.mutex().unlock();
    context->threads.mutex().unlock();
    context->threads.reset_after_fork();
  }
  registry_mutex.unlock();
}

void register_context(astra_context *context) {
  static const int registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  (void)registered;
  const std::lock_guard<std::mutex> lock(registry_mutex);
  registry.push_back(context);
}

astra_status context_create(const astra_context_options *options, astra_context **context) {
  if (context == nullptr) return fail(ASTRA_INVALID_ARGUMENT, "context_create: no place for the result");
  if (options != nullptr && options->struct_size < sizeof(astra_context_options))
    return fail(ASTRA_UNSUPPORTED_VERSION, "context_create: options of an unknown version");
  const int64_t threads = options == nullptr ? 0 : options->num_threads;
  const int64_t cache = options == nullptr ? -1 : options->cache_bytes;
  if (threads < 0) return fail(ASTRA_INVALID_ARGUMENT, "context_create: num_threads is negative");
  try {
    auto made = std::make_unique<astra_context>(threads == 0 ? astra::available_processors() : threads,
                                                cache < 0 ? kDefaultCacheBytes : cache);
    register_context(made.get());
    *context = made.release();
    return ASTRA_OK;
  } catch (const std::bad_alloc &) {
    return fail(ASTRA_OUT_OF_MEMORY, "context_create: out of memory");
  }
}

void context_destroy(astra_context *context) {
  if (context == nullptr) return;
  {
    const std::lock_guard<std::mutex> lock(registry_mutex);
    registry.erase(std::remove(registry.begin(), registry.end(), context), registry.end());
  }
  delete context;
}

astra_context *context_default() {
  static astra_context *const context = [] {
    astra_context *made = nullptr;
    context_create(nullptr, &made);
    return made;
  }();
  return context;
}

int64_t get_num_threads(astra_context *context) { return context->threads.num_threads(); }

astra_status set_num_threads(astra_context *context, int64_t num_threads) {
  if (num_threads < 0) return fail(ASTRA_INVALID_ARGUMENT, "set_num_threads: the number is negative");
  context->threads.set_num_threads(num_threads == 0 ? astra::available_processors() : num_threads);
  return ASTRA_OK;
}

void *allocate(astra_context *context, int64_t bytes) {
  try {
    return bytes < 0 ? nullptr : context->buffers.allocate(bytes);
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

void deallocate(astra_context *context, void *memory) {
  try {
    context->buffers.deallocate(memory);
  } catch (const std::bad_alloc &) {
    // no memory to note the buffer as free: it stays allocated
  }
}

void memory_stats(astra_context *context, astra_memory_stats *stats) {
  const auto now = context->buffers.stats();
  stats->live_bytes = now.live;
  stats->peak_bytes = now.peak;
  stats->cached_bytes = now.cached;
}

void release_cached(astra_context *context) { context->buffers.release_cached(); }

void parallel_for(astra_context *context, astra_task_fn body, void *body_context, int64_t count, int64_t num_threads) {
  context->threads.run(body, body_context, count, num_threads);
}

// The code of a participant.  One that fails does not go on: a loop that ends when the others say so would never end.
// Compiled code has nothing to clean up, so it is left by a jump.
void enter_in_team(const astra_call *call, void *arena) {
  std::jmp_buf leave;
  current.leave = &leave;
  call->team->begin(call->participant);
  if (setjmp(leave) == 0) call->entry(call->inputs, call->outputs, arena);
  call->team->end(call->participant);
}

// After a failure whose message is the last error.
void leave_code(astra_status status) {
  current.status = status;
  if (current.team == nullptr) return;
  current.team->abort(last_error_message);
  std::longjmp(*current.leave, 1);
}

// False after a failure whose message is the last error.
bool exchange(const int64_t *descriptor, const char *input, char *output) {
  try {
    const bool alone = current.team == nullptr;
    const astra::Exchange exchange(descriptor, alone ? 1 : current.team->size, alone ? 0 : current.participant);
    if (!exchange.takes_part) {
      exchange.fill_with_zeros(output);
    } else if (alone) {
      exchange.copy({input}, output);
    } else if (!current.team->exchange(current.participant, exchange, input, output)) {
      fail(ASTRA_FAILED, current.team->why().c_str());
      return false;
    }
    return true;
  } catch (const std::exception &error) {
    fail(ASTRA_FAILED, error.what());
    return false;
  }
}

astra_status execute(astra_context *context, const astra_call *call) {
  if (call->struct_size < offsetof(astra_call, team)) return fail(ASTRA_UNSUPPORTED_VERSION, "execute: a call of an unknown version");
  if (call->entry == nullptr) return fail(ASTRA_INVALID_ARGUMENT, "execute: the call has no entry");
  const bool old = call->struct_size < sizeof(astra_call);
  astra_team *const team = old ? nullptr : call->team;
  if (team != nullptr && (call->participant < 0 || call->participant >= team->size))
    return fail(ASTRA_INVALID_ARGUMENT, "execute: the team has no such participant");
  void *arena = nullptr;
  if (call->arena_bytes > 0) {
    arena = allocate(context, call->arena_bytes);
    if (arena == nullptr) {
      if (team != nullptr) team->abort("execute: no memory for the arena");
      return fail(ASTRA_OUT_OF_MEMORY, "execute: no memory for the arena");
    }
  }
  const Current outer = current;
  current = {context, call->num_threads, ASTRA_OK, team, old ? 0 : call->participant, nullptr};
  if (team == nullptr) call->entry(call->inputs, call->outputs, arena);
  else enter_in_team(call, arena);
  const astra_status status = current.status;
  current = outer;
  deallocate(context, arena);
  return status;
}

const char *last_error() { return last_error_message.c_str(); }

astra_status fail_call(const char *message) { return fail(ASTRA_FAILED, message); }

astra_status register_target(const char *name, astra_target_fn function, void *user) {
  if (name == nullptr || function == nullptr) return fail(ASTRA_INVALID_ARGUMENT, "register_target: no name or no function");
  try {
    astra::register_target(name, {function, user});
    return ASTRA_OK;
  } catch (const std::bad_alloc &) {
    return fail(ASTRA_OUT_OF_MEMORY, "register_target: out of memory");
  }
}

astra_status register_xla_handler(const char *name, void *instantiate, void *prepare, void *initialize, void *execute) {
  if (name == nullptr || execute == nullptr) return fail(ASTRA_INVALID_ARGUMENT, "register_xla_handler: no name or no handler");
  try {
    astra::register_xla_handler(name, {instantiate, prepare, initialize, execute});
    return ASTRA_OK;
  } catch (const std::bad_alloc &) {
    return fail(ASTRA_OUT_OF_MEMORY, "register_xla_handler: out of memory");
  }
}

constexpr astra_api kApi = {
    sizeof(astra_api), ASTRA_ABI_VERSION, context_create, context_destroy, context_default, get_num_threads,
    set_num_threads,   allocate,          deallocate,     memory_stats,    release_cached,  parallel_for,
    execute,           last_error,        register_target, register_xla_handler, fail_call,
    astra::buffer_create, astra::buffer_from_memory, astra::buffer_retain, astra::buffer_release, astra::buffer_data,
    astra::buffer_size, astra::code_load, astra::code_address, astra::code_retain, astra::code_release,
    astra::function_load, astra::function_retain, astra::function_release, astra::function_info, astra::function_input,
    astra::function_output, astra::function_call,
    astra::team_create, astra::team_abort, astra::team_destroy,
    astra::gpu_device_count, astra::gpu_device_info, astra::gpu_allocate, astra::gpu_deallocate, astra::gpu_copy,
    astra::gpu_synchronize, astra::gpu_module_load, astra::gpu_module_release, astra::gpu_launch, astra::gpu_execute,
    astra::gpu_event_record, astra::gpu_event_elapsed, astra::gpu_event_release,
    astra::team_create_linked,
    astra::gpu_stream, astra::gpu_launch_on, astra::gpu_order, astra::gpu_wait, astra::gpu_pointer_device,
    astra::function_call_device,
};

}  // namespace

astra_status astra::fail(astra_status status, const char *message) {
  try {
    last_error_message = message;
  } catch (const std::bad_alloc &) {
    last_error_message.clear();
  }
  return status;
}

astra_status astra::execute(astra_context *context, const astra_call *call) { return ::execute(context, call); }

const char *astra::last_error() { return ::last_error(); }

extern "C" {

const astra_api *astra_get_api(uint32_t abi_version) { return abi_version == ASTRA_ABI_VERSION ? &kApi : nullptr; }

void astra_parallel_for(astra_task_fn body, void *context, int64_t count) {
  astra_context *const owner = current.context != nullptr ? current.context : context_default();
  owner->threads.run(body, context, count, current.threads);
}

void astra_custom_call(const int64_t *descriptor, void *const *buffers) {
  if (current.status != ASTRA_OK) return;
  astra_status status = ASTRA_OK;
  try {
    if (astra::custom_call(descriptor, buffers) != ASTRA_OK) status = ASTRA_FAILED;
  } catch (const std::bad_alloc &) {
    status = fail(ASTRA_OUT_OF_MEMORY, "a custom call: no memory");
  } catch (const std::exception &error) {
    status = fail(ASTRA_FAILED, error.what());
  }
  if (status != ASTRA_OK) leave_code(status);
}

int64_t astra_participant(void) { return current.participant; }

void astra_exchange(const int64_t *descriptor, void *const *buffers) {
  if (current.status != ASTRA_OK) return;
  if (!exchange(descriptor, static_cast<const char *>(buffers[0]), static_cast<char *>(buffers[1]))) leave_code(ASTRA_FAILED);
}
}
