/* The native runtime's C interface: what generated code, the Python package and embedders call.
 *
 * One versioned table (`astra_get_api`) holds every function; each struct begins with its own size, so that a newer
 * library serves an older caller.  Nothing throws across this boundary: functions that can fail return a status, and
 * `last_error` gives its message for the calling thread.
 *
 * Besides the table there are the symbols that generated code links against: `astra_parallel_for`, `astra_custom_call`,
 * `astra_exchange`, `astra_participant` and the conversions to 16-bit floats that LLVM calls on processors that have no
 * instruction for them.
 */
#ifndef ASTRA_RUNTIME_H
#define ASTRA_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ASTRA_EXPORT __attribute__((visibility("default")))
#else
#define ASTRA_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define ASTRA_ABI_VERSION 1u
#define ASTRA_ALIGNMENT 64u /* bytes; of every buffer and arena that the runtime hands out */

typedef enum astra_status {
  ASTRA_OK = 0,
  ASTRA_INVALID_ARGUMENT = 1,
  ASTRA_OUT_OF_MEMORY = 2,
  ASTRA_UNSUPPORTED_VERSION = 3,
  ASTRA_FAILED = 4, /* a function that a program calls by name has failed */
  ASTRA_CANNOT_LOAD = 5, /* code that is damaged, or needs what this machine does not have */
  ASTRA_UNAVAILABLE = 6  /* no driver, or no such device */
} astra_status;

/* Owns a thread pool and the pool of buffers. */
typedef struct astra_context astra_context;

typedef struct astra_context_options {
  size_t struct_size;
  int64_t num_threads; /* threads of a parallel loop, the caller's included; 0: what the process may use */
  int64_t cache_bytes; /* free buffers kept for reuse; negative: the default (1 GiB) */
} astra_context_options;

/* One task range [begin, end) of a parallel loop. */
typedef void (*astra_task_fn)(void *context, int64_t begin, int64_t end);

/* A compiled function: inputs in order (flattened arguments, then hoisted constants), outputs allocated by the
 * caller, and scratch memory of the size that the compiler planned. */
typedef void (*astra_entry_fn)(void **inputs, void **outputs, void *arena);

/* The participants of a program that runs on several devices at once, each in a call of its own. */
typedef struct astra_team astra_team;

/* A message between a participant of this process and one of another. */
typedef struct astra_message {
  int64_t other; /* the participant in the other process */
  int64_t sent;  /* 1: `data` goes there; 0: what comes from there is put into `data` */
  void *data;
  int64_t bytes;
} astra_message;

/* How a team reaches its participants in other processes. */
typedef struct astra_link {
  size_t struct_size;
  void *user;
  const uint8_t *here; /* of each participant: whether it is in this process; copied */
  /* Sends and receives what `participant` has in one collective operation; returns when all is done.  Messages from one
   * participant to another arrive in the order in which they are sent.  To fail, it calls `fail` of the table and
   * returns what that gives. */
  astra_status (*transfer)(void *user, int64_t participant, const astra_message *messages, int64_t num_messages);
} astra_link;

typedef struct astra_call {
  size_t struct_size;
  astra_entry_fn entry;
  void **inputs;
  void **outputs;
  int64_t arena_bytes;
  int64_t num_threads; /* threads of its parallel loops; 0: the context's */
  /* --- later than the rest: a caller whose struct_size does not cover these has no team --- */
  astra_team *team;    /* NULL: it exchanges nothing with other calls */
  int64_t participant; /* which of the team this call is, from 0 on; the others run on other threads */
} astra_call;

/* An array that a custom call reads or writes: dense, row-major elements of one of XLA's FFI types (`xla/ffi/api`). */
typedef struct astra_array {
  void *data;
  int64_t type;
  int64_t rank;
  const int64_t *dims;
} astra_array;

/* A call that a compiled program makes by name.  `attributes` are encoded as runtime/src/custom_calls.h says. */
typedef struct astra_custom_call_info {
  size_t struct_size;
  const char *target;
  size_t target_size;
  int64_t num_inputs;
  const astra_array *inputs;
  int64_t num_outputs;
  const astra_array *outputs;
  const int64_t *attributes;
} astra_custom_call_info;

/* A function that programs call by name.  To fail, it calls `fail` of the table and returns what that gives. */
typedef astra_status (*astra_target_fn)(void *user, const astra_custom_call_info *call);

typedef struct astra_memory_stats {
  size_t struct_size;
  int64_t live_bytes;   /* handed out now, arenas of running calls included */
  int64_t peak_bytes;   /* the most that was ever handed out at once */
  int64_t cached_bytes; /* free, kept for reuse */
} astra_memory_stats;

/* Memory whose contents do not change any more once it is shared: arguments and results.  Counted references: whoever
 * creates or retains one releases it; the last release frees it. */
typedef struct astra_buffer astra_buffer;

/* Called once when memory that is not the runtime's own is not needed any more, on whichever thread that happens. */
typedef void (*astra_release_fn)(void *owner);

typedef struct astra_bytes {
  const void *data;
  int64_t size;
} astra_bytes;

/* Machine code in this process.  Counted references. */
typedef struct astra_code astra_code;

/* A compiled function, for the CPU or a GPU, from a file that `Executable.save` wrote.  Counted references. */
typedef struct astra_function astra_function;

typedef struct astra_function_info {
  size_t struct_size;
  const char *name;   /* text here and below lives as long as the function */
  const char *target; /* what it was compiled for: triple:processor:features, or cuda:sm_90a */
  int64_t num_inputs;
  int64_t num_outputs;
  int64_t arena_bytes;
} astra_function_info;

/* An argument or result: a row-major array. */
typedef struct astra_array_info {
  size_t struct_size;
  const char *name;         /* what the function's author calls it */
  const char *element_type; /* NumPy's name: float32, int8, bfloat16, bool (a byte), complex64, ... */
  int64_t rank;
  const int64_t *shape;
  int64_t bytes;
} astra_array_info;

/* --- NVIDIA GPUs.  The driver is opened when the first of these functions is called; without one they give
 * ASTRA_UNAVAILABLE and `last_error` says why.  All work of a device runs in order on one stream of the runtime. --- */

typedef struct astra_gpu_device_info {
  size_t struct_size;
  char name[128];
  int64_t capability; /* 10 * major + minor: 90 for Hopper */
  int64_t multiprocessors;
  int64_t total_bytes;
  int64_t shared_bytes;   /* the most of one program of a grid */
  int64_t driver_version; /* 1000 * major + 10 * minor */
} astra_gpu_device_info;

#define ASTRA_GPU_MAX_RANK 5

/* A descriptor of an array in device memory, by which kernels copy blocks of it (TMA).  It is encoded at the launch and
 * handed over behind the parameters.  Dimension 0 is the innermost. */
typedef struct astra_gpu_tensor_map {
  int64_t parameter;    /* which of the launch's parameters is the array's address */
  int64_t element_type; /* the driver's number: 0 u8, 1 u16, 2 u32, 3 i32, 4 u64, 5 i64, 6 f16, 7 f32, 8 f64, 9 bf16, ... */
  int64_t rank;
  int64_t sizes[ASTRA_GPU_MAX_RANK];   /* in elements */
  int64_t strides[ASTRA_GPU_MAX_RANK]; /* in bytes; the first is not used */
  int64_t box[ASTRA_GPU_MAX_RANK];     /* of one copy */
  int64_t swizzle;                     /* 0 none, 1 to 3: 32, 64, 128 bytes */
  /* Bit i: sizes[i] (strides[i]: bit 8 + i) is the number of a parameter, an integer of 64 bits (a stride in elements). */
  int64_t from_parameters;
  int64_t element_bytes;
} astra_gpu_tensor_map;

enum { ASTRA_GPU_OVERLAPS = 1 }; /* a kernel that may begin before the one before it has ended, and waits itself */

typedef struct astra_gpu_kernel {
  size_t struct_size;
  const char *name;      /* in the module */
  int64_t threads;       /* of one program of the grid */
  int64_t shared_bytes;  /* dynamic */
  int64_t cluster[3];    /* programs of a cluster along each axis; 0 or 1: none */
  int64_t flags;
  int64_t num_parameters; /* without tensor maps */
  int64_t num_tensor_maps;
  const astra_gpu_tensor_map *tensor_maps;
  int64_t grid[3]; /* of every launch, whatever it asks for; 0: what it asks for */
} astra_gpu_kernel;

/* Kernels on one device. */
typedef struct astra_gpu_module astra_gpu_module;

/* Replayed as a graph when it is called again with the same addresses: a program that reads nothing back. */
enum { ASTRA_GPU_STRAIGHT_LINE = 1 };

typedef struct astra_gpu_call {
  size_t struct_size;
  astra_gpu_module *module; /* whose kernels the entry launches, by their number */
  astra_entry_fn entry;     /* native code; all addresses that it gets are of device memory */
  int64_t num_inputs;
  int64_t num_outputs;
  void **inputs;
  void **outputs;
  int64_t arena_bytes;
  int64_t flags;
  void *stream; /* of the caller (CUstream): what it did before is waited for, and it waits for this.  NULL: no waiting */
} astra_gpu_call;

typedef enum astra_gpu_direction { ASTRA_GPU_TO_DEVICE = 0, ASTRA_GPU_TO_HOST = 1, ASTRA_GPU_WITHIN = 2 } astra_gpu_direction;

typedef struct astra_gpu_event astra_gpu_event;

#define ASTRA_GPU_ALL_STREAMS ((void *)-1)

typedef struct astra_api {
  size_t struct_size;
  uint32_t abi_version;

  astra_status (*context_create)(const astra_context_options *options, astra_context **context);
  void (*context_destroy)(astra_context *context); /* no call may be running in it */
  astra_context *(*context_default)(void);          /* one for the process, made on first use, never destroyed */

  int64_t (*get_num_threads)(astra_context *context);
  astra_status (*set_num_threads)(astra_context *context, int64_t num_threads); /* 0: what the process may use */

  /* Memory aligned to ASTRA_ALIGNMENT, not initialised; NULL when there is none. */
  void *(*allocate)(astra_context *context, int64_t bytes);
  void (*deallocate)(astra_context *context, void *memory);
  void (*memory_stats)(astra_context *context, astra_memory_stats *stats);
  void (*release_cached)(astra_context *context);

  /* Run tasks [0, count) on the context's pool with `num_threads` threads (0: the context's), the caller being one of
   * them; returns when all are done. */
  void (*parallel_for)(astra_context *context, astra_task_fn body, void *body_context, int64_t count,
                       int64_t num_threads);
  /* Run a compiled function; `astra_parallel_for` called inside uses this context. */
  astra_status (*execute)(astra_context *context, const astra_call *call);

  const char *(*last_error)(void);

  /* The function that custom calls of this name run, for the whole process; a later one replaces an earlier one. */
  astra_status (*register_target)(const char *name, astra_target_fn function, void *user);
  /* The same for a handler of XLA's FFI (a bundle of version 0.1 to 0.3; only `execute` is required). */
  astra_status (*register_xla_handler)(const char *name, void *instantiate, void *prepare, void *initialize,
                                       void *execute);
  /* Sets this thread's `last_error` and gives back ASTRA_FAILED. */
  astra_status (*fail)(const char *message);

  /* --- later than the rest: check that struct_size covers what you use --- */

  /* A buffer of the context's pool, for its creator to fill before anyone else has it.  The context must outlive it. */
  astra_status (*buffer_create)(astra_context *context, int64_t bytes, astra_buffer **buffer);
  /* A buffer over memory of the caller, aligned to its elements, which stays and does not change until `release(owner)`;
   * `release` may be NULL for memory that outlives the buffer anyway. */
  astra_status (*buffer_from_memory)(void *memory, int64_t bytes, astra_release_fn release, void *owner,
                                     astra_buffer **buffer);
  void (*buffer_retain)(astra_buffer *buffer);
  void (*buffer_release)(astra_buffer *buffer); /* NULL is passed over */
  void *(*buffer_data)(astra_buffer *buffer);
  int64_t (*buffer_size)(astra_buffer *buffer);

  /* Link position-independent ELF objects of this machine with each other, the runtime and the process. The bytes may go
   * afterwards.  ASTRA_CANNOT_LOAD names what is wrong: a symbol, a relocation, a damaged table. */
  astra_status (*code_load)(const astra_bytes *objects, int64_t num_objects, astra_code **code);
  void *(*code_address)(astra_code *code, const char *symbol); /* NULL when there is no such symbol */
  void (*code_retain)(astra_code *code);
  void (*code_release)(astra_code *code);

  /* Load a saved function.  The bytes may go afterwards.  ASTRA_CANNOT_LOAD when the file is damaged or of another
   * version, or the processor lacks something that the code needs. */
  astra_status (*function_load)(const astra_bytes *file, astra_function **function);
  void (*function_retain)(astra_function *function);
  void (*function_release)(astra_function *function);
  void (*function_info)(astra_function *function, astra_function_info *info); /* set info->struct_size before */
  astra_status (*function_input)(astra_function *function, int64_t index, astra_array_info *info);
  astra_status (*function_output)(astra_function *function, int64_t index, astra_array_info *info);
  /* Run on one buffer for each input; `outputs` gets a new buffer for each output, to be released by the caller.  Sizes
   * are checked.  Any number of threads may call one function at once. */
  astra_status (*function_call)(astra_function *function, astra_context *context, astra_buffer *const *inputs,
                                astra_buffer **outputs, int64_t num_threads);

  /* A team for one run of a program, or one after the other: `num_participants` calls of `execute`, each on a thread of
   * its own.  When one fails, those that wait for it fail with its message; `team_abort` does the same from outside. */
  astra_status (*team_create)(int64_t num_participants, astra_team **team);
  void (*team_abort)(astra_team *team, const char *message);
  void (*team_destroy)(astra_team *team); /* no call may be running in it */

  astra_status (*gpu_device_count)(int64_t *count);
  astra_status (*gpu_device_info)(int64_t device, astra_gpu_device_info *info); /* set info->struct_size before */
  /* Memory in the order of the device's stream: freed memory is used again without waiting. */
  astra_status (*gpu_allocate)(int64_t device, int64_t bytes, void **memory);
  astra_status (*gpu_deallocate)(int64_t device, void *memory);
  /* A copy to the host waits until it is done; the others do not, so host memory must stay until `gpu_synchronize`. */
  astra_status (*gpu_copy)(int64_t device, void *target, const void *source, int64_t bytes, astra_gpu_direction direction);
  astra_status (*gpu_synchronize)(int64_t device); /* gives the error of a kernel that has failed */
  /* Load a cubin.  The bytes may go afterwards.  ASTRA_CANNOT_LOAD when the device cannot run it. */
  astra_status (*gpu_module_load)(int64_t device, const astra_bytes *image, const astra_gpu_kernel *kernels,
                                  int64_t num_kernels, astra_gpu_module **module);
  void (*gpu_module_release)(astra_gpu_module *module);
  /* One launch of a module's kernel: an address of each parameter's value. */
  astra_status (*gpu_launch)(astra_gpu_module *module, int64_t kernel, const int64_t grid[3], void *const *parameters);
  /* Run a compiled program; returns when its work is in the stream. */
  astra_status (*gpu_execute)(astra_context *context, const astra_gpu_call *call);
  astra_status (*gpu_event_record)(int64_t device, astra_gpu_event **event);
  astra_status (*gpu_event_elapsed)(astra_gpu_event *from, astra_gpu_event *to, double *milliseconds); /* waits */
  void (*gpu_event_release)(astra_gpu_event *event);
  /* A team of which this process runs some participants and other processes the rest.  The link outlives the team. */
  astra_status (*team_create_linked)(int64_t num_participants, const astra_link *link, astra_team **team);
  /* The stream of the runtime on a device (CUstream). */
  astra_status (*gpu_stream)(int64_t device, void **stream);
  /* gpu_launch on a stream of the caller (CUstream; NULL: the legacy default stream), which no other stream waits for. */
  astra_status (*gpu_launch_on)(astra_gpu_module *module, int64_t kernel, const int64_t grid[3], void *const *parameters,
                                void *stream);
  /* What comes later in one stream waits for what is in the other one now. */
  astra_status (*gpu_order)(int64_t device, void *earlier, void *later);
  /* Until all of a stream is done, or with ASTRA_GPU_ALL_STREAMS of all streams of the device. */
  astra_status (*gpu_wait)(int64_t device, void *stream);
  /* The device whose memory an address is in; ASTRA_INVALID_ARGUMENT for one that is not known to the driver. */
  astra_status (*gpu_pointer_device)(const void *memory, int64_t *device);
  /* Run a saved function for a GPU on addresses in a device's memory, multiples of 16: one for each input and output, of the
   * sizes that function_input and function_output give.  Returns when the work is in the order of the device's stream, after
   * what is in `stream` (CUstream; NULL: none) now; what comes later in that waits for it.  Inputs do not change.
   * function_call runs such functions, too, on memory of the host and device 0. */
  astra_status (*function_call_device)(astra_function *function, int64_t device, void *const *inputs, void *const *outputs,
                                       void *stream);
} astra_api;

/* The table for `abi_version`, or NULL when this library does not implement that version. */
ASTRA_EXPORT const astra_api *astra_get_api(uint32_t abi_version);

/* For generated code: tasks [0, count) on the pool of the context whose `execute` is running on this thread (else of
 * the default context).  Inside a task it runs inline.  Tasks may run in any order and ranges of any length, so
 * results are the same for any number of threads as long as each task writes its own part. */
ASTRA_EXPORT void astra_parallel_for(astra_task_fn body, void *context, int64_t count);

/* For generated code: the custom call that a descriptor (runtime/src/custom_calls.h) describes, on the addresses of its
 * inputs and then its outputs.  A failure ends in `execute`; until then further calls do nothing. */
ASTRA_EXPORT void astra_custom_call(const int64_t *descriptor, void *const *buffers);

/* For generated code: which participant the running call is. */
ASTRA_EXPORT int64_t astra_participant(void);

/* For generated code, outside of parallel loops: gives the others of its team `buffers[0]` and fills `buffers[1]` with
 * what the descriptor (runtime/src/team.h) says.  When the team fails, the call ends here. */
ASTRA_EXPORT void astra_exchange(const int64_t *descriptor, void *const *buffers);

/* For generated code of programs for GPUs.  After a failure the call ends here, and `gpu_execute` gives its message.
 * `astra_gpu_launch` launches a kernel of the call's module; `astra_gpu_read` brings bytes to the host, when what was
 * launched before is done; `astra_gpu_write` puts up to eight bytes, a power of two, into device memory. */
ASTRA_EXPORT void astra_gpu_launch(int64_t kernel, const int64_t *grid, void *const *parameters);
ASTRA_EXPORT void astra_gpu_read(void *host, const void *device, int64_t bytes);
ASTRA_EXPORT void astra_gpu_write(void *device, int64_t bits, int64_t bytes);

#ifdef __cplusplus
}
#endif

#endif
