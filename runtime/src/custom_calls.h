// Functions that compiled programs call by name.
//
// A program has a descriptor for each call, made by passes/kernel_rules/call_descriptor.py, in 64-bit words:
//
//   descriptor  = string target, array* inputs, array* outputs, dictionary
//   string      = bytes, the characters padded to whole words
//   array*      = how many, and for each: type, rank, dims...
//   dictionary  = how many entries, and for each: words of the entry from here to its end, string key, value
//   value       = kind, then by kind (XLA's numbers)
//     1 array      type, elements, their bytes padded to whole words
//     2 dictionary
//     3 scalar     type, its bytes padded to whole words
//     4 string
#ifndef ASTRA_CUSTOM_CALLS_H
#define ASTRA_CUSTOM_CALLS_H

#include <string>
#include <string_view>

#include "astra/runtime.h"

namespace astra {

struct Target {
  astra_target_fn function;
  void *user;
};

struct XlaHandlers {
  void *instantiate, *prepare, *initialize, *execute;
};

enum AttributeKind : int64_t { kArrayAttribute = 1, kDictionaryAttribute, kScalarAttribute, kStringAttribute };

// Reads a descriptor from front to back.
class DescriptorReader {
 public:
  explicit DescriptorReader(const int64_t *words) : words_(words) {}
  int64_t word() { return *words_++; }
  const int64_t *words(int64_t count) {
    const int64_t *const first = words_;
    words_ += count;
    return first;
  }
  const void *bytes(int64_t count) { return words((count + 7) / 8); }
  std::string_view string() {
    const int64_t size = word();
    return {static_cast<const char *>(bytes(size)), static_cast<size_t>(size)};
  }
  const int64_t *position() const { return words_; }

 private:
  const int64_t *words_;
};

// Bytes of an element of XLA's FFI types; 0 for none of them.
int64_t ffi_element_bytes(int64_t type);

void register_target(std::string name, Target target);
void register_xla_handler(std::string name, XlaHandlers handlers);
bool is_registered(std::string_view name);
astra_status custom_call(const int64_t *descriptor, void *const *buffers);

}  // namespace astra

#endif
