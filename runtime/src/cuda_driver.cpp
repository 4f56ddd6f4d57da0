#include "cuda_driver.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>

namespace astra::cuda {

namespace {

constexpr int kOldestVersion = 12000;  // libraries of kernels and launches with attributes came with CUDA 12.0

// Fills the table; an empty text if all is well.
std::string open(Driver &driver) {
  const char *named = std::getenv("ASTRA_CUDA_DRIVER");
  const std::string file = named != nullptr && *named != 0 ? named : "libcuda.so.1";
  void *const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char *const error = dlerror();
    return "no CUDA driver: " + file + " cannot be opened (" + (error != nullptr ? error : "no reason given") +
           "); running programs for cuda targets needs an NVIDIA GPU and its driver, compiling them does not";
  }
  auto symbol = [&](const char *name) { return dlsym(library, name); };
  std::string missing;
#define ASTRA_CUDA_RESOLVE(name, symbol_name, ...)                                  \
  driver.name = reinterpret_cast<Result (*)(__VA_ARGS__)>(symbol(symbol_name));     \
  if (driver.name == nullptr && missing.empty()) missing = symbol_name;
  ASTRA_CUDA_FUNCTIONS(ASTRA_CUDA_RESOLVE)
#undef ASTRA_CUDA_RESOLVE
  if (driver.driver_version != nullptr && driver.driver_version(&driver.version) == 0 && driver.version < kOldestVersion)
    return "the CUDA driver is of version " + std::to_string(driver.version / 1000) + "." +
           std::to_string(driver.version % 1000 / 10) + "; 12.0 or newer is needed";
  if (!missing.empty()) return "the CUDA driver (" + file + ") has no function " + missing + ": it is too old";
  const Result result = driver.init(0);
  if (result != 0) return describe(driver, "the CUDA driver does not start: cuInit", result);
  return {};
}

struct Opened {
  Opened() : why(open(driver)) {}
  Driver driver;
  std::string why;
};

}  // namespace

const Driver *driver(std::string &why) {
  static const Opened opened;  // once: what is missing now will not be there later in this process
  why = opened.why;
  return opened.why.empty() ? &opened.driver : nullptr;
}

std::string describe(const Driver &driver, const char *what, Result result) {
  const char *name = nullptr, *text = nullptr;
  if (driver.error_name != nullptr) driver.error_name(result, &name);
  if (driver.error_text != nullptr) driver.error_text(result, &text);
  std::string message = std::string(what) + ": " + (name != nullptr ? name : ("error " + std::to_string(result)).c_str());
  return text != nullptr ? message + " (" + text + ")" : message;
}

}  // namespace astra::cuda
