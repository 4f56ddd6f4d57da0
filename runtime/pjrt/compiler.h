/* What the plugin asks of the compiler: the Python package registers these functions when it registers the plugin with
 * JAX (astra_mlir/jax_backend/plugin.py).  They are called to compile and load programs, never to run them.
 */
#ifndef ASTRA_PJRT_COMPILER_H
#define ASTRA_PJRT_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#include "astra/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled program.  What it points to is copied by the plugin, but for `constants` and the code, which stay until
 * `release` is called with the handle. */
typedef struct astra_pjrt_compiled {
  size_t struct_size;
  int64_t handle;
  astra_entry_fn entry;
  int64_t arena_bytes;
  int64_t num_inputs;
  int64_t argument_bytes;
  const uint8_t *donated; /* [num_inputs]: whether the program takes the input over */
  int64_t num_constants;
  void *const *constants;
  int64_t num_outputs;
  const int32_t *output_types; /* PJRT's element types */
  const int64_t *output_bytes;
  const int64_t *output_ranks;
  const int64_t *output_dims; /* of all outputs, one after the other */
  const int64_t *output_aliases; /* of each the donated input whose memory it is written to, or -1 */
  const int32_t *output_memories; /* of each its memory: a number of one of a device's */
  int64_t num_replicas;
  int64_t num_partitions;
  const int64_t *device_ids; /* [num_replicas][num_partitions] */
  int64_t code_bytes;
  int64_t asynchronous; /* whether it does so much that the caller should not wait for it */
  int64_t exchanges;    /* whether its participants on several devices wait for each other */
  const char *name;
  size_t name_size;
  const char *fingerprint;
  size_t fingerprint_size;
  const char *program; /* StableHLO, for callers who want to look at it */
  size_t program_size;
} astra_pjrt_compiled;

/* Each returns 0, or after `astra_pjrt_fail` another value. */
typedef struct astra_pjrt_compiler {
  size_t struct_size;
  int32_t (*compile)(const char *code, size_t code_size, const char *options, size_t options_size,
                     astra_pjrt_compiled *out);
  int32_t (*serialize)(int64_t handle, const char **bytes, size_t *size); /* the bytes stay with the handle */
  int32_t (*deserialize)(const char *bytes, size_t size, const char *options, size_t options_size,
                         astra_pjrt_compiled *out);
  void (*release)(int64_t handle);
  /* How much a program does: floating-point operations, of these transcendental functions, bytes read and written. */
  int32_t (*cost)(int64_t handle, double *costs);
} astra_pjrt_compiler;

/* Null: there is no compiler any more (the interpreter ends). */
ASTRA_EXPORT void astra_pjrt_set_compiler(const astra_pjrt_compiler *compiler);

/* Waits for all that was begun: programs in queues, with what they call, and compilations. */
ASTRA_EXPORT void astra_pjrt_finish(void);

/* What goes wrong in a function of the compiler: PJRT's error code and a message, for this thread. */
ASTRA_EXPORT void astra_pjrt_fail(int32_t code, const char *message, size_t size);

/* The plugin's table, as PJRT's callers look it up. */
ASTRA_EXPORT const void *GetPjrtApi(void);

#ifdef __cplusplus
}
#endif

#endif
