// Machine code in this process: links position-independent ELF objects, as LLVM emits them, with each other and with the
// runtime.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace astra {

// What is wrong with an object, or what it needs that is not there.
struct LoadError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Bytes {
  const unsigned char *data;
  uint64_t size;
};

// The address of a symbol that no object defines, or null.
using Resolver = void *(*)(const char *name);

// The linked objects' code and data, in one mapping, for as long as this lives.  Code is never writable and executable at
// once.
class LoadedCode {
public:
  LoadedCode(const std::vector<Bytes> &objects, Resolver resolve);  // throws LoadError, std::bad_alloc
  ~LoadedCode();
  LoadedCode(const LoadedCode &) = delete;
  LoadedCode &operator=(const LoadedCode &) = delete;

  void *address(std::string_view symbol) const;  // of a global symbol; null if there is none

private:
  void *base_ = nullptr;
  uint64_t size_ = 0;
  std::map<std::string, void *, std::less<>> globals_;
};

}  // namespace astra
