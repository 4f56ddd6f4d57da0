/* Runs a function for an NVIDIA GPU from a file that Python wrote, on memory of the device, with no Python in the process:
 *
 *   >>> astra.compile(f, x, y, target="cuda:sm_90a").save("f.astra")
 *   $ cc -std=c11 -I runtime/include run_saved_gpu.c -o run_saved_gpu -L build/runtime -lastra_runtime \
 *       -Wl,-rpath,$PWD/build/runtime
 *   $ ./run_saved_gpu f.astra x.bin y.bin
 *
 * Arguments are raw row-major files; each result goes to a file result.N in the working directory.  The function is called
 * several times on the same memory, as a program would that keeps its arrays on the device, and timed by events.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "astra/runtime.h"

enum { kDevice = 0, kCalls = 10, kMost = 64 };

static const astra_api *api;

/* Ends the process where a call of the interface failed. */
static void check(astra_status status, const char *what) {
  if (status == ASTRA_OK) return;
  fprintf(stderr, "run_saved_gpu: %s: %s\n", what, api->last_error());
  exit(1);
}

static void end(const char *what) {
  perror(what);
  exit(1);
}

static void *read_file(const char *path, int64_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (*size = ftell(file)) < 0) end(path);
  rewind(file);
  void *bytes = malloc((size_t)*size + 1);
  if (bytes == NULL || fread(bytes, 1, (size_t)*size, file) != (size_t)*size) end(path);
  fclose(file);
  return bytes;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: run_saved_gpu FUNCTION.astra [ARGUMENT.bin ...]\n");
    return 2;
  }
  api = astra_get_api(ASTRA_ABI_VERSION);
  if (api == NULL || api->struct_size < sizeof *api) {
    fprintf(stderr, "run_saved_gpu: the runtime library is older than this program\n");
    return 1;
  }
  astra_bytes file = {0};
  void *content = read_file(argv[1], &file.size);
  file.data = content;
  astra_function *function = NULL;
  check(api->function_load(&file, &function), argv[1]);
  free(content);
  astra_function_info info = {.struct_size = sizeof info};
  api->function_info(function, &info);
  astra_gpu_device_info device = {.struct_size = sizeof device};
  check(api->gpu_device_info(kDevice, &device), "gpu_device_info");
  printf("%s for %s on %s\n", info.name, info.target, device.name);
  if (argc - 2 != info.num_inputs || info.num_inputs > kMost || info.num_outputs > kMost) {
    fprintf(stderr, "run_saved_gpu: %s takes %" PRId64 " arguments\n", info.name, info.num_inputs);
    return 1;
  }

  void *inputs[kMost] = {0}, *outputs[kMost] = {0};
  astra_array_info array = {.struct_size = sizeof array};
  for (int64_t i = 0; i < info.num_inputs; ++i) {
    int64_t size = 0;
    void *bytes = read_file(argv[2 + i], &size);
    check(api->function_input(function, i, &array), "function_input");
    if (size != array.bytes) {
      fprintf(stderr, "run_saved_gpu: %s: expected %" PRId64 " bytes\n", array.name, array.bytes);
      return 1;
    }
    check(api->gpu_allocate(kDevice, size, &inputs[i]), "gpu_allocate");
    check(api->gpu_copy(kDevice, inputs[i], bytes, size, ASTRA_GPU_TO_DEVICE), "gpu_copy");
    check(api->gpu_synchronize(kDevice), "gpu_synchronize"); /* the copy is done: its source may go */
    free(bytes);
  }
  for (int64_t i = 0; i < info.num_outputs; ++i) {
    check(api->function_output(function, i, &array), "function_output");
    check(api->gpu_allocate(kDevice, array.bytes, &outputs[i]), "gpu_allocate");
  }

  check(api->function_call_device(function, kDevice, inputs, outputs, NULL), "function_call_device");
  check(api->function_call_device(function, kDevice, inputs, outputs, NULL), "function_call_device"); /* is recorded */
  astra_gpu_event *before = NULL, *after = NULL;
  check(api->gpu_event_record(kDevice, &before), "gpu_event_record");
  for (int i = 0; i < kCalls; ++i) check(api->function_call_device(function, kDevice, inputs, outputs, NULL), "function_call_device");
  check(api->gpu_event_record(kDevice, &after), "gpu_event_record");
  double milliseconds = 0;
  check(api->gpu_event_elapsed(before, after, &milliseconds), "gpu_event_elapsed");
  printf("%.4f ms a call\n", milliseconds / kCalls);

  for (int64_t i = 0; i < info.num_outputs; ++i) {
    char path[32];
    snprintf(path, sizeof path, "result.%" PRId64, i);
    check(api->function_output(function, i, &array), "function_output");
    void *bytes = malloc((size_t)array.bytes + 1);
    FILE *result = fopen(path, "wb");
    if (bytes == NULL || result == NULL) end(path);
    check(api->gpu_copy(kDevice, bytes, outputs[i], array.bytes, ASTRA_GPU_TO_HOST), "gpu_copy");
    if (fwrite(bytes, 1, (size_t)array.bytes, result) != (size_t)array.bytes || fclose(result) != 0) end(path);
    free(bytes);
  }
  for (int64_t i = 0; i < info.num_inputs; ++i) check(api->gpu_deallocate(kDevice, inputs[i]), "gpu_deallocate");
  for (int64_t i = 0; i < info.num_outputs; ++i) check(api->gpu_deallocate(kDevice, outputs[i]), "gpu_deallocate");
  api->gpu_event_release(before);
  api->gpu_event_release(after);
  api->function_release(function);
  return 0;
}
