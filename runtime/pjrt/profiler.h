// Traces of what the plugin does: programs compiled and run, for jax.profiler.
#ifndef ASTRA_PJRT_PROFILER_H
#define ASTRA_PJRT_PROFILER_H

#include <cstdint>
#include <string>

#include "abi.h"

namespace astra::pjrt {

// The time from its making to its end, under a name, where a trace is being made.
class Traced {
 public:
  Traced(const char *what, const std::string &name, int device);
  ~Traced();
  Traced(const Traced &) = delete;
  Traced &operator=(const Traced &) = delete;

 private:
  const char *what_;
  const std::string &name_;
  const int device_;
  const int64_t start_;  // nanoseconds since 1970; 0: no trace is being made
};

Extension *profiler_extension(Extension *next);

}  // namespace astra::pjrt

#endif
