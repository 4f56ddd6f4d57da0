// The PJRT C ABI, version 0.90, as far as this plugin takes part in it: the layout of the table of functions and of
// the structures that its callers (jaxlib) pass.  Declared here and not taken from XLA's headers, so that building the
// plugin needs none; tests/runtime/test_pjrt_abi.py compares sizes and offsets with published declarations.
//
// Every function takes one structure.  It begins with its own size, as the caller knows it, and a list of extensions;
// fields marked `out` are the callee's to fill in.  Arrays and strings that are given out live as long as the object
// they were asked of.
#ifndef ASTRA_PJRT_ABI_H
#define ASTRA_PJRT_ABI_H

#include <cstddef>
#include <cstdint>

namespace astra::pjrt {

constexpr int kMajorVersion = 0;
constexpr int kMinorVersion = 90;

// The objects that handles name; objects.h defines them.
struct Error;
struct Event;
struct Client;
struct Device;
struct Memory;
struct Topology;
struct Buffer;
struct Executable;
struct LoadedExecutable;
using DeviceDescription = Device;  // a device and what describes it are one object here

enum Code : int32_t {
  kOk = 0,
  kInvalidArgument = 3,
  kNotFound = 5,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kUnimplemented = 12,
  kInternal = 13,
};

enum ElementType : int32_t {
  kInvalid, kPred, kS8, kS16, kS32, kS64, kU8, kU16, kU32, kU64, kF16, kF32, kF64, kBF16, kC64, kC128,
  kF8E5M2, kF8E4M3FN, kF8E4M3B11FNUZ, kF8E5M2FNUZ, kF8E4M3FNUZ, kS4, kU4, kToken, kS2, kU2,
  kF8E4M3, kF8E3M4, kF8E8M0FNU, kF4E2M1FN,
};

enum HostBufferSemantics : int32_t { kOnlyDuringCall, kUntilTransferCompletes, kImmutableZeroCopy, kMutableZeroCopy };

struct Extension {
  size_t struct_size;
  int32_t type;
  Extension *next;
};
constexpr int32_t kProfilerExtension = 1, kLayoutsExtension = 4;

#define ASTRA_PJRT_HEAD \
  size_t struct_size;   \
  Extension *extensions

struct NamedValue {
  ASTRA_PJRT_HEAD;
  const char *name;
  size_t name_size;
  enum Kind : int32_t { kString, kInt64, kInt64List, kFloat, kBool } kind;
  union {
    const char *string_value;
    int64_t int64_value;
    const int64_t *int64_list_value;
    float float_value;
    bool bool_value;
  };
  size_t value_size;  // elements of a list or string, else 1
};

struct Program {
  ASTRA_PJRT_HEAD;
  char *code;  // out, where a program is asked for: null asks for the size
  size_t code_size;
  const char *format;
  size_t format_size;
};

struct TiledLayout {
  ASTRA_PJRT_HEAD;
  const int64_t *minor_to_major;
  size_t minor_to_major_size;
  const int64_t *tile_dims;
  const size_t *tile_dim_sizes;
  size_t num_tiles;
};

struct StridesLayout {
  ASTRA_PJRT_HEAD;
  const int64_t *byte_strides;
  size_t num_byte_strides;
};

struct MemoryLayout {
  ASTRA_PJRT_HEAD;
  union {
    TiledLayout tiled;
    StridesLayout strides;
  };
  enum Kind : int32_t { kTiled, kStrides } kind;
};

// --- errors and events -----------------------------------------------------------------------------------------------

struct Error_Destroy_Args { ASTRA_PJRT_HEAD; Error *error; };
struct Error_Message_Args { ASTRA_PJRT_HEAD; const Error *error; const char *message; size_t message_size; };
struct Error_GetCode_Args { ASTRA_PJRT_HEAD; const Error *error; Code code; };

using OnReady = void (*)(Error *error, void *user_arg);  // the callee owns the error
struct Event_Args { ASTRA_PJRT_HEAD; Event *event; };    // Destroy, Error, Await
struct Event_IsReady_Args { ASTRA_PJRT_HEAD; Event *event; bool is_ready; };
struct Event_OnReady_Args { ASTRA_PJRT_HEAD; Event *event; OnReady callback; void *user_arg; };
struct Event_Create_Args { ASTRA_PJRT_HEAD; Event *event; };
struct Event_Set_Args { ASTRA_PJRT_HEAD; Event *event; Code code; const char *message; size_t message_size; };

// --- plugin, client, topology ----------------------------------------------------------------------------------------

struct Plugin_Initialize_Args { ASTRA_PJRT_HEAD; };
struct Plugin_Attributes_Args { ASTRA_PJRT_HEAD; const NamedValue *attributes; size_t num_attributes; };

// What the caller has for processes that run one program together: a store that all of them see.
using CallbackError = Error *(*)(Code code, const char *message, size_t message_size);
struct KeyValueGetCallback_Args {
  ASTRA_PJRT_HEAD;
  const char *key;
  size_t key_size;
  int timeout_in_ms;
  CallbackError *callback_error;
  void *user_arg;
  char *value;        // out
  size_t value_size;  // out
  void (*value_deleter_callback)(char *value);  // out
};
struct KeyValueTryGetCallback_Args {
  ASTRA_PJRT_HEAD;
  const char *key;
  size_t key_size;
  CallbackError *callback_error;
  void *user_arg;
  char *value;        // out
  size_t value_size;  // out
  void (*value_deleter_callback)(char *value);  // out
};
struct KeyValuePutCallback_Args {
  ASTRA_PJRT_HEAD;
  const char *key;
  size_t key_size;
  const char *value;
  size_t value_size;
  CallbackError *callback_error;
  void *user_arg;
};

struct Client_Create_Args {
  ASTRA_PJRT_HEAD;
  const NamedValue *options;
  size_t num_options;
  void *kv_get;
  void *kv_get_arg;
  void *kv_put;
  void *kv_put_arg;
  Client *client;  // out
  void *kv_try_get;
  void *kv_try_get_arg;
};
struct Client_Destroy_Args { ASTRA_PJRT_HEAD; Client *client; };
struct Client_String_Args { ASTRA_PJRT_HEAD; Client *client; const char *text; size_t text_size; };
struct Client_ProcessIndex_Args { ASTRA_PJRT_HEAD; Client *client; int32_t process_index; };
struct Client_Devices_Args { ASTRA_PJRT_HEAD; Client *client; Device *const *devices; size_t num_devices; };
struct Client_LookupDevice_Args { ASTRA_PJRT_HEAD; Client *client; int32_t id; Device *device; };
struct Client_AddressableMemories_Args { ASTRA_PJRT_HEAD; Client *client; Memory *const *memories; size_t num_memories; };
struct Client_TopologyDescription_Args { ASTRA_PJRT_HEAD; Client *client; Topology *topology; };
struct Client_UpdateGlobalProcessInfo_Args { ASTRA_PJRT_HEAD; Client *client; void *process_infos; size_t num_process_infos; };

struct Client_Compile_Args {
  ASTRA_PJRT_HEAD;
  Client *client;
  const Program *program;
  const char *compile_options;  // a serialized CompileOptionsProto
  size_t compile_options_size;
  LoadedExecutable *executable;  // out
};
struct Client_DefaultDeviceAssignment_Args {
  ASTRA_PJRT_HEAD;
  Client *client;
  int32_t num_replicas;
  int32_t num_partitions;
  size_t default_assignment_size;
  int32_t *default_assignment;  // of the caller, to be filled
};
struct Client_BufferFromHostBuffer_Args {
  ASTRA_PJRT_HEAD;
  Client *client;
  const void *data;
  ElementType type;
  const int64_t *dims;
  size_t num_dims;
  const int64_t *byte_strides;  // null: dense, row-major
  size_t num_byte_strides;
  HostBufferSemantics host_buffer_semantics;
  Device *device;
  Memory *memory;  // or null
  MemoryLayout *device_layout;
  Event *done_with_host_buffer;  // out
  Buffer *buffer;                // out
};
struct Client_CreateUninitializedBuffer_Args {
  ASTRA_PJRT_HEAD;
  Client *client;
  const int64_t *dims;
  size_t num_dims;
  ElementType type;
  MemoryLayout *layout;
  Device *device;
  Memory *memory;
  Buffer *buffer;  // out
};
struct Client_CreateErrorBuffer_Args {
  ASTRA_PJRT_HEAD;
  Client *client;
  Code code;
  const char *message;
  size_t message_size;
  const int64_t *dims;
  size_t num_dims;
  ElementType type;
  MemoryLayout *layout;
  Memory *memory;
  Buffer *buffer;  // out
};
struct Client_CreateViewOfDeviceBuffer_Args {
  ASTRA_PJRT_HEAD;
  Client *client;
  void *data;
  const int64_t *dims;
  size_t num_dims;
  ElementType type;
  MemoryLayout *layout;
  Device *device;
  void (*on_delete)(void *data, void *user_arg);
  void *on_delete_arg;
  intptr_t stream;
  Buffer *buffer;  // out
  Memory *memory;
};

struct Topology_String_Args { ASTRA_PJRT_HEAD; Topology *topology; const char *text; size_t text_size; };
struct Topology_Devices_Args { ASTRA_PJRT_HEAD; Topology *topology; DeviceDescription *const *descriptions; size_t num_descriptions; };
struct Topology_Attributes_Args { ASTRA_PJRT_HEAD; Topology *topology; const NamedValue *attributes; size_t num_attributes; };
struct Topology_Destroy_Args { ASTRA_PJRT_HEAD; Topology *topology; };

// --- devices and memories --------------------------------------------------------------------------------------------

struct Device_Int_Args { ASTRA_PJRT_HEAD; Device *device; int32_t value; };  // Id, ProcessIndex, LocalHardwareId
struct Device_String_Args { ASTRA_PJRT_HEAD; Device *device; const char *text; size_t text_size; };
struct DeviceDescription_Attributes_Args { ASTRA_PJRT_HEAD; Device *device; size_t num_attributes; const NamedValue *attributes; };
struct Device_GetDescription_Args { ASTRA_PJRT_HEAD; Device *device; DeviceDescription *description; };
struct Device_IsAddressable_Args { ASTRA_PJRT_HEAD; Device *device; bool is_addressable; };
struct Device_Memories_Args { ASTRA_PJRT_HEAD; Device *device; Memory *const *memories; size_t num_memories; };
struct Device_DefaultMemory_Args { ASTRA_PJRT_HEAD; Device *device; Memory *memory; };

struct OptionalStatistic { int64_t value; bool is_set; };
struct Device_MemoryStats_Args {
  ASTRA_PJRT_HEAD;
  Device *device;
  int64_t bytes_in_use;
  OptionalStatistic peak_bytes_in_use, num_allocs, largest_alloc_size, bytes_limit, bytes_reserved, peak_bytes_reserved,
      bytes_reservable_limit, largest_free_block_bytes, pool_bytes, peak_pool_bytes;
};

struct Memory_Int_Args { ASTRA_PJRT_HEAD; Memory *memory; int32_t value; };  // Id, Kind_Id
struct Memory_String_Args { ASTRA_PJRT_HEAD; Memory *memory; const char *text; size_t text_size; };
struct Memory_Devices_Args { ASTRA_PJRT_HEAD; Memory *memory; Device *const *devices; size_t num_devices; };

// --- executables -----------------------------------------------------------------------------------------------------

struct Executable_Destroy_Args { ASTRA_PJRT_HEAD; Executable *executable; };
struct Executable_String_Args { ASTRA_PJRT_HEAD; Executable *executable; const char *text; size_t text_size; };
struct Executable_Size_Args { ASTRA_PJRT_HEAD; Executable *executable; size_t value; };  // Num*, SizeOfGeneratedCode
struct Executable_GetCostAnalysis_Args { ASTRA_PJRT_HEAD; Executable *executable; size_t num_properties; const NamedValue *properties; };
struct Executable_OutputTypes_Args { ASTRA_PJRT_HEAD; Executable *executable; ElementType *types; size_t num_types; };
struct Executable_OutputDimensions_Args {
  ASTRA_PJRT_HEAD;
  Executable *executable;
  size_t num_outputs;
  const int64_t *dims;      // out: of all outputs, one after the other
  const size_t *dim_sizes;  // out: how many each has
};
struct Executable_MemoryKinds_Args {
  ASTRA_PJRT_HEAD;
  Executable *executable;
  size_t num_outputs;
  const char *const *kinds;
  const size_t *kind_sizes;
};
struct Executable_OptimizedProgram_Args { ASTRA_PJRT_HEAD; Executable *executable; Program *program; };
struct Executable_Serialize_Args {
  ASTRA_PJRT_HEAD;
  const Executable *executable;
  const char *bytes;   // out
  size_t bytes_size;   // out
  void *owner;         // out
  void (*deleter)(void *owner);  // out
};
struct Executable_MemoryStats_Args {
  ASTRA_PJRT_HEAD;
  Executable *executable;
  int64_t generated_code, argument, output, alias, temp;
  int64_t host_generated_code, host_argument, host_output, host_alias, host_temp;
  int64_t peak_memory, total_size;
};
struct Executable_DeserializeAndLoad_Args {
  ASTRA_PJRT_HEAD;
  Client *client;
  const char *bytes;
  size_t bytes_size;
  LoadedExecutable *executable;  // out
  const char *compile_options;   // null: those serialized with it
  size_t compile_options_size;
};

struct LoadedExecutable_Args { ASTRA_PJRT_HEAD; LoadedExecutable *executable; };  // Destroy, Delete
struct LoadedExecutable_GetExecutable_Args { ASTRA_PJRT_HEAD; LoadedExecutable *loaded; Executable *executable; };
struct LoadedExecutable_Devices_Args { ASTRA_PJRT_HEAD; LoadedExecutable *executable; Device *const *devices; size_t num_devices; };
struct LoadedExecutable_IsDeleted_Args { ASTRA_PJRT_HEAD; LoadedExecutable *executable; bool is_deleted; };
struct LoadedExecutable_String_Args { ASTRA_PJRT_HEAD; LoadedExecutable *executable; const char *text; size_t text_size; };
struct LoadedExecutable_DeviceAssignment_Args {
  ASTRA_PJRT_HEAD;
  LoadedExecutable *executable;
  const char *bytes;  // out: a serialized DeviceAssignmentProto
  size_t bytes_size;
  void *owner;
  void (*deleter)(void *owner);
};

struct ExecuteOptions {
  ASTRA_PJRT_HEAD;
  void *send_callbacks;
  void *recv_callbacks;
  size_t num_send_ops;
  size_t num_recv_ops;
  int32_t launch_id;
  const int64_t *non_donatable_input_indices;
  size_t num_non_donatable_input_indices;
  void *context;
};
struct LoadedExecutable_Execute_Args {
  ASTRA_PJRT_HEAD;
  LoadedExecutable *executable;
  ExecuteOptions *options;
  Buffer *const *const *argument_lists;  // [num_devices][num_args]
  size_t num_devices;
  size_t num_args;
  Buffer **const *output_lists;  // [num_devices][num_outputs], of the caller, to be filled
  Event **device_complete_events;  // [num_devices] or null
  Device *execute_device;
};

// --- buffers ---------------------------------------------------------------------------------------------------------

struct Buffer_Args { ASTRA_PJRT_HEAD; Buffer *buffer; };  // Destroy, Delete, Increase- and DecreaseExternalReferenceCount
struct Buffer_ElementType_Args { ASTRA_PJRT_HEAD; Buffer *buffer; ElementType type; };
struct Buffer_Dimensions_Args { ASTRA_PJRT_HEAD; Buffer *buffer; const int64_t *dims; size_t num_dims; };
struct Buffer_DynamicDimensions_Args { ASTRA_PJRT_HEAD; Buffer *buffer; const size_t *indices; size_t num_indices; };
struct Buffer_GetMemoryLayout_Args { ASTRA_PJRT_HEAD; Buffer *buffer; MemoryLayout layout; };
struct Buffer_Size_Args { ASTRA_PJRT_HEAD; Buffer *buffer; size_t value; };  // OnDeviceSizeInBytes, UnsafePointer
struct Buffer_Device_Args { ASTRA_PJRT_HEAD; Buffer *buffer; Device *device; };
struct Buffer_Memory_Args { ASTRA_PJRT_HEAD; Buffer *buffer; Memory *memory; };
struct Buffer_Bool_Args { ASTRA_PJRT_HEAD; Buffer *buffer; bool value; };  // IsDeleted, IsOnCpu
struct Buffer_CopyToDevice_Args { ASTRA_PJRT_HEAD; Buffer *buffer; Device *device; Buffer *copy; };
struct Buffer_CopyToMemory_Args { ASTRA_PJRT_HEAD; Buffer *buffer; Memory *memory; Buffer *copy; };
struct Buffer_ToHostBuffer_Args {
  ASTRA_PJRT_HEAD;
  Buffer *buffer;
  MemoryLayout *host_layout;  // null: dense, row-major
  void *destination;          // null asks for the size
  size_t destination_size;
  Event *event;  // out
};
struct Buffer_CopyRawToHost_Args { ASTRA_PJRT_HEAD; Buffer *buffer; void *destination; int64_t offset; int64_t size; Event *event; };
struct Buffer_ReadyEvent_Args { ASTRA_PJRT_HEAD; Buffer *buffer; Event *event; };
struct Buffer_Pointer_Args { ASTRA_PJRT_HEAD; Buffer *buffer; void *pointer; };

// --- the layouts extension -------------------------------------------------------------------------------------------

struct LayoutHandle;
struct Layouts_Destroy_Args { ASTRA_PJRT_HEAD; LayoutHandle *layout; };
struct Layouts_Serialize_Args { ASTRA_PJRT_HEAD; LayoutHandle *layout; const char *bytes; size_t bytes_size; void *owner; void (*deleter)(void *owner); };
struct Layouts_ClientDefault_Args { ASTRA_PJRT_HEAD; void *subject; ElementType type; const int64_t *dims; size_t num_dims; LayoutHandle *layout; };
struct Layouts_Buffer_Args { ASTRA_PJRT_HEAD; Buffer *buffer; LayoutHandle *layout; };
struct Layouts_Executable_Args { ASTRA_PJRT_HEAD; Executable *executable; size_t num_layouts; LayoutHandle **layouts; };

struct LayoutsExtension {
  Extension base;
  Error *(*destroy)(Layouts_Destroy_Args *);
  Error *(*serialize)(Layouts_Serialize_Args *);
  Error *(*client_default)(Layouts_ClientDefault_Args *);
  Error *(*buffer)(Layouts_Buffer_Args *);
  Error *(*topology_default)(Layouts_ClientDefault_Args *);
  Error *(*outputs)(Layouts_Executable_Args *);
};

// --- the profiler extension; its functions have another head than PJRT's ----------------------------------------------

struct Profiler_Args { size_t struct_size; const char *options; size_t options_size; void *profiler; };
struct Profiler_Handle_Args { size_t struct_size; void *profiler; };  // Destroy, Start, Stop
struct Profiler_CollectData_Args { size_t struct_size; void *profiler; uint8_t *buffer; size_t buffer_size; };

struct ProfilerApi {
  size_t struct_size;
  void *priv;
  void (*error_destroy)(void *);
  void (*error_message)(void *);
  Error *(*error_code)(void *);
  Error *(*create)(Profiler_Args *);
  Error *(*destroy)(Profiler_Handle_Args *);
  Error *(*start)(Profiler_Handle_Args *);
  Error *(*stop)(Profiler_Handle_Args *);
  Error *(*collect)(Profiler_CollectData_Args *);
};

struct ProfilerExtension {
  Extension base;
  ProfilerApi *api;
  int64_t traceme_context_id;
};

#undef ASTRA_PJRT_HEAD

// --- the table -------------------------------------------------------------------------------------------------------

// Every function of version 0.90, in the order of the table.
#define ASTRA_PJRT_FUNCTIONS(X)                                                                                        \
  X(Error_Destroy) X(Error_Message) X(Error_GetCode) X(Plugin_Initialize) X(Plugin_Attributes) X(Event_Destroy)        \
  X(Event_IsReady) X(Event_Error) X(Event_Await) X(Event_OnReady) X(Client_Create) X(Client_Destroy)                   \
  X(Client_PlatformName) X(Client_ProcessIndex) X(Client_PlatformVersion) X(Client_Devices)                            \
  X(Client_AddressableDevices) X(Client_LookupDevice) X(Client_LookupAddressableDevice)                                \
  X(Client_AddressableMemories) X(Client_Compile) X(Client_DefaultDeviceAssignment) X(Client_BufferFromHostBuffer)     \
  X(DeviceDescription_Id) X(DeviceDescription_ProcessIndex) X(DeviceDescription_Attributes) X(DeviceDescription_Kind)  \
  X(DeviceDescription_DebugString) X(DeviceDescription_ToString) X(Device_GetDescription) X(Device_IsAddressable)      \
  X(Device_LocalHardwareId) X(Device_AddressableMemories) X(Device_DefaultMemory) X(Device_MemoryStats) X(Memory_Id)   \
  X(Memory_Kind) X(Memory_DebugString) X(Memory_ToString) X(Memory_AddressableByDevices) X(Executable_Destroy)         \
  X(Executable_Name) X(Executable_NumReplicas) X(Executable_NumPartitions) X(Executable_NumOutputs)                    \
  X(Executable_SizeOfGeneratedCodeInBytes) X(Executable_GetCostAnalysis) X(Executable_OutputMemoryKinds)               \
  X(Executable_OptimizedProgram) X(Executable_Serialize) X(LoadedExecutable_Destroy)                                   \
  X(LoadedExecutable_GetExecutable) X(LoadedExecutable_AddressableDevices) X(LoadedExecutable_Delete)                  \
  X(LoadedExecutable_IsDeleted) X(LoadedExecutable_Execute) X(Executable_DeserializeAndLoad)                           \
  X(LoadedExecutable_Fingerprint) X(Buffer_Destroy) X(Buffer_ElementType) X(Buffer_Dimensions)                         \
  X(Buffer_UnpaddedDimensions) X(Buffer_DynamicDimensionIndices) X(Buffer_GetMemoryLayout)                             \
  X(Buffer_OnDeviceSizeInBytes) X(Buffer_Device) X(Buffer_Memory) X(Buffer_Delete) X(Buffer_IsDeleted)                 \
  X(Buffer_CopyToDevice) X(Buffer_ToHostBuffer) X(Buffer_IsOnCpu) X(Buffer_ReadyEvent) X(Buffer_UnsafePointer)         \
  X(Buffer_IncreaseExternalReferenceCount) X(Buffer_DecreaseExternalReferenceCount)                                    \
  X(Buffer_OpaqueDeviceMemoryDataPointer) X(CopyToDeviceStream_Destroy) X(CopyToDeviceStream_AddChunk)                 \
  X(CopyToDeviceStream_TotalBytes) X(CopyToDeviceStream_GranuleSize) X(CopyToDeviceStream_CurrentBytes)                \
  X(TopologyDescription_Create) X(TopologyDescription_Destroy) X(TopologyDescription_PlatformName)                     \
  X(TopologyDescription_PlatformVersion) X(TopologyDescription_GetDeviceDescriptions) X(TopologyDescription_Serialize) \
  X(TopologyDescription_Attributes) X(Compile) X(Executable_OutputElementTypes) X(Executable_OutputDimensions)         \
  X(Buffer_CopyToMemory) X(Client_CreateViewOfDeviceBuffer) X(Executable_Fingerprint) X(Client_TopologyDescription)    \
  X(Executable_GetCompiledMemoryStats) X(Memory_Kind_Id) X(ExecuteContext_Create) X(ExecuteContext_Destroy)            \
  X(Buffer_CopyRawToHost) X(AsyncHostToDeviceTransferManager_Destroy)                                                  \
  X(AsyncHostToDeviceTransferManager_TransferData) X(Client_CreateBuffersForAsyncHostToDevice)                         \
  X(AsyncHostToDeviceTransferManager_RetrieveBuffer) X(AsyncHostToDeviceTransferManager_Device)                        \
  X(AsyncHostToDeviceTransferManager_BufferCount) X(AsyncHostToDeviceTransferManager_BufferSize)                       \
  X(AsyncHostToDeviceTransferManager_SetBufferError) X(AsyncHostToDeviceTransferManager_AddMetadata) X(Client_DmaMap)  \
  X(Client_DmaUnmap) X(Client_CreateUninitializedBuffer) X(Client_UpdateGlobalProcessInfo)                             \
  X(TopologyDescription_Deserialize) X(Client_CreateAliasBuffer) X(Client_FulfillAliasBuffer)                          \
  X(LoadedExecutable_GetDeviceAssignment) X(Client_CreateErrorBuffer)                                                  \
  X(AsyncHostToDeviceTransferManager_TransferLiteral) X(Buffer_CopyRawToHostFuture) X(Device_PoisonExecution)          \
  X(Device_CreateAsyncTrackingEvent) X(AsyncTrackingEvent_Destroy) X(Executable_GetCompileOptions)                     \
  X(Buffer_DonateWithControlDependency) X(Event_Create) X(Event_Set)

enum Function : size_t {
#define ASTRA_PJRT_NUMBER(name) k##name,
  ASTRA_PJRT_FUNCTIONS(ASTRA_PJRT_NUMBER)
#undef ASTRA_PJRT_NUMBER
  kNumFunctions
};

struct Version {
  size_t struct_size;
  Extension *extensions;
  int32_t major;
  int32_t minor;
};

struct Table {
  size_t struct_size;
  Extension *extensions;
  Version version;
  void *functions[kNumFunctions];
};

}  // namespace astra::pjrt

#endif
