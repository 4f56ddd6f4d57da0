// Errors and events: what has happened, what went wrong, and who wants to know.
#include "objects.h"

namespace astra::pjrt {

Error *fail(Code code, std::string message) { return new Error{code, std::move(message)}; }

void Pending::finish(std::unique_ptr<Error> error) {
  std::vector<std::function<void(Error *)>> callbacks;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    error_ = std::move(error);
    done_.store(true, std::memory_order_release);
    callbacks.swap(callbacks_);
  }
  changed_.notify_all();
  for (const auto &callback : callbacks) callback(this->error());
}

void Pending::wait() {
  if (done()) return;
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return done(); });
}

void Pending::then(std::function<void(Error *)> callback) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!done()) {
      callbacks_.push_back(std::move(callback));
      return;
    }
  }
  callback(error());
}

namespace {

// These two have no result, so they are no `Guarded` functions.
void error_destroy(Error_Destroy_Args *args) { delete args->error; }

void error_message(Error_Message_Args *args) {
  args->message = args->error->message.data();
  args->message_size = args->error->message.size();
}

Error *error_code(Error_GetCode_Args *args) {
  args->code = args->error->code;
  return nullptr;
}

Error *destroy(Event_Args *args) {
  delete args->event;
  return nullptr;
}

Error *is_ready(Event_IsReady_Args *args) {
  args->is_ready = args->event->pending == nullptr || args->event->pending->done();
  return nullptr;
}

Error *error_of(Event_Args *args) {
  const PendingPtr &pending = args->event->pending;
  if (pending == nullptr) return nullptr;
  if (!pending->done()) return fail(kFailedPrecondition, "the event has not happened yet");
  return pending->error();
}

Error *await(Event_Args *args) {
  const PendingPtr pending = args->event->pending;
  if (pending == nullptr) return nullptr;
  pending->wait();
  return pending->error();
}

Error *on_ready(Event_OnReady_Args *args) {
  const OnReady callback = args->callback;
  void *const user_arg = args->user_arg;
  if (args->event->pending == nullptr) {
    callback(nullptr, user_arg);
  } else {
    args->event->pending->then([callback, user_arg](Error *error) { callback(error, user_arg); });
  }
  return nullptr;
}

Error *create(Event_Create_Args *args) {
  args->event = new Event{std::make_shared<Pending>()};
  return nullptr;
}

Error *set(Event_Set_Args *args) {
  const PendingPtr &pending = args->event->pending;
  if (pending == nullptr || pending->done()) return fail(kFailedPrecondition, "the event has happened already");
  pending->finish(args->code == kOk ? nullptr
                                    : std::unique_ptr<Error>(fail(args->code, {args->message, args->message_size})));
  return nullptr;
}

}  // namespace

void register_errors_and_events(Table &table) {
  table.functions[kError_Destroy] = reinterpret_cast<void *>(&error_destroy);
  table.functions[kError_Message] = reinterpret_cast<void *>(&error_message);
  put<error_code>(table, kError_GetCode);
  put<destroy>(table, kEvent_Destroy);
  put<is_ready>(table, kEvent_IsReady);
  put<error_of>(table, kEvent_Error);
  put<await>(table, kEvent_Await);
  put<on_ready>(table, kEvent_OnReady);
  put<create>(table, kEvent_Create);
  put<set>(table, kEvent_Set);
}

}  // namespace astra::pjrt
