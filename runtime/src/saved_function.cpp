// The format (numbers are little-endian and of 64 bits):
//
//   magic "ASTRAFN1" | size of the file | CRC-32 of all that follows | number of parts
//   of each part: kind | offset | size
//   the parts, each at a multiple of 64
//
// A function for a GPU has as its code that of the host, which launches kernels; what Python has of its own is not read.
//
// Parts come in any order, those of a kind in that of the signature.  The writer is astra_mlir/saved.py.
#include "saved_function.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "cpu_features.h"
#include "custom_calls.h"

namespace astra {

namespace {

enum Kind : uint64_t {
  kName = 1, kTarget, kFeatures, kArena, kInput, kOutput, kObject, kConstant, kAliases, kCallTarget, kGpuTarget, kGpuImage, kGpuKernel, kPython,
};

constexpr char kMagic[] = "ASTRAFN1";
constexpr uint64_t kHeaderBytes = 32;

[[noreturn]] void refuse(const std::string &what) { throw LoadError("the saved function cannot be loaded: " + what); }

// Reads numbers and text one after the other; refuses to read past the end.
class Reader {
public:
  explicit Reader(Bytes bytes) : at_(bytes.data), left_(bytes.size) {}
  uint64_t number() {
    uint64_t value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  int64_t size() {
    const uint64_t value = number();
    if (value > uint64_t{1} << 60) refuse("it has an impossible size");
    return static_cast<int64_t>(value);
  }
  std::string text() {
    const uint64_t length = number();
    return {reinterpret_cast<const char *>(take(length)), length};
  }

private:
  const unsigned char *take(uint64_t bytes) {
    if (bytes > left_) refuse("it ends too early");
    const unsigned char *const taken = at_;
    at_ += bytes;
    left_ -= bytes;
    return taken;
  }
  const unsigned char *at_;
  uint64_t left_;
};

// zlib's CRC-32, eight bytes at a time.
uint32_t crc32(Bytes bytes) {
  static const auto tables = [] {
    std::vector<std::vector<uint32_t>> made(8, std::vector<uint32_t>(256));
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
      made[0][i] = value;
    }
    for (size_t t = 1; t < 8; ++t)
      for (size_t i = 0; i < 256; ++i) made[t][i] = made[t - 1][i] >> 8 ^ made[0][made[t - 1][i] & 0xff];
    return made;
  }();
  uint32_t value = ~uint32_t{0};
  uint64_t i = 0;
  for (; i + 8 <= bytes.size; i += 8) {
    uint64_t next;
    std::memcpy(&next, bytes.data + i, sizeof next);
    next ^= value;
    value = 0;
    for (size_t t = 0; t < 8; ++t) value ^= tables[7 - t][next >> 8 * t & 0xff];
  }
  for (; i < bytes.size; ++i) value = value >> 8 ^ tables[0][(value ^ bytes.data[i]) & 0xff];
  return ~value;
}

ArrayType read_type(Bytes part) {
  Reader reader(part);
  ArrayType type;
  type.name = reader.text();
  type.element_type = reader.text();
  type.bytes = reader.size();
  const int64_t rank = reader.size();
  for (int64_t i = 0; i < rank; ++i) type.shape.push_back(reader.size());
  return type;
}

std::vector<int64_t> read_aliases(Bytes part) {
  Reader reader(part);
  std::vector<int64_t> aliases;
  for (uint64_t i = 0; i < part.size / sizeof(int64_t); ++i) aliases.push_back(static_cast<int64_t>(reader.number()));
  return aliases;
}

GpuKernelPart read_kernel(Bytes part) {
  Reader reader(part);
  GpuKernelPart made;
  auto next = [&] { return static_cast<int64_t>(reader.number()); };
  auto all = [&](auto &numbers) {
    for (int64_t &number : numbers) number = next();
  };
  made.name = reader.text();
  astra_gpu_kernel &kernel = made.kernel;
  kernel.threads = next();
  kernel.shared_bytes = next();
  all(kernel.cluster);
  all(kernel.grid);
  kernel.flags = next();
  kernel.num_parameters = next();
  const int64_t count = reader.size();
  if (count > 64) refuse("a kernel has too many tensor maps");
  for (int64_t i = 0; i < count; ++i) {
    astra_gpu_tensor_map map = {};
    map.parameter = next();
    map.element_type = next();
    map.rank = next();
    all(map.sizes);
    all(map.strides);
    all(map.box);
    map.swizzle = next();
    map.from_parameters = next();
    map.element_bytes = next();
    if (map.rank < 1 || map.rank > ASTRA_GPU_MAX_RANK || map.parameter < 0 || map.parameter >= kernel.num_parameters)
      refuse("a kernel has an impossible tensor map");
    made.maps.push_back(map);
  }
  return made;
}

std::string text_of(Bytes part) { return {reinterpret_cast<const char *>(part.data), part.size}; }

std::shared_ptr<void> copy_of(Bytes part) {
  const uint64_t size = (part.size / ASTRA_ALIGNMENT + 1) * ASTRA_ALIGNMENT;
  std::shared_ptr<void> memory(std::aligned_alloc(ASTRA_ALIGNMENT, size), std::free);
  if (!memory) throw std::bad_alloc();
  std::memcpy(memory.get(), part.data, part.size);
  return memory;
}

void check_aliases(const SavedFunction &saved) {
  if (!saved.aliases.empty() && saved.aliases.size() != saved.outputs.size()) refuse("it has aliases of other outputs");
  for (size_t i = 0; i < saved.aliases.size(); ++i) {
    const int64_t input = saved.aliases[i];
    if (input < -1 || input >= static_cast<int64_t>(saved.inputs.size())) refuse("it has an alias of no input");
    if (input >= 0 && saved.inputs[static_cast<size_t>(input)].bytes != saved.outputs[i].bytes)
      refuse("it has an alias of another size");
  }
}

void check_processor(const std::string &target, const std::string &features) {
  const std::string machine = target.substr(0, target.find('-'));
  if (machine != architecture()) refuse("it is code for " + machine + ", and this machine is " + std::string(architecture()));
  const std::string missing = missing_features(features);
  if (!missing.empty()) refuse("this processor lacks " + missing);
}

}  // namespace

std::unique_ptr<SavedFunction> read_saved_function(Bytes file, Resolver resolve) {
  if (file.size < kHeaderBytes || std::memcmp(file.data, kMagic, 7) != 0) refuse("it is not a file of Astra");
  if (file.data[7] != kMagic[7]) refuse("it is of another version of the format");
  Reader header({file.data + 8, file.size - 8});
  if (header.number() != file.size) refuse("it is not complete");
  const uint64_t checksum = header.number();
  if (checksum != crc32({file.data + 24, file.size - 24})) refuse("its checksum is wrong: it is damaged");
  const uint64_t count = header.number();

  auto saved = std::make_unique<SavedFunction>();
  std::string features;
  std::vector<Bytes> objects;
  auto gpu = [&] {
    if (!saved->gpu) saved->gpu = std::make_unique<GpuPart>();
    return saved->gpu.get();
  };
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t kind = header.number(), offset = header.number(), size = header.number();
    if (offset > file.size || size > file.size - offset) refuse("a part lies outside of it");
    const Bytes part = {file.data + offset, size};
    switch (kind) {
      case kName: saved->name = text_of(part); break;
      case kTarget: saved->target = text_of(part); break;
      case kFeatures: features = text_of(part); break;
      case kArena: saved->arena_bytes = Reader(part).size(); break;
      case kInput: saved->inputs.push_back(read_type(part)); break;
      case kOutput: saved->outputs.push_back(read_type(part)); break;
      case kObject: objects.push_back(part); break;
      case kConstant:
        saved->constants.push_back(copy_of(part));
        saved->constant_bytes.push_back(static_cast<int64_t>(part.size));
        break;
      case kGpuTarget: {
        Reader reader(part);
        gpu()->straight_line = reader.number() != 0;
        gpu()->target = reader.text();
        break;
      }
      case kGpuImage: gpu()->image.assign(part.data, part.data + part.size); break;
      case kGpuKernel: gpu()->kernels.push_back(read_kernel(part)); break;
      case kPython: break;
      case kCallTarget:
        if (!is_registered(text_of(part)))
          refuse("it calls '" + text_of(part) + "', and no function of this name is registered in this process");
        break;
      case kAliases: saved->aliases = read_aliases(part); break;
      default: refuse("it has a part of unknown kind " + std::to_string(kind));
    }
  }
  check_aliases(*saved);
  check_processor(saved->target, features);
  if (saved->gpu) saved->target = saved->gpu->target;
  if (saved->gpu && saved->target.empty()) refuse("it has kernels for no GPU");
  saved->code = std::make_unique<LoadedCode>(objects, resolve);
  const std::string symbol = "astra_entry_" + saved->name;
  saved->entry = reinterpret_cast<astra_entry_fn>(saved->code->address(symbol));
  if (saved->entry == nullptr) refuse("its code has no symbol " + symbol);
  return saved;
}

}  // namespace astra
