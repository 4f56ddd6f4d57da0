// The runtime through its C interface, for builds with sanitizers: threads, buffers, fork, loading.
//
//   runtime_test OBJECT     (the object file of code_for_loader.c)
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "astra/runtime.h"

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
      std::abort();                                                             \
    }                                                                           \
  } while (false)

namespace {

const astra_api &api() { return *astra_get_api(ASTRA_ABI_VERSION); }

astra_context *new_context(int64_t threads) {
  const astra_context_options options = {sizeof options, threads, 1 << 24};
  astra_context *context = nullptr;
  CHECK(api().context_create(&options, &context) == ASTRA_OK);
  return context;
}

// --- threads ------------------------------------------------------------------------------------------------------

struct Hits {
  astra_context *context;
  std::vector<std::atomic<int>> counts;
};

void hit(void *context, int64_t begin, int64_t end) {
  auto &hits = *static_cast<Hits *>(context);
  for (int64_t i = begin; i < end; ++i) hits.counts[static_cast<size_t>(i)].fetch_add(1);
}

bool every_task_runs_once(astra_context *context, int64_t count, int64_t threads) {
  Hits hits{context, std::vector<std::atomic<int>>(static_cast<size_t>(count))};
  api().parallel_for(context, hit, &hits, count, threads);
  for (const auto &each : hits.counts)
    if (each.load() != 1) return false;
  return true;
}

void hit_nested(void *context, int64_t begin, int64_t end) {
  const auto &hits = *static_cast<Hits *>(context);
  for (int64_t i = begin; i < end; ++i) CHECK(every_task_runs_once(hits.context, 20, 3));
}

void test_loops() {
  astra_context *const context = new_context(4);
  for (const int64_t count : {1, 2, 3, 7, 64, 1000, 5000})
    for (const int64_t threads : {0, 1, 2, 3, 9}) CHECK(every_task_runs_once(context, count, threads));
  Hits outer{context, {}};
  api().parallel_for(context, hit_nested, &outer, 30, 0);
  api().context_destroy(context);
}

// Without memory to share a loop out its caller runs it alone.
void test_loops_without_memory() {
  astra_context *const context = new_context(2);
  int64_t range[2] = {};
  const auto body = [](void *data, int64_t begin, int64_t end) {
    static_cast<int64_t *>(data)[0] = begin;
    static_cast<int64_t *>(data)[1] = end;
  };
  const int64_t count = int64_t{1} << 52;  // of threads, too: shares of 256 PiB
  api().parallel_for(context, body, range, count, count);
  CHECK(range[0] == 0 && range[1] == count);
  CHECK(every_task_runs_once(context, 100, 0));
  api().context_destroy(context);
}

// Plain (not atomic) writes of the tasks are seen by the caller: what every compiled function relies on.
void test_writes_are_seen() {
  astra_context *const context = new_context(3);
  std::vector<int64_t> values(4096);
  const auto body = [](void *data, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) static_cast<int64_t *>(data)[i] += i;
  };
  for (int round = 1; round <= 300; ++round) {
    api().parallel_for(context, body, values.data(), static_cast<int64_t>(values.size()), 0);
    CHECK(values[17] == 17 * round && values[4095] == 4095 * round);
  }
  api().context_destroy(context);
}

void test_callers_at_once() {
  astra_context *const context = new_context(3);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 6; ++caller)
    callers.emplace_back([context, caller] {
      for (int round = 0; round < 300; ++round) CHECK(every_task_runs_once(context, 40 + caller, 2 + caller % 3));
    });
  for (std::thread &caller : callers) caller.join();
  api().context_destroy(context);
}

// Forks of a process whose other threads are in loops and in the allocator.
void test_fork_under_load() {
  astra_context *const context = new_context(3);
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy;
  for (int i = 0; i < 2; ++i)
    busy.emplace_back([&] {
      while (!stop.load()) {
        CHECK(every_task_runs_once(context, 50, 0));
        api().deallocate(context, api().allocate(context, 5000));
      }
    });
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      alarm(20);
      bool good = true;
      for (int i = 0; i < 20; ++i) good = good && every_task_runs_once(context, 100, 0);
      void *const memory = api().allocate(context, 1 << 20);
      good = good && memory != nullptr;
      api().deallocate(context, memory);
      _exit(good ? 0 : 1);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(every_task_runs_once(context, 100, 0));
  }
  stop.store(true);
  for (std::thread &thread : busy) thread.join();
  api().context_destroy(context);
}

// --- buffers ------------------------------------------------------------------------------------------------------

void test_pool() {
  astra_context *const context = new_context(1);
  std::mt19937_64 random(1);
  std::vector<std::pair<unsigned char *, int64_t>> held;
  astra_memory_stats stats = {sizeof stats, 0, 0, 0};
  for (int round = 0; round < 3000; ++round) {
    if (held.size() < 40 && random() % 3 != 0) {
      const int64_t size = static_cast<int64_t>(random() % (uint64_t{1} << random() % 24));
      auto *const memory = static_cast<unsigned char *>(api().allocate(context, size));
      CHECK(memory != nullptr && reinterpret_cast<uintptr_t>(memory) % ASTRA_ALIGNMENT == 0);
      std::memset(memory, static_cast<int>(held.size()), static_cast<size_t>(size));
      held.emplace_back(memory, size);
    } else if (!held.empty()) {
      std::swap(held[random() % held.size()], held.back());
      for (int64_t i = 1; i < held.back().second; ++i) CHECK(held.back().first[i] == held.back().first[0]);
      api().deallocate(context, held.back().first);
      held.pop_back();
    }
  }
  for (const auto &[memory, size] : held) api().deallocate(context, memory);
  api().memory_stats(context, &stats);
  CHECK(stats.live_bytes == 0 && stats.cached_bytes > 0 && stats.peak_bytes >= stats.cached_bytes / 16);
  api().release_cached(context);
  api().memory_stats(context, &stats);
  CHECK(stats.cached_bytes == 0);
  CHECK(api().allocate(context, -1) == nullptr);
  CHECK(api().allocate(context, INT64_MAX) == nullptr);
  CHECK(api().allocate(context, int64_t{1} << 60) == nullptr);
  api().context_destroy(context);
}

void test_buffers() {
  astra_context *const context = new_context(1);
  astra_buffer *buffer = nullptr;
  CHECK(api().buffer_create(context, 1000, &buffer) == ASTRA_OK);
  CHECK(api().buffer_size(buffer) == 1000);
  std::memset(api().buffer_data(buffer), 7, 1000);
  std::vector<std::thread> users;
  for (int i = 0; i < 4; ++i) {
    api().buffer_retain(buffer);
    users.emplace_back([buffer] {
      for (int round = 0; round < 1000; ++round) api().buffer_retain(buffer), api().buffer_release(buffer);
      CHECK(static_cast<unsigned char *>(api().buffer_data(buffer))[999] == 7);
      api().buffer_release(buffer);
    });
  }
  api().buffer_release(buffer);
  for (std::thread &user : users) user.join();
  astra_memory_stats stats = {sizeof stats, 0, 0, 0};
  api().memory_stats(context, &stats);
  CHECK(stats.live_bytes == 0);

  int released = 0, elements[4] = {};
  const auto release = [](void *owner) { ++*static_cast<int *>(owner); };
  CHECK(api().buffer_from_memory(elements, sizeof elements, release, &released, &buffer) == ASTRA_OK);
  api().buffer_retain(buffer);
  api().buffer_release(buffer);
  CHECK(released == 0 && api().buffer_data(buffer) == elements);
  api().buffer_release(buffer);
  CHECK(released == 1);
  api().buffer_release(nullptr);
  CHECK(api().buffer_from_memory(nullptr, 4, nullptr, nullptr, &buffer) == ASTRA_INVALID_ARGUMENT);
  CHECK(api().buffer_create(context, -1, &buffer) == ASTRA_INVALID_ARGUMENT);
  CHECK(api().buffer_create(context, int64_t{1} << 60, &buffer) == ASTRA_OUT_OF_MEMORY);
  api().context_destroy(context);
}

// --- teams --------------------------------------------------------------------------------------------------------

// What a participant does: exchanges with the descriptors in its first input, each with the pieces that follow.
struct Step {
  std::vector<int64_t> descriptor;
  std::vector<int32_t> input, expected;
  bool custom_call_fails = false;
};
using Steps = std::vector<Step>;

void run_steps(void **inputs, void **outputs, void *) {
  for (const Step &step : *static_cast<const Steps *>(inputs[0])) {
    if (step.custom_call_fails) {
      const int64_t unknown[] = {4, 0x656e6f6e, 0, 0, 0};  // the target "none"
      astra_custom_call(unknown, nullptr);
      std::abort();  // a participant that failed does not go on
    }
    auto *const got = static_cast<int32_t *>(outputs[1]);  // no vector here: an exchange that fails jumps out
    std::fill_n(got, step.expected.size(), -7);
    void *const buffers[] = {const_cast<int32_t *>(step.input.data()), got};
    astra_exchange(step.descriptor.data(), buffers);
    if (!std::equal(step.expected.begin(), step.expected.end(), got)) *static_cast<bool *>(outputs[0]) = false;
  }
}

struct Outcome {
  astra_status status;
  std::string message;
};

Outcome run_participant(astra_context *context, const Steps &steps, astra_team *team, size_t participant) {
  bool right = true;
  std::vector<int32_t> place(10000);
  void *inputs[] = {const_cast<Steps *>(&steps)}, *outputs[] = {&right, place.data()};
  const size_t size = team == nullptr ? offsetof(astra_call, team) : sizeof(astra_call);
  const astra_call call = {size, run_steps, inputs, outputs, 64, 0, team, static_cast<int64_t>(participant)};
  const astra_status status = api().execute(context, &call);
  CHECK(right);
  return {status, status == ASTRA_OK ? "" : api().last_error()};
}

std::vector<Outcome> run_team(astra_context *context, const std::vector<Steps> &programs) {
  astra_team *team = nullptr;
  CHECK(api().team_create(static_cast<int64_t>(programs.size()), &team) == ASTRA_OK);
  std::vector<Outcome> outcomes(programs.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < programs.size(); ++i)
    threads.emplace_back([&, i] { outcomes[i] = run_participant(context, programs[i], team, i); });
  for (std::thread &thread : threads) thread.join();
  api().team_destroy(team);
  return outcomes;
}

// Carries messages between the teams of two "processes", which are threads here.
struct Post {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::pair<int64_t, int64_t>, std::deque<std::vector<char>>> sent;
  bool broken = false;

  static astra_status transfer(void *user, int64_t participant, const astra_message *messages, int64_t num_messages) {
    auto &post = *static_cast<Post *>(user);
    std::unique_lock<std::mutex> lock(post.mutex);
    if (post.broken) return api().fail("no post today");
    for (int64_t i = 0; i < num_messages; ++i) {
      const astra_message &message = messages[i];
      const auto *const data = static_cast<const char *>(message.data);
      if (message.sent == 1) post.sent[{participant, message.other}].emplace_back(data, data + message.bytes);
    }
    post.changed.notify_all();
    for (int64_t i = 0; i < num_messages; ++i) {
      const astra_message &message = messages[i];
      if (message.sent == 1) continue;
      auto &come = post.sent[{message.other, participant}];
      post.changed.wait(lock, [&] { return !come.empty(); });
      CHECK(static_cast<int64_t>(come.front().size()) == message.bytes);
      std::copy(come.front().begin(), come.front().end(), static_cast<char *>(message.data));
      come.pop_front();
    }
    return ASTRA_OK;
  }
};

// Four participants: 0 and 3 in one team, 1 and 2 in another.
std::vector<Outcome> run_linked_teams(astra_context *context, const std::vector<Steps> &programs, bool broken = false) {
  Post post;
  post.broken = broken;
  astra_team *teams[2] = {};
  const uint8_t here[2][4] = {{1, 0, 0, 1}, {0, 1, 1, 0}};
  std::vector<astra_link> links;
  for (int i = 0; i < 2; ++i) links.push_back({sizeof(astra_link), &post, here[i], Post::transfer});
  for (int i = 0; i < 2; ++i) CHECK(api().team_create_linked(4, &links[i], &teams[i]) == ASTRA_OK);
  std::vector<Outcome> outcomes(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 4; ++i)
    threads.emplace_back([&, i] { outcomes[i] = run_participant(context, programs[i], teams[here[1][i]], i); });
  for (std::thread &thread : threads) thread.join();
  for (astra_team *team : teams) api().team_destroy(team);
  return outcomes;
}

constexpr int64_t kGather = 0, kAllToAll = 1, kPermute = 2, kBroadcast = 3;

void test_teams() {
  astra_context *const context = new_context(2);
  // Every kind in two groups of two, again and again; small pieces and some that are not copied on arrival.
  for (const size_t count : {size_t{0}, size_t{1}, size_t{3}, size_t{3000}}) {
    std::vector<Steps> programs(4);
    const auto bytes = static_cast<int64_t>(4 * count);
    for (int32_t me = 0; me < 4; ++me) {
      const int32_t first = me & 1;  // groups {0, 2}, {1, 3}
      const auto filled = [count](std::initializer_list<int32_t> values) {
        std::vector<int32_t> all;
        for (const int32_t value : values) all.insert(all.end(), count, value);
        return all;
      };
      for (int32_t round = 0; round < 50; ++round) {
        const int32_t base = 100 * round;
        Steps &steps = programs[static_cast<size_t>(me)];
        steps.push_back({{kGather, bytes, 2, 2, 0, 2, 1, 3}, filled({base + me}), filled({base + first, base + first + 2})});
        steps.push_back({{kAllToAll, bytes, 2, 2, 0, 2, 1, 3}, filled({base + 10 * me, base + 10 * me + 1}),
                         filled({base + 10 * first + (me > 1), base + 10 * (first + 2) + (me > 1)})});
        steps.push_back({{kPermute, bytes, 0, 0, 3, 0, 1, 1, 2, 3, 3}, filled({base + me}), // (0 has no source)
                         filled({me == 0 ? 0 : me == 3 ? base + 3 : base + me - 1})});
        steps.push_back({{kBroadcast, bytes, 1, 3, 3, 1, -1}, filled({base + me}), filled({me % 2 == 1 ? base + 3 : 0})});
        steps.push_back({{kGather, bytes, 2, 3, 0, 1, 3, 2, -1, -1}, filled({base + me}),
                         me == 2 ? filled({base + 2, 0, 0}) : filled({base, base + 1, base + 3})});
      }
    }
    for (const Outcome &outcome : run_team(context, programs)) CHECK(outcome.status == ASTRA_OK);
    for (const Outcome &outcome : run_linked_teams(context, programs)) CHECK(outcome.status == ASTRA_OK);
  }
  const Step gather = {{kGather, 4, 0, 0}, {1}, {1, 1, 1, 1}};
  for (const Outcome &outcome : run_linked_teams(context, {{gather}, {gather}, {gather}, {gather}}, true))
    CHECK(outcome.message == "no post today");

  // Alone: a team of one, or none.
  const Steps alone = {{{kGather, 4, 1, 1, 0}, {5}, {5}}, {{kPermute, 4, 0, 0, 0}, {5}, {0}}, {{kPermute, 4, 0, 0, 1, 0, 0}, {5}, {5}}};
  CHECK(run_team(context, {alone})[0].status == ASTRA_OK);
  CHECK(run_participant(context, alone, nullptr, 0).status == ASTRA_OK);
  CHECK(astra_participant() == 0);
  const Steps of_two = {{{kGather, 0, 1, 2, 0, 1}, {}, {}}};
  CHECK(run_participant(context, of_two, nullptr, 0).message.find("runs as 1") != std::string::npos);

  // What goes wrong with one ends the others, whatever they wait for.
  const Step meet = {{kGather, 0, 0, 0}, {}, {}, false}, other = {{kBroadcast, 0, 0, 0}, {}, {}, false};
  const Step fails = {{}, {}, {}, true}, absent = {{kGather, 0, 1, 1, 0}, {}, {}, false};
  const std::vector<std::pair<Steps, const char *>> wrong = {
      {{meet, fails}, "no function 'none'"}, {{meet}, "has ended"}, {{meet, other}, "different collective"}, {{meet, absent}, "in no group"}};
  for (const auto &[last, message] : wrong)
    for (int round = 0; round < 20; ++round)
      for (const Outcome &outcome : run_team(context, {{meet, meet, meet}, {meet, meet, meet}, last})) {
        CHECK(outcome.status == ASTRA_FAILED || (last.size() == 1 && outcome.status == ASTRA_OK));
        CHECK(outcome.status == ASTRA_OK || outcome.message.find(message) != std::string::npos);
      }
  astra_team *team = nullptr;
  CHECK(api().team_create(2, &team) == ASTRA_OK);
  std::thread waits([&] {
    CHECK(run_participant(context, {meet}, team, 1).message == "the other has no input");
  });
  api().team_abort(team, "the other has no input");
  waits.join();
  api().team_destroy(team);
  CHECK(api().team_create(0, &team) == ASTRA_INVALID_ARGUMENT);
  api().context_destroy(context);
}

// --- loading ------------------------------------------------------------------------------------------------------

astra_status load(const std::vector<char> &object, astra_code **code) {
  const astra_bytes bytes = {object.data(), static_cast<int64_t>(object.size())};
  return api().code_load(&bytes, 1, code);
}

void test_loading(const std::vector<char> &object) {
  astra_context *const context = new_context(3);
  astra_code *code = nullptr;
  if (load(object, &code) != ASTRA_OK) std::fprintf(stderr, "%s\n", api().last_error()), std::abort();
  CHECK(api().code_address(code, "no_such_symbol") == nullptr);
  const auto entry = reinterpret_cast<astra_entry_fn>(api().code_address(code, "astra_entry_fill"));
  CHECK(entry != nullptr);
  std::vector<double> filled(1000);
  const int expected[] = {3, 1, 4, 5, 5, 9, -1};
  for (int i = 0; i < 7; ++i) {
    int which = i, chosen = 0;
    void *inputs[] = {&which}, *outputs[] = {filled.data(), &chosen};
    const astra_call call = {sizeof call, entry, inputs, outputs, 100, 0, nullptr, 0};
    CHECK(api().execute(context, &call) == ASTRA_OK);
    CHECK(chosen == expected[i] && filled[999] == 34);
  }
  api().code_retain(code);
  api().code_release(code);
  api().code_release(code);

  const astra_bytes twice[] = {{object.data(), static_cast<int64_t>(object.size())}, {object.data(), static_cast<int64_t>(object.size())}};
  CHECK(api().code_load(twice, 2, &code) == ASTRA_CANNOT_LOAD);
  CHECK(std::strstr(api().last_error(), "defined twice") != nullptr);
  CHECK(api().code_load(nullptr, 0, &code) == ASTRA_CANNOT_LOAD);
  api().context_destroy(context);
}

// Objects that end anywhere or have any bytes wrong are refused, or loaded and never run.
void test_malformed_objects(const std::vector<char> &object) {
  astra_code *code = nullptr;
  for (size_t size = 0; size < object.size(); size += size < 300 ? 1 : 37) {
    const std::vector<char> cut(object.begin(), object.begin() + static_cast<std::ptrdiff_t>(size));
    if (load(cut, &code) == ASTRA_OK) api().code_release(code);
    else CHECK(std::strlen(api().last_error()) > 20);
  }
  std::mt19937_64 random(2);
  for (int round = 0; round < 4000; ++round) {
    std::vector<char> wrong = object;
    for (uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
      // The headers and tables are what is read; they are a small part of the file.
      const size_t at = random() % 2 ? random() % wrong.size() : random() % 2 ? random() % 64 : wrong.size() - 1 - random() % 1200;
      wrong[at] = static_cast<char>(random() % 4 ? random() : 0xff);
    }
    if (load(wrong, &code) == ASTRA_OK) api().code_release(code);
  }
}

void test_malformed_functions() {
  astra_function *function = nullptr;
  std::vector<char> file(64, 'x');
  const auto load_file = [&](const char *message) {
    const astra_bytes bytes = {file.data(), static_cast<int64_t>(file.size())};
    CHECK(api().function_load(&bytes, &function) == ASTRA_CANNOT_LOAD);
    CHECK(std::strstr(api().last_error(), message) != nullptr);
  };
  load_file("not a file of Astra");
  std::memcpy(file.data(), "ASTRAFN9", 8);
  load_file("another version");
  file[7] = '1';
  load_file("not complete");
  const int64_t size = 64;
  std::memcpy(file.data() + 8, &size, 8);
  load_file("checksum");
}

}  // namespace

int main(int argc, char **argv) {
  CHECK(argc == 2);
  std::ifstream stream(argv[1], std::ios::binary);
  const std::vector<char> object{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  CHECK(!object.empty());
  test_loops();
  test_loops_without_memory();
  test_writes_are_seen();
  test_callers_at_once();
  test_pool();
  test_buffers();
  test_teams();
  test_loading(object);
  test_malformed_objects(object);
  test_malformed_functions();
#ifndef __SANITIZE_THREAD__  // whose own threads do not survive a fork
  test_fork_under_load();
#endif
  std::puts("ok");
  return 0;
}
