#include "custom_calls.h"

#include <map>
#include <mutex>
#include <shared_mutex>
#include <vector>

namespace astra {

namespace {

std::shared_mutex targets_mutex;
std::map<std::string, Target, std::less<>> &targets() {
  static auto *const all = new std::map<std::string, Target, std::less<>>();  // outlives threads at exit
  return *all;
}

void read_arrays(DescriptorReader &reader, void *const *&buffers, std::vector<astra_array> &arrays) {
  const int64_t count = reader.word();
  arrays.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t type = reader.word(), rank = reader.word();
    arrays.push_back({*buffers++, type, rank, reader.words(rank)});
  }
}

}  // namespace

int64_t ffi_element_bytes(int64_t type) {
  switch (type) {
    case 3: case 7: case 10: case 16:
      return 2;
    case 4: case 8: case 11:
      return 4;
    case 5: case 9: case 12: case 15:
      return 8;
    case 18:
      return 16;
    case 0: case 17:
      return 0;
    default:
      return 1;
  }
}

void register_target(std::string name, Target target) {
  const std::unique_lock<std::shared_mutex> lock(targets_mutex);
  targets()[std::move(name)] = target;
}

bool is_registered(std::string_view name) {
  const std::shared_lock<std::shared_mutex> lock(targets_mutex);
  return targets().find(name) != targets().end();
}

astra_status custom_call(const int64_t *descriptor, void *const *buffers) {
  DescriptorReader reader(descriptor);
  const std::string_view name = reader.string();
  Target target = {};
  {
    const std::shared_lock<std::shared_mutex> lock(targets_mutex);
    const auto found = targets().find(name);
    if (found != targets().end()) target = found->second;
  }
  if (target.function == nullptr)
    return astra_get_api(ASTRA_ABI_VERSION)->fail(("there is no function '" + std::string(name) + "' for custom calls in this process").c_str());
  std::vector<astra_array> inputs, outputs;
  read_arrays(reader, buffers, inputs);
  read_arrays(reader, buffers, outputs);
  const astra_custom_call_info info = {sizeof(astra_custom_call_info), name.data(),
                                       name.size(),                    static_cast<int64_t>(inputs.size()),
                                       inputs.data(),                  static_cast<int64_t>(outputs.size()),
                                       outputs.data(),                 reader.position()};
  return target.function(target.user, &info);
}

}  // namespace astra
