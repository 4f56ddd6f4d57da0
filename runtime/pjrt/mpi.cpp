#include "mpi.h"

#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace astra::pjrt::mpi {

namespace {

// What an MPI library takes for its launcher: answers the PMI protocol (version 1, lines of `name=value`) at one end of
// a pair of sockets.  Values that the processes tell each other are in the store; all are on one machine.
class Launcher {
 public:
  Launcher(const KeyValues &values, int64_t index, int64_t count) : values_(values), index_(index), count_(count) {
    // Libraries name memory that processes share after the job: no two jobs of this machine may have one name.
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    if (index == 0) values.put("mpi job", "astra_" + std::to_string(getpid()) + "_" + std::to_string(now));
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends_) != 0) throw std::runtime_error("astra: no pair of sockets for MPI");
    thread_ = std::thread([this] { serve(); });
  }
  ~Launcher() {
    shutdown(ends_[0], SHUT_RDWR);
    thread_.join();
    close(ends_[0]);  // the other end is the library's
  }
  Launcher(const Launcher &) = delete;
  Launcher &operator=(const Launcher &) = delete;

  int end() const { return ends_[1]; }
  const std::string &failure() const { return failure_; }

 private:
  using Words = std::map<std::string, std::string>;

  void serve() {
    std::string received;
    char part[1024];
    for (ssize_t size; (size = read(ends_[0], part, sizeof part)) > 0;) {
      received.append(part, static_cast<size_t>(size));
      for (size_t end; (end = received.find('\n')) != std::string::npos; received.erase(0, end + 1)) {
        std::string answer;
        try {
          answer = answer_to(received.substr(0, end)) + "\n";
        } catch (const std::exception &error) {
          failure_ = error.what();
          shutdown(ends_[0], SHUT_RDWR);
          return;
        }
        if (send(ends_[0], answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
      }
    }
  }

  std::string answer_to(const std::string &line) {
    Words words;
    std::istringstream stream(line);
    for (std::string word; stream >> word;) {
      const size_t equals = word.find('=');
      words[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
    }
    const std::string &command = words["cmd"];
    const std::string everyone = std::to_string(count_);
    const Words fixed = {
        {"init", "response_to_init pmi_version=1 pmi_subversion=1"},
        {"get_maxes", "maxes kvsname_max=256 keylen_max=64 vallen_max=1024"},
        {"get_appnum", "appnum appnum=0"},
        {"get_my_kvsname", "my_kvsname kvsname=" + values_.get("mpi job")},
        {"get_universe_size", "universe_size size=" + everyone},
        {"finalize", "finalize_ack"},
    };
    if (const auto found = fixed.find(command); found != fixed.end()) return "cmd=" + found->second + " rc=0";
    if (command == "put") {
      values_.put("mpi/" + words["key"], words["value"]);
      return "cmd=put_result rc=0 msg=success";
    }
    if (command == "get") {
      std::optional<std::string> value = values_.find("mpi/" + words["key"]);
      if (words["key"] == "PMI_process_mapping") value = "(vector,(0,1," + everyone + "))";
      return "cmd=get_result " + (value ? "rc=0 msg=success value=" + *value : std::string("rc=-1 msg=key_not_found value=unknown"));
    }
    if (command == "barrier_in") {
      const std::string key = "mpi barrier " + std::to_string(barriers_++) + "/";
      values_.put(key + std::to_string(index_), "");
      for (int64_t i = 0; i < count_; ++i) values_.get(key + std::to_string(i));
      return "cmd=barrier_out rc=0";
    }
    return "cmd=" + command + " rc=-1";
  }

  const KeyValues &values_;
  const int64_t index_, count_;
  int64_t barriers_ = 0;
  int ends_[2];
  std::string failure_;
  std::thread thread_;
};

// Sets variables of the environment, and sets them back.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string> &values) {
    for (const auto &[name, value] : values) {
      const char *const now = std::getenv(name.c_str());
      before_.push_back({name, now == nullptr ? std::nullopt : std::optional<std::string>(now)});
      if (value.empty()) unsetenv(name.c_str());
      else setenv(name.c_str(), value.c_str(), 1);
    }
  }
  ~Environment() {
    for (const auto &[name, value] : before_) {
      if (value) setenv(name.c_str(), value->c_str(), 1);
      else unsetenv(name.c_str());
    }
  }
  Environment(const Environment &) = delete;
  Environment &operator=(const Environment &) = delete;

 private:
  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

Functions open(const std::string &library) {
  void *const handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    throw std::runtime_error("astra: several processes talk through MPI, and there is none (" + std::string(dlerror()) +
                             "); pip install 'astra-mlir[mpi]', or name a libmpi_abi.so in ASTRA_MPI_LIBRARY");
  Functions functions;
#define ASTRA_MPI_FIND(name, parameters)                                                                    \
  functions.name = reinterpret_cast<int(*) parameters>(dlsym(handle, "MPI_" #name));                        \
  if (functions.name == nullptr) throw std::runtime_error("astra: " + library + " has no MPI_" #name);
  ASTRA_MPI_FUNCTIONS(ASTRA_MPI_FIND)
#undef ASTRA_MPI_FIND
  return functions;
}

}  // namespace

// MPI ends as the process does, without MPI_Finalize, which would wait for processes that have died.
void remove_shared_files() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find("/dev/shm/mpi");
    if (path != std::string::npos) unlink(line.c_str() + path);
  }
}

void Functions::check(int code, const char *what) const {
  if (code == kSuccess) return;
  char text[kMaxErrorString] = "";
  int size = 0;
  Error_string(code, text, &size);
  throw std::runtime_error("astra: MPI, " + std::string(what) + ": " + text);
}

const Functions &start(const std::string &library, const KeyValues &values, int64_t index, int64_t count) {
  static std::mutex mutex;
  static std::optional<Functions> started;
  const std::lock_guard<std::mutex> lock(mutex);
  if (!started) {
    const Functions functions = open(library);
    int running = 0, level = 0;
    functions.check(functions.Initialized(&running), "Initialized");
    if (running != 0) {
      functions.check(functions.Query_thread(&level), "Query_thread");
    } else {
      const Launcher launcher(values, index, count);
      const Environment environment({{"PMI_FD", std::to_string(launcher.end())},
                                     {"PMI_RANK", std::to_string(index)},
                                     {"PMI_SIZE", std::to_string(count)},
                                     {"PMI_PORT", ""},
                                     {"PMI_ID", ""}});
      const int code = functions.Init_thread(nullptr, nullptr, kThreadMultiple, &level);
      if (!launcher.failure().empty()) throw std::runtime_error(launcher.failure());
      functions.check(code, "Init_thread");
    }
    if (level < kThreadMultiple) throw std::runtime_error("astra: MPI was started without MPI_THREAD_MULTIPLE");
    started = functions;
  }
  return *started;
}

}  // namespace astra::pjrt::mpi
