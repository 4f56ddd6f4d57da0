/* Runs a compiled function from a file that Python wrote, with no Python in the process:
 *
 *   >>> astra.compile(f, x, y).save("f.astra")
 *   $ cc -std=c11 -I runtime/include run_saved.c -o run_saved -L build/runtime -lastra_runtime \
 *       -Wl,-rpath,$PWD/build/runtime
 *   $ ./run_saved f.astra x.bin y.bin
 *
 * Arguments are raw row-major files, one for each argument of the function; each result goes to a file result.N in the
 * working directory.  Without arguments it prints the signature.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "astra/runtime.h"

static const astra_api *api;

static int failed(const char *what) {
  fprintf(stderr, "run_saved: %s: %s\n", what, api->last_error());
  return 1;
}

/* The bytes of a file, to be freed; NULL when it cannot be read. */
static void *read_file(const char *path, int64_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  void *bytes = NULL;
  if (fseek(file, 0, SEEK_END) == 0 && (*size = ftell(file)) >= 0) {
    rewind(file);
    bytes = malloc((size_t)*size + 1);
    if (bytes != NULL && fread(bytes, 1, (size_t)*size, file) != (size_t)*size) {
      free(bytes);
      bytes = NULL;
    }
  }
  fclose(file);
  return bytes;
}

static void print_array(const char *what, const astra_array_info *info) {
  printf("%s %s: %s[", what, info->name, info->element_type);
  for (int64_t i = 0; i < info->rank; ++i) printf(i == 0 ? "%" PRId64 : ",%" PRId64, info->shape[i]);
  printf("]\n");
}

static int print_signature(astra_function *function, const astra_function_info *info) {
  astra_array_info array = {.struct_size = sizeof array};
  printf("%s for %s\n", info->name, info->target);
  for (int64_t i = 0; i < info->num_inputs; ++i) {
    if (api->function_input(function, i, &array) != ASTRA_OK) return failed("function_input");
    print_array("input", &array);
  }
  for (int64_t i = 0; i < info->num_outputs; ++i) {
    if (api->function_output(function, i, &array) != ASTRA_OK) return failed("function_output");
    print_array("output", &array);
  }
  return 0;
}

static int write_result(int64_t number, astra_buffer *result) {
  char path[32];
  snprintf(path, sizeof path, "result.%" PRId64, number);
  FILE *file = fopen(path, "wb");
  if (file == NULL) return 1;
  const size_t size = (size_t)api->buffer_size(result);
  const int wrong = fwrite(api->buffer_data(result), 1, size, file) != size;
  return fclose(file) != 0 || wrong;
}

static int run(astra_context *context, astra_function *function, const astra_function_info *info, char **paths) {
  astra_buffer **inputs = calloc((size_t)info->num_inputs + 1, sizeof *inputs);
  astra_buffer **outputs = calloc((size_t)info->num_outputs + 1, sizeof *outputs);
  int wrong = inputs == NULL || outputs == NULL;
  for (int64_t i = 0; i < info->num_inputs && !wrong; ++i) {
    int64_t size = 0;
    void *bytes = read_file(paths[i], &size);
    if (bytes == NULL) {
      perror(paths[i]);
      wrong = 1;
    } else if (api->buffer_from_memory(bytes, size, free, bytes, &inputs[i]) != ASTRA_OK) {
      free(bytes);
      wrong = failed("buffer_from_memory");
    }
  }
  if (!wrong && api->function_call(function, context, inputs, outputs, 0) != ASTRA_OK) wrong = failed("function_call");
  for (int64_t i = 0; i < info->num_outputs && !wrong; ++i) wrong = write_result(i, outputs[i]);
  for (int64_t i = 0; inputs != NULL && i < info->num_inputs; ++i) api->buffer_release(inputs[i]);
  for (int64_t i = 0; outputs != NULL && i < info->num_outputs; ++i) api->buffer_release(outputs[i]);
  free(inputs);
  free(outputs);
  return wrong;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: run_saved FUNCTION.astra [ARGUMENT.bin ...]\n");
    return 2;
  }
  api = astra_get_api(ASTRA_ABI_VERSION);
  if (api == NULL || api->struct_size < sizeof *api) {
    fprintf(stderr, "run_saved: the runtime library is older than this program\n");
    return 1;
  }
  astra_bytes file = {0};
  void *content = read_file(argv[1], &file.size);
  if (content == NULL) {
    perror(argv[1]);
    return 1;
  }
  file.data = content;
  astra_function *function = NULL;
  const astra_status status = api->function_load(&file, &function);
  free(content);
  if (status != ASTRA_OK) return failed(argv[1]);

  astra_function_info info = {.struct_size = sizeof info};
  api->function_info(function, &info);
  int wrong = 0;
  if (argc == 2) {
    wrong = print_signature(function, &info);
  } else if (argc - 2 != info.num_inputs) {
    fprintf(stderr, "run_saved: %s takes %" PRId64 " arguments\n", info.name, info.num_inputs);
    wrong = 1;
  } else {
    const astra_context_options options = {.struct_size = sizeof options, .num_threads = 0, .cache_bytes = -1};
    astra_context *context = NULL;
    if (api->context_create(&options, &context) != ASTRA_OK) wrong = failed("context_create");
    if (!wrong) wrong = run(context, function, &info, argv + 2);
    api->context_destroy(context);
  }
  api->function_release(function);
  return wrong;
}
