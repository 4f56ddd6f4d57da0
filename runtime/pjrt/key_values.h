// The store that the processes of one program share (JAX's coordination service), as PJRT's caller hands it over: a
// value that one process has put, all others get.
#ifndef ASTRA_PJRT_KEY_VALUES_H
#define ASTRA_PJRT_KEY_VALUES_H

#include <optional>
#include <string>

#include "abi.h"

namespace astra::pjrt {

class KeyValues {
 public:
  // All keys begin with `prefix`.
  KeyValues(const Client_Create_Args &args, std::string prefix);

  // Both throw std::runtime_error.
  void put(const std::string &key, const std::string &value) const;
  std::string get(const std::string &key) const;  // waits for the process that puts it
  // What is there already.
  std::optional<std::string> find(const std::string &key) const;

 private:
  Error *(*get_)(KeyValueGetCallback_Args *);
  Error *(*try_get_)(KeyValueTryGetCallback_Args *) = nullptr;  // null: an old caller
  Error *(*put_)(KeyValuePutCallback_Args *);
  void *get_arg_, *try_get_arg_ = nullptr, *put_arg_;
  std::string prefix_;
};

}  // namespace astra::pjrt

#endif
