// Compiled programs: made by the registered compiler, run by the runtime.
//
// A program that does little, with inputs that are there, runs on the caller's thread; others go to their device's
// queue and their results are pending.
#include <cstring>
#include <unordered_map>
#include <utility>

#include "objects.h"
#include "profiler.h"
#include "wire.h"

namespace astra::pjrt {

namespace {

std::mutex compiler_mutex;
astra_pjrt_compiler compiler_functions = {};
bool has_compiler = false;

thread_local int32_t failure_code = kInternal;
thread_local std::string failure_message;

astra_pjrt_compiler compiler() {
  const std::lock_guard<std::mutex> lock(compiler_mutex);
  return has_compiler ? compiler_functions : astra_pjrt_compiler{};
}

Error *no_compiler() {
  return fail(kFailedPrecondition, "astra: no compiler is registered (is the interpreter ending? import astra_mlir.jax_backend.plugin)");
}

template <typename T>
std::vector<T> listed(const T *first, int64_t count) {
  return count > 0 ? std::vector<T>(first, first + count) : std::vector<T>();
}

std::shared_ptr<CompiledProgram> program_of(Client *client, const astra_pjrt_compiled &given) {
  auto program = std::make_shared<CompiledProgram>();
  program->client = client;
  program->argument_bytes = given.argument_bytes;
  program->handle = given.handle;
  program->entry = given.entry;
  program->arena_bytes = given.arena_bytes;
  program->code_bytes = given.code_bytes;
  program->num_replicas = given.num_replicas;
  program->num_partitions = given.num_partitions;
  program->asynchronous = given.asynchronous != 0;
  program->exchanges = given.exchanges != 0;
  program->donated = listed(given.donated, given.num_inputs);
  program->constants = listed(given.constants, given.num_constants);
  for (int64_t i = 0; i < given.num_outputs; ++i) {
    program->types.push_back(static_cast<ElementType>(given.output_types[i]));
    program->ranks.push_back(static_cast<size_t>(given.output_ranks[i]));
    program->bytes.push_back(given.output_bytes[i]);
    program->aliases.push_back(given.output_aliases[i]);
    const int32_t number = given.output_memories[i];
    const std::string &kind = client->memories[number]->kind;  // the memories of the first device come first
    program->memories.push_back(number);
    program->memory_kinds.push_back(kind.c_str());
    program->memory_kind_sizes.push_back(kind.size());
  }
  int64_t num_dims = 0;
  for (const size_t rank : program->ranks) num_dims += static_cast<int64_t>(rank);
  program->dims = listed(given.output_dims, num_dims);
  program->device_ids = listed(given.device_ids, given.num_replicas * given.num_partitions);
  program->name.assign(given.name, given.name_size);
  program->fingerprint.assign(given.fingerprint, given.fingerprint_size);
  program->program.assign(given.program, given.program_size);
  for (const size_t rank : program->ranks) program->layouts.push_back(row_major_layout(rank));
  return program;
}

// Messages of the program's teams to participants in other processes.
astra_status transfer(void *user, int64_t participant, const astra_message *messages, int64_t num_messages) {
  const auto &program = *static_cast<const CompiledProgram *>(user);
  const int64_t mine = program.participants[participant]->id;
  std::vector<Message> carried;
  for (int64_t i = 0; i < num_messages; ++i) {
    const astra_message &message = messages[i];
    const Device &other = *program.participants[message.other];
    const bool sent = message.sent != 0;
    carried.push_back({other.process_index, sent ? mine : other.id, sent ? other.id : mine, sent, message.data, message.bytes});
  }
  try {
    program.client->processes->transfer(carried);
    return ASTRA_OK;
  } catch (const std::exception &error) {
    return program.client->api->fail(error.what());
  }
}

void link_processes(CompiledProgram &program, size_t num_here) {
  if (num_here == program.participants.size()) return;
  program.link = std::make_unique<astra_link>(astra_link{sizeof(astra_link), &program, program.here.data(), transfer});
}

Error *loaded(Client *client, const astra_pjrt_compiled &given, LoadedExecutable *&out) {
  auto executable = std::make_unique<LoadedExecutable>();
  executable->program = executable->described = program_of(client, given);
  for (const int64_t id : executable->program->device_ids) {
    if (id < 0 || id >= static_cast<int64_t>(client->devices.size()))
      return fail(kInvalidArgument, "astra: the program is for device " + std::to_string(id) + ", and there are " +
                                        std::to_string(client->devices.size()));
    Device *const device = client->devices[id];
    CompiledProgram &program = *executable->program;
    if (device->here) {
      executable->devices.push_back(device);
      executable->participants.push_back(static_cast<int64_t>(program.here.size()));
    }
    program.participants.push_back(device);
    program.here.push_back(device->here);
  }
  link_processes(*executable->program, executable->devices.size());
  out = executable.release();
  return nullptr;
}

Error *failure() { return fail(static_cast<Code>(failure_code), failure_message); }

Error *compile(Client_Compile_Args *args) {
  const Busy busy;
  const astra_pjrt_compiler functions = compiler();
  if (functions.compile == nullptr) return no_compiler();
  const std::string format(args->program->format, args->program->format_size);
  if (format != "mlir") return fail(kUnimplemented, "astra: programs of format '" + format + "' are not supported, only MLIR");
  astra_pjrt_compiled compiled = {};
  compiled.struct_size = sizeof compiled;
  std::string name = "a program that failed";
  const Traced traced("compile ", name, -1);
  if (functions.compile(args->program->code, args->program->code_size, args->compile_options, args->compile_options_size,
                        &compiled) != 0)
    return failure();
  name.assign(compiled.name, compiled.name_size);
  return loaded(args->client, compiled, args->executable);
}

Error *deserialize(Executable_DeserializeAndLoad_Args *args) {
  const Busy busy;
  const astra_pjrt_compiler functions = compiler();
  if (functions.deserialize == nullptr) return no_compiler();
  astra_pjrt_compiled compiled = {};
  compiled.struct_size = sizeof compiled;
  if (functions.deserialize(args->bytes, args->bytes_size, args->compile_options, args->compile_options_size, &compiled) != 0)
    return failure();
  return loaded(args->client, compiled, args->executable);
}

Error *serialize(Executable_Serialize_Args *args) {
  const astra_pjrt_compiler functions = compiler();
  if (functions.serialize == nullptr) return no_compiler();
  const char *bytes = nullptr;
  size_t size = 0;
  if (functions.serialize(args->executable->program->handle, &bytes, &size) != 0) return failure();
  auto *const copy = new std::string(bytes, size);
  args->bytes = copy->data();
  args->bytes_size = copy->size();
  args->owner = copy;
  args->deleter = [](void *owner) { delete static_cast<std::string *>(owner); };
  return nullptr;
}

// --- running ---------------------------------------------------------------------------------------------------------

// One run of a program on one device: what it reads and writes, held until it is over (by the queue, where it is put
// there).  Inputs are counted as used
// directly from the time they are put here, and as used in the queue after `enter_queue`.
struct Run {
  Run(std::shared_ptr<CompiledProgram> program, const Device *device) : program(std::move(program)), device(device->id) {}
  Run(const Run &) = delete;
  Run &operator=(const Run &) = delete;
  ~Run() {
    for (const StoragePtr &input : inputs) --(queued ? input->queued : input->direct);
    if (queued)
      for (const StoragePtr &output : outputs) --output->queued;
    for (const auto &copied : copies) --(queued ? copied.first->queued : copied.first->direct);
  }

  std::shared_ptr<CompiledProgram> program;
  const int device;
  bool queued = false;
  std::vector<bool> given;          // inputs that the program takes over in this run
  std::vector<PendingPtr> awaited;  // inputs that are not there yet, or never will be
  std::vector<StoragePtr> inputs, outputs;
  std::vector<std::pair<StoragePtr, size_t>> copies;  // what an input is a copy of, once it is there

  void enter_queue() {
    for (const StoragePtr &input : inputs) ++input->queued, --input->direct;
    for (const auto &copied : copies) ++copied.first->queued, --copied.first->direct;
    for (const StoragePtr &output : outputs) ++output->queued;
    queued = true;
  }

  // Waits for the inputs; the error of one that never comes.
  std::unique_ptr<Error> await() const {
    for (const PendingPtr &input : awaited) {
      input->wait();
      if (Error *error = input->error()) return std::unique_ptr<Error>(error);
    }
    return nullptr;
  }

  std::unique_ptr<Error> execute(astra_team *team, int64_t participant) const {
    const Traced traced("", program->name, device);
    for (const auto &[from, input] : copies) std::memcpy(inputs[input]->data, from->data, from->bytes);
    const Client *const client = program->client;
    std::vector<void *> addresses;
    addresses.reserve(inputs.size() + program->constants.size() + outputs.size() + 2);
    for (const StoragePtr &input : inputs) addresses.push_back(input->data);
    for (void *constant : program->constants) addresses.push_back(constant);
    const size_t first_output = addresses.size();
    for (const StoragePtr &output : outputs) addresses.push_back(output->data);
    addresses.push_back(nullptr);
    astra_call call = {sizeof(astra_call), program->entry, addresses.data(), addresses.data() + first_output,
                       program->arena_bytes, 0, team, participant};
    const astra_status status = client->api->execute(client->context, &call);
    if (status == ASTRA_OK) return nullptr;
    return std::unique_ptr<Error>(
        fail(status == ASTRA_OUT_OF_MEMORY ? kResourceExhausted : kInternal, client->api->last_error()));
  }
};

bool may_take(const ExecuteOptions *options, size_t input) {
  if (options == nullptr) return true;
  for (size_t i = 0; i < options->num_non_donatable_input_indices; ++i)
    if (options->non_donatable_input_indices[i] == static_cast<int64_t>(input)) return false;
  return true;
}

// Refuses a call in which a buffer that is given away is also another argument.
Error *check_given(const std::vector<bool> &given, Buffer *const *arguments) {
  std::unordered_map<const Buffer *, size_t> taken;
  for (size_t i = 0; i < given.size(); ++i)
    if (given[i]) taken.emplace(arguments[i], i);
  if (taken.empty()) return nullptr;
  for (size_t i = 0; i < given.size(); ++i) {
    const auto found = taken.find(arguments[i]);
    if (found != taken.end() && found->second != i)
      return fail(kInvalidArgument, "Attempt to use a buffer that is donated in the same call to Execute(): arguments " +
                                        std::to_string(found->second) + " and " + std::to_string(i) +
                                        " are one array");
  }
  return nullptr;
}

// The inputs of a run, which can still be refused.
Error *prepare(Run &run, const ExecuteOptions *options, Buffer *const *arguments, size_t num_arguments) {
  const CompiledProgram &program = *run.program;
  if (num_arguments != program.donated.size())
    return fail(kInvalidArgument, "astra: " + program.name + " takes " + std::to_string(program.donated.size()) +
                                      " arguments, got " + std::to_string(num_arguments));
  run.inputs.reserve(num_arguments);
  for (size_t i = 0; i < num_arguments; ++i) {
    StoragePtr input = arguments[i]->share_with_run();
    if (input == nullptr)
      return fail(kInvalidArgument, "Array has been deleted: argument " + std::to_string(i) + " of " + program.name);
    run.inputs.push_back(std::move(input));
    const PendingPtr &pending = arguments[i]->pending;
    if (pending != nullptr && !(pending->done() && pending->succeeded())) run.awaited.push_back(pending);
  }
  run.given.resize(num_arguments);
  for (size_t i = 0; i < num_arguments; ++i) run.given[i] = program.donated[i] && may_take(options, i);
  return check_given(run.given, arguments);
}

// Takes over what is given and makes places for the results.  Says whether the run must wait in its device's queue: what
// is overwritten may still be read by programs in there.
bool take_over(Run &run, Buffer *const *arguments) {
  const CompiledProgram &program = *run.program;
  const size_t num_arguments = run.given.size();
  for (size_t i = 0; i < num_arguments; ++i)
    if (run.given[i]) arguments[i]->take();
  for (size_t i = 0; i < program.bytes.size(); ++i) {
    const int64_t alias = program.aliases[i];
    if (alias < 0) {
      run.outputs.push_back(Storage::allocate(program.client, program.bytes[i]));
      continue;
    }
    // Where others see the argument's memory, or it was not given, the program works on a copy.
    StoragePtr &input = run.inputs[alias];
    if (!run.given[alias] || !input->writable()) {
      StoragePtr copy = Storage::allocate(program.client, input->bytes);
      ++copy->direct;
      run.copies.push_back({std::exchange(input, std::move(copy)), static_cast<size_t>(alias)});
    }
    run.outputs.push_back(input);
  }
  bool queued = !run.awaited.empty();
  for (size_t i = 0; i < num_arguments; ++i) queued = queued || (run.given[i] && run.inputs[i]->queued.load() > 0);
  return queued;
}

void give_results(const Run &run, Device *device, const PendingPtr &pending, Buffer **results, Event **complete) {
  const CompiledProgram &program = *run.program;
  const int64_t *dims = program.dims.data();
  for (size_t i = 0; i < run.outputs.size(); dims += program.ranks[i++]) {
    Memory *const memory = device->memories[program.memories[i]];
    results[i] = new Buffer(memory, program.types[i], dims, program.ranks[i], run.outputs[i], pending);
  }
  if (complete != nullptr) *complete = new Event{pending};
}

// A run that waits for no other: on this thread, or in its device's queue.
Error *run_alone(const std::shared_ptr<Run> &run, int64_t participant, Device *device, Buffer *const *arguments,
                 Buffer **results, Event **complete) {
  if (!(take_over(*run, arguments) || run->program->asynchronous)) {
    if (std::unique_ptr<Error> error = run->execute(nullptr, participant)) return error.release();
    give_results(*run, device, nullptr, results, complete);
    return nullptr;
  }
  const auto pending = std::make_shared<Pending>();
  give_results(*run, device, pending, results, complete);
  run->enter_queue();
  device->queue.wait_for_room();
  device->queue.push([run, participant, pending] {
    std::unique_ptr<Error> error = run->await();
    if (error == nullptr) error = run->execute(nullptr, participant);
    pending->finish(std::move(error));  // what waits to be copied is copied before the run lets go of it
  });
  return nullptr;
}

// The runs of one program on several devices at once.  They end together: with one error for all when one fails.
struct TeamRun {
  TeamRun(const CompiledProgram &program, size_t num_here) : client(program.client), linked(program.link != nullptr), unfinished(num_here) {
    const auto size = static_cast<int64_t>(program.participants.size());
    if (client->api->team_create_linked(size, program.link.get(), &team) != ASTRA_OK) throw std::bad_alloc();
  }
  TeamRun(const TeamRun &) = delete;
  TeamRun &operator=(const TeamRun &) = delete;
  ~TeamRun() { client->api->team_destroy(team); }

  void participate(const Run &run, int64_t participant) {
    std::unique_ptr<Error> failed = run.await();
    if (failed != nullptr) client->api->team_abort(team, failed->message.c_str());
    else failed = run.execute(team, participant);
    if (failed != nullptr) {
      if (linked) client->processes->fail(failed->message);
      const std::lock_guard<std::mutex> lock(mutex);
      if (error == nullptr) error = std::move(failed);
    }
    if (unfinished.fetch_sub(1) == 1) pending->finish(std::move(error));
  }

  const Client *const client;
  const bool linked;  // to other processes
  astra_team *team = nullptr;
  const PendingPtr pending = std::make_shared<Pending>();
  std::atomic<size_t> unfinished;
  std::mutex mutex;  // of error
  std::unique_ptr<Error> error;
};

Error *execute(LoadedExecutable_Execute_Args *args) {
  const std::shared_ptr<CompiledProgram> program = args->executable->program;
  if (program == nullptr) return fail(kFailedPrecondition, "astra: the executable has been deleted");
  const auto complete = [args](size_t i) { return args->device_complete_events == nullptr ? nullptr : &args->device_complete_events[i]; };
  const auto device = [args](size_t i) { return args->execute_device != nullptr ? args->execute_device : args->executable->devices[i]; };
  const std::vector<int64_t> &participants = args->executable->participants;
  const size_t num_devices = args->num_devices;
  if (num_devices == 1 && !program->exchanges) {
    const auto run = std::make_shared<Run>(program, device(0));
    if (Error *error = prepare(*run, args->options, args->argument_lists[0], args->num_args)) return error;
    return run_alone(run, participants[0], device(0), args->argument_lists[0], args->output_lists[0], complete(0));
  }

  std::vector<std::shared_ptr<Run>> runs;
  for (size_t i = 0; i < num_devices; ++i) {
    runs.push_back(std::make_shared<Run>(program, device(i)));
    if (Error *error = prepare(*runs[i], args->options, args->argument_lists[i], args->num_args)) return error;
  }
  if (!program->exchanges) {
    for (size_t i = 0; i < num_devices; ++i) {
      Error *const error =
          run_alone(runs[i], participants[i], device(i), args->argument_lists[i], args->output_lists[i], complete(i));
      if (error == nullptr) continue;
      while (i-- > 0) {  // the caller takes no results beside an error
        for (size_t output = 0; output < program->bytes.size(); ++output) delete args->output_lists[i][output];
        if (complete(i) != nullptr) delete *complete(i);
      }
      return error;
    }
    return nullptr;
  }
  const auto team = std::make_shared<TeamRun>(*program, num_devices);
  for (size_t i = 0; i < num_devices; ++i) {
    take_over(*runs[i], args->argument_lists[i]);
    give_results(*runs[i], device(i), team->pending, args->output_lists[i], complete(i));
    runs[i]->enter_queue();
    device(i)->queue.wait_for_room();
  }
  const std::lock_guard<std::mutex> lock(program->client->launching);
  for (size_t i = 0; i < num_devices; ++i)
    device(i)->queue.push([run = runs[i], team, participant = participants[i]] { team->participate(*run, participant); });
  return nullptr;
}

// --- looking at executables ------------------------------------------------------------------------------------------

Error *destroy(Executable_Destroy_Args *args) {
  delete args->executable;
  return nullptr;
}

Error *name(Executable_String_Args *args) {
  args->text = args->executable->program->name.data();
  args->text_size = args->executable->program->name.size();
  return nullptr;
}

Error *fingerprint(Executable_String_Args *args) {
  args->text = args->executable->program->fingerprint.data();
  args->text_size = args->executable->program->fingerprint.size();
  return nullptr;
}

Error *num_replicas(Executable_Size_Args *args) {
  args->value = args->executable->program->num_replicas;
  return nullptr;
}

Error *num_partitions(Executable_Size_Args *args) {
  args->value = args->executable->program->num_partitions;
  return nullptr;
}

Error *num_outputs(Executable_Size_Args *args) {
  args->value = args->executable->program->types.size();
  return nullptr;
}

Error *code_bytes(Executable_Size_Args *args) {
  args->value = args->executable->program->code_bytes;
  return nullptr;
}

// Asked for seldom, so the compiler looks at the program once more when it is.
Error *cost_analysis(Executable_GetCostAnalysis_Args *args) {
  static constexpr const char *kCosts[] = {"flops", "transcendentals", "bytes accessed"};
  CompiledProgram &program = *args->executable->program;
  const astra_pjrt_compiler functions = compiler();
  double costs[3] = {};
  // Without the lock: the compiler may have to wait for a thread that waits for it.
  const bool known = functions.cost != nullptr && functions.cost(program.handle, costs) == 0;
  const std::lock_guard<std::mutex> lock(program.costs_mutex);
  for (size_t i = program.costs.size(); known && i < 3; ++i) {
    NamedValue named = {sizeof(NamedValue), nullptr, kCosts[i], std::strlen(kCosts[i]), NamedValue::kFloat, {}, 1};
    named.float_value = static_cast<float>(costs[i]);
    program.costs.push_back(named);
  }
  args->properties = program.costs.data();
  args->num_properties = program.costs.size();
  return nullptr;
}

Error *output_types(Executable_OutputTypes_Args *args) {
  args->types = args->executable->program->types.data();
  args->num_types = args->executable->program->types.size();
  return nullptr;
}

Error *output_dimensions(Executable_OutputDimensions_Args *args) {
  const CompiledProgram &program = *args->executable->program;
  args->num_outputs = program.ranks.size();
  args->dims = program.dims.data();
  args->dim_sizes = program.ranks.data();
  return nullptr;
}

Error *output_memory_kinds(Executable_MemoryKinds_Args *args) {
  const CompiledProgram &program = *args->executable->program;
  args->num_outputs = program.memory_kinds.size();
  args->kinds = program.memory_kinds.data();
  args->kind_sizes = program.memory_kind_sizes.data();
  return nullptr;
}

Error *optimized_program(Executable_OptimizedProgram_Args *args) {
  static constexpr char kFormat[] = "mlir";
  const std::string &text = args->executable->program->program;
  Program *const out = args->program;
  out->format = kFormat;
  out->format_size = sizeof kFormat - 1;
  if (out->code != nullptr) {
    if (out->code_size < text.size()) return fail(kInvalidArgument, "astra: the buffer for the program is too small");
    std::memcpy(out->code, text.data(), text.size());
  }
  out->code_size = text.size();
  return nullptr;
}

Error *memory_stats(Executable_MemoryStats_Args *args) {
  const CompiledProgram &program = *args->executable->program;
  args->generated_code = program.code_bytes;
  args->argument = program.argument_bytes;
  args->output = 0;
  for (const int64_t bytes : program.bytes) args->output += bytes;
  args->alias = 0;
  for (size_t i = 0; i < program.bytes.size(); ++i)
    if (program.aliases[i] >= 0) args->alias += program.bytes[i];
  args->temp = program.arena_bytes;
  args->host_generated_code = args->host_argument = args->host_output = args->host_alias = args->host_temp = 0;
  const int64_t peak = args->argument + args->output - args->alias + args->temp;
  const auto has = [args](const int64_t *field) {
    return args->struct_size >= static_cast<size_t>(reinterpret_cast<const char *>(field + 1) - reinterpret_cast<const char *>(args));
  };
  if (has(&args->peak_memory)) args->peak_memory = peak;
  if (has(&args->total_size)) args->total_size = peak;
  return nullptr;
}

Error *loaded_destroy(LoadedExecutable_Args *args) {
  delete args->executable;
  return nullptr;
}

Error *loaded_delete(LoadedExecutable_Args *args) {
  args->executable->program = nullptr;
  return nullptr;
}

Error *loaded_is_deleted(LoadedExecutable_IsDeleted_Args *args) {
  args->is_deleted = args->executable->program == nullptr;
  return nullptr;
}

Error *loaded_executable(LoadedExecutable_GetExecutable_Args *args) {
  args->executable = new Executable{args->loaded->described};
  return nullptr;
}

Error *loaded_devices(LoadedExecutable_Devices_Args *args) {
  args->devices = args->executable->devices.data();
  args->num_devices = args->executable->devices.size();
  return nullptr;
}

Error *loaded_fingerprint(LoadedExecutable_String_Args *args) {
  args->text = args->executable->described->fingerprint.data();
  args->text_size = args->executable->described->fingerprint.size();
  return nullptr;
}

// DeviceAssignmentProto: replica_count = 1, computation_count = 2, computation_devices = 3 {replica_device_ids = 1}.
Error *device_assignment(LoadedExecutable_DeviceAssignment_Args *args) {
  const CompiledProgram &program = *args->executable->described;
  auto *const bytes = new std::string();
  append_number(*bytes, 1, program.num_replicas);
  append_number(*bytes, 2, program.num_partitions);
  for (int64_t partition = 0; partition < program.num_partitions; ++partition) {
    std::string ids;
    for (int64_t replica = 0; replica < program.num_replicas; ++replica)
      append_number(ids, 1, program.device_ids[replica * program.num_partitions + partition]);
    append_bytes(*bytes, 3, ids);
  }
  args->bytes = bytes->data();
  args->bytes_size = bytes->size();
  args->owner = bytes;
  args->deleter = [](void *owner) { delete static_cast<std::string *>(owner); };
  return nullptr;
}

}  // namespace

CompiledProgram::~CompiledProgram() {
  for (LayoutHandle *layout : layouts) delete_layout(layout);
  const astra_pjrt_compiler functions = compiler();
  if (functions.release != nullptr) functions.release(handle);
}

void register_executables(Table &table) {
  put<compile>(table, kClient_Compile);
  put<deserialize>(table, kExecutable_DeserializeAndLoad);
  put<serialize>(table, kExecutable_Serialize);
  put<execute>(table, kLoadedExecutable_Execute);
  put<destroy>(table, kExecutable_Destroy);
  put<name>(table, kExecutable_Name);
  put<fingerprint>(table, kExecutable_Fingerprint);
  put<num_replicas>(table, kExecutable_NumReplicas);
  put<num_partitions>(table, kExecutable_NumPartitions);
  put<num_outputs>(table, kExecutable_NumOutputs);
  put<code_bytes>(table, kExecutable_SizeOfGeneratedCodeInBytes);
  put<cost_analysis>(table, kExecutable_GetCostAnalysis);
  put<output_types>(table, kExecutable_OutputElementTypes);
  put<output_dimensions>(table, kExecutable_OutputDimensions);
  put<output_memory_kinds>(table, kExecutable_OutputMemoryKinds);
  put<optimized_program>(table, kExecutable_OptimizedProgram);
  put<memory_stats>(table, kExecutable_GetCompiledMemoryStats);
  put<loaded_destroy>(table, kLoadedExecutable_Destroy);
  put<loaded_delete>(table, kLoadedExecutable_Delete);
  put<loaded_is_deleted>(table, kLoadedExecutable_IsDeleted);
  put<loaded_executable>(table, kLoadedExecutable_GetExecutable);
  put<loaded_devices>(table, kLoadedExecutable_AddressableDevices);
  put<loaded_fingerprint>(table, kLoadedExecutable_Fingerprint);
  put<device_assignment>(table, kLoadedExecutable_GetDeviceAssignment);
}

}  // namespace astra::pjrt

extern "C" {

void astra_pjrt_set_compiler(const astra_pjrt_compiler *given) {
  using namespace astra::pjrt;
  const std::lock_guard<std::mutex> lock(compiler_mutex);
  has_compiler = given != nullptr;
  if (has_compiler) compiler_functions = *given;
}

void astra_pjrt_finish(void) {
  astra::pjrt::wait_until_idle();
  astra::pjrt::leave_processes();
}

void astra_pjrt_fail(int32_t code, const char *message, size_t size) {
  astra::pjrt::failure_code = code;
  astra::pjrt::failure_message.assign(message, size);
}
}
