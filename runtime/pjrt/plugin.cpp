// The table of functions that a PJRT caller gets, with a refusal by name in every place that has no function here.
#include <array>
#include <utility>

#include "objects.h"
#include "profiler.h"

namespace astra::pjrt {

namespace {

constexpr const char *kNames[] = {
#define ASTRA_PJRT_NAME(name) "PJRT_" #name,
    ASTRA_PJRT_FUNCTIONS(ASTRA_PJRT_NAME)
#undef ASTRA_PJRT_NAME
};

template <size_t index>
Error *refuse(void *) {
  return fail(kUnimplemented, std::string(kNames[index]) + " is not supported by the Astra backend");
}

template <size_t... indices>
void refuse_all(Table &table, std::index_sequence<indices...>) {
  ((table.functions[indices] = reinterpret_cast<void *>(&refuse<indices>)), ...);
}

Error *initialize(Plugin_Initialize_Args *) { return nullptr; }

Error *attributes(Plugin_Attributes_Args *args) {
  // The newest StableHLO that programs may come in.
  static constexpr int64_t kCurrent[] = {1, 17, 0}, kMinimum[] = {0, 9, 0};
  static const auto version = [](const char *name, size_t size, const int64_t *numbers) {
    NamedValue value = {sizeof(NamedValue), nullptr, name, size, NamedValue::kInt64List, {}, 3};
    value.int64_list_value = numbers;
    return value;
  };
  static const std::array<NamedValue, 2> values = {version("stablehlo_current_version", 25, kCurrent),
                                                   version("stablehlo_minimum_version", 25, kMinimum)};
  args->attributes = values.data();
  args->num_attributes = values.size();
  return nullptr;
}

struct TopologyDescription_Create_Args;

// JAX takes this message, of its own CPU backend, for the sign that there are no topologies but those of devices.
Error *create_topology(TopologyDescription_Create_Args *) {
  return fail(kUnimplemented, "topology not implemented: the Astra backend compiles for devices that are there");
}

const Table *make_table() {
  static Table table = {};
  table.struct_size = sizeof table;
  table.extensions = profiler_extension(layouts_extension());
  table.version = {sizeof(Version), nullptr, kMajorVersion, kMinorVersion};
  refuse_all(table, std::make_index_sequence<kNumFunctions>());
  put<initialize>(table, kPlugin_Initialize);
  put<attributes>(table, kPlugin_Attributes);
  put<create_topology>(table, kTopologyDescription_Create);
  register_errors_and_events(table);
  register_client(table);
  register_buffers(table);
  register_executables(table);
  return &table;
}

}  // namespace

}  // namespace astra::pjrt

extern "C" const void *GetPjrtApi(void) {
  static const astra::pjrt::Table *const table = astra::pjrt::make_table();
  return table;
}
