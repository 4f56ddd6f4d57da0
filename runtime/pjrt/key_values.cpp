#include "key_values.h"

#include <memory>
#include <stdexcept>

#include "objects.h"

namespace astra::pjrt {

namespace {

// As long as programs may take to start, compared with each other: compiling comes later.
constexpr int kPatienceMilliseconds = 120'000;

CallbackError on_error = [](Code code, const char *message, size_t size) { return fail(code, {message, size}); };

// A call of the caller's with its value; nothing after an error, which `why` gets.
template <typename Args>
std::optional<std::string> ask(Error *(*function)(Args *), Args args, std::string *why) {
  const std::unique_ptr<Error> error(function(&args));
  if (error != nullptr) {
    *why = error->message;
    return std::nullopt;
  }
  std::string value(args.value, args.value_size);
  args.value_deleter_callback(args.value);
  return value;
}

}  // namespace

KeyValues::KeyValues(const Client_Create_Args &args, std::string prefix)
    : get_(reinterpret_cast<decltype(get_)>(args.kv_get)), put_(reinterpret_cast<decltype(put_)>(args.kv_put)),
      get_arg_(args.kv_get_arg), put_arg_(args.kv_put_arg), prefix_(std::move(prefix)) {
  if (get_ == nullptr || put_ == nullptr)
    throw std::runtime_error("astra: several processes need jax.distributed.initialize before the first use of JAX");
  if (args.struct_size >= sizeof(Client_Create_Args)) {
    try_get_ = reinterpret_cast<decltype(try_get_)>(args.kv_try_get);
    try_get_arg_ = args.kv_try_get_arg;
  }
}

void KeyValues::put(const std::string &key, const std::string &value) const {
  const std::string full = prefix_ + key;
  KeyValuePutCallback_Args args = {sizeof args, nullptr,   full.data(), full.size(), value.data(), value.size(),
                                   &on_error,   put_arg_};
  const std::unique_ptr<Error> error(put_(&args));
  if (error != nullptr) throw std::runtime_error("astra: telling the other processes " + full + ": " + error->message);
}

std::string KeyValues::get(const std::string &key) const {
  const std::string full = prefix_ + key;
  std::string why;
  const KeyValueGetCallback_Args args = {sizeof args, nullptr,  full.data(), full.size(), kPatienceMilliseconds,
                                         &on_error,   get_arg_, nullptr,     0,           nullptr};
  if (std::optional<std::string> value = ask(get_, args, &why)) return *value;
  throw std::runtime_error("astra: waiting for another process to tell " + full + ": " + why);
}

std::optional<std::string> KeyValues::find(const std::string &key) const {
  const std::string full = prefix_ + key;
  std::string why;
  if (try_get_ == nullptr)
    return ask(get_, {sizeof(KeyValueGetCallback_Args), nullptr, full.data(), full.size(), 1, &on_error, get_arg_, nullptr, 0, nullptr}, &why);
  return ask(try_get_, {sizeof(KeyValueTryGetCallback_Args), nullptr, full.data(), full.size(), &on_error, try_get_arg_, nullptr, 0, nullptr}, &why);
}

}  // namespace astra::pjrt
