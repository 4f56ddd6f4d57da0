// MPI, opened while the program runs: the functions that messages between processes need, by the standard binary
// interface of MPI 5 (libmpi_abi), which is the same for every library that has it.  Nothing is linked against MPI, and
// no header of its is used.
//
// Processes need not be started by an MPI launcher: what MPI asks its launcher for while it starts (the PMI protocol) is
// answered here from the store that the processes share.
#ifndef ASTRA_PJRT_MPI_H
#define ASTRA_PJRT_MPI_H

#include <cstdint>
#include <string>

#include "key_values.h"

namespace astra::pjrt::mpi {

// Handles are pointers whose values the standard gives where they are predefined.
using Comm = struct OpaqueComm *;
using Request = struct OpaqueRequest *;
using Datatype = struct OpaqueDatatype *;
using Errhandler = struct OpaqueErrhandler *;
struct Status {
  int source, tag, error, internal[5];
};

inline const Comm kWorld = reinterpret_cast<Comm>(intptr_t{0x101});
inline const Datatype kByte = reinterpret_cast<Datatype>(intptr_t{0x247});
inline const Errhandler kErrorsReturn = reinterpret_cast<Errhandler>(intptr_t{0x143});
inline const Request kNoRequest = reinterpret_cast<Request>(intptr_t{0x180});
constexpr int kSuccess = 0, kAnySource = -1, kAnyTag = -2, kThreadMultiple = 4096, kTagUpperBound = 501;
constexpr int kMaxErrorString = 512;

#define ASTRA_MPI_FUNCTIONS(X)                                                          \
  X(Initialized, (int *flag))                                                           \
  X(Init_thread, (int *argc, char ***argv, int required, int *provided))                \
  X(Query_thread, (int *provided))                                                      \
  X(Comm_rank, (Comm comm, int *rank))                                                  \
  X(Comm_size, (Comm comm, int *size))                                                  \
  X(Comm_dup, (Comm comm, Comm * copy))                                                 \
  X(Comm_set_errhandler, (Comm comm, Errhandler handler))                               \
  X(Comm_get_attr, (Comm comm, int key, void *value, int *flag))                        \
  X(Isend_c, (const void *data, int64_t count, Datatype type, int to, int tag, Comm comm, Request *request))   \
  X(Irecv_c, (void *data, int64_t count, Datatype type, int from, int tag, Comm comm, Request *request))       \
  X(Recv_c, (void *data, int64_t count, Datatype type, int from, int tag, Comm comm, Status *status))          \
  X(Iprobe, (int from, int tag, Comm comm, int *flag, Status *status))                  \
  X(Test, (Request * request, int *flag, Status *status))                               \
  X(Get_count_c, (const Status *status, Datatype type, int64_t *count))                 \
  X(Cancel, (Request * request))                                                        \
  X(Request_free, (Request * request))                                                  \
  X(Error_string, (int code, char *text, int *size))

struct Functions {
#define ASTRA_MPI_MEMBER(name, parameters) int(*name) parameters;
  ASTRA_MPI_FUNCTIONS(ASTRA_MPI_MEMBER)
#undef ASTRA_MPI_MEMBER

  void check(int code, const char *what) const;  // throws std::runtime_error
};

// Opens the library and starts MPI with this process as number `index` of `count`, unless the program has started that
// library itself.  Once for a process.  Throws std::runtime_error.
const Functions &start(const std::string &library, const KeyValues &values, int64_t index, int64_t count);

// Takes the names off files of memory that this process shares with others; to be called when all have opened them, so
// that none is left behind however the processes end.
void remove_shared_files();

}  // namespace astra::pjrt::mpi

#endif
