// PJRT's profiler extension.  While a trace is made, every compilation and every run of a program is noted with its
// name, thread and time; when it is collected, they become an XSpace (the message of XLA's profiler): one plane, one
// line for each device and one for the compiler.
#include "profiler.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "objects.h"
#include "wire.h"

namespace astra::pjrt {

namespace {

// The plane's name: what XLA's viewers take for a device that they do not know.
constexpr char kPlane[] = "/device:CUSTOM:Astra";
constexpr int kCompilerLine = 1000;  // behind the lines of devices, which have their numbers

struct Span {
  std::string name;
  int line;
  int64_t start, end;
};

std::atomic<bool> tracing{false};
std::mutex spans_mutex;
std::vector<Span> spans;

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// XSpace: planes = 1.  XPlane: id = 1, name = 2, lines = 3, event_metadata = 4.  XLine: id = 1, name = 2,
// timestamp_ns = 3, events = 4.  XEvent: metadata_id = 1, offset_ps = 2, duration_ps = 3.  XEventMetadata: id = 1,
// name = 2.
std::string as_space(const std::vector<Span> &all) {
  std::map<std::string, uint64_t> numbers;  // of names, from 1
  std::map<int, std::pair<int64_t, std::string>> lines;
  for (const Span &span : all) {
    numbers.emplace(span.name, numbers.size() + 1);
    const auto line = lines.emplace(span.line, std::make_pair(span.start, std::string())).first;
    line->second.first = std::min(line->second.first, span.start);
  }
  for (const Span &span : all) {
    auto &[first, events] = lines[span.line];
    std::string event;
    append_number(event, 1, numbers[span.name]);
    append_number(event, 2, static_cast<uint64_t>(span.start - first) * 1000);
    append_number(event, 3, static_cast<uint64_t>(span.end - span.start) * 1000);
    append_bytes(events, 4, event);
  }
  std::string plane;
  append_number(plane, 1, 1);
  append_bytes(plane, 2, kPlane);
  for (const auto &[number, contents] : lines) {
    std::string line;
    append_number(line, 1, static_cast<uint64_t>(number));
    append_bytes(line, 2, number == kCompilerLine ? "compiler" : "device " + std::to_string(number));
    append_number(line, 3, static_cast<uint64_t>(contents.first));
    append_bytes(plane, 3, line + contents.second);
  }
  for (const auto &[name, number] : numbers) {
    std::string metadata, entry;
    append_number(metadata, 1, number);
    append_bytes(metadata, 2, name);
    append_number(entry, 1, number);
    append_bytes(entry, 2, metadata);
    append_bytes(plane, 4, entry);
  }
  std::string space;
  append_bytes(space, 1, plane);
  return space;
}

// One trace at a time: the profiler of JAX makes no second one before the first is stopped.
struct Profiler {
  std::string data;
};

// No function of these fails, so there are no errors to look at.
void error_destroy(void *) {}
void error_message(void *) {}
Error *error_code(void *) { return nullptr; }

Error *create(Profiler_Args *args) {
  args->profiler = new Profiler();
  return nullptr;
}

Error *destroy(Profiler_Handle_Args *args) {
  delete static_cast<Profiler *>(args->profiler);
  return nullptr;
}

Error *start(Profiler_Handle_Args *) {
  const std::lock_guard<std::mutex> lock(spans_mutex);
  spans.clear();
  tracing = true;
  return nullptr;
}

Error *stop(Profiler_Handle_Args *) {
  tracing = false;
  return nullptr;
}

// Without memory of the caller's, the data stays with the profiler.
Error *collect(Profiler_CollectData_Args *args) {
  auto *const profiler = static_cast<Profiler *>(args->profiler);
  if (profiler->data.empty()) {
    const std::lock_guard<std::mutex> lock(spans_mutex);
    profiler->data = as_space(spans);
    spans.clear();
  }
  if (args->buffer == nullptr) {
    args->buffer = reinterpret_cast<uint8_t *>(profiler->data.data());
  } else {
    std::memcpy(args->buffer, profiler->data.data(), profiler->data.size());
  }
  args->buffer_size = profiler->data.size();
  return nullptr;
}

}  // namespace

Traced::Traced(const char *what, const std::string &name, int device)
    : what_(what), name_(name), device_(device), start_(tracing.load(std::memory_order_relaxed) ? now() : 0) {}

Traced::~Traced() {
  if (start_ == 0 || !tracing) return;
  const int64_t end = now();
  const std::lock_guard<std::mutex> lock(spans_mutex);
  spans.push_back({std::string(what_) + name_, device_ < 0 ? kCompilerLine : device_, start_, end});
}

Extension *profiler_extension(Extension *next) {
  static ProfilerApi api = {
      sizeof(ProfilerApi), nullptr, &error_destroy, &error_message, &error_code, &create, &destroy, &start, &stop, &collect,
  };
  static ProfilerExtension extension = {{sizeof(ProfilerExtension), kProfilerExtension, next}, &api, 0};
  return &extension.base;
}

}  // namespace astra::pjrt
