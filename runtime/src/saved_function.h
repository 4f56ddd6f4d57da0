// A compiled function as `Executable.save` writes it: code, signature, constants, and what it needs of a processor.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "astra/runtime.h"
#include "elf_loader.h"
#include "gpu_function.h"

namespace astra {

struct ArrayType {
  std::string name, element_type;
  std::vector<int64_t> shape;
  int64_t bytes = 0;
};

struct SavedFunction {
  std::string name, target;
  int64_t arena_bytes = 0;
  std::vector<ArrayType> inputs, outputs;
  std::vector<std::shared_ptr<void>> constants;
  std::vector<int64_t> constant_bytes;
  std::vector<int64_t> aliases;  // for each output the input whose memory it takes over, or -1; empty: none does
  std::unique_ptr<LoadedCode> code;
  astra_entry_fn entry = nullptr;
  std::unique_ptr<GpuPart> gpu;  // null: the code runs on the CPU
};

// Reads a file's bytes, which may go afterwards.  Throws LoadError for what is no such file, is damaged, or needs what is
// not here; std::bad_alloc.
std::unique_ptr<SavedFunction> read_saved_function(Bytes file, Resolver resolve);

}  // namespace astra
