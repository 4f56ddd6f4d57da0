#include "team.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

#include "handles.h"

namespace {

// Inputs up to this size are copied when their owner arrives, who then need not wait until all have read them.
constexpr size_t kCopiedBytes = 4096;

}  // namespace

namespace astra {

Exchange::Exchange(const int64_t *descriptor, int64_t team_size, int64_t participant)
    : kind(static_cast<ExchangeKind>(descriptor[0])), bytes(static_cast<size_t>(descriptor[1])) {
  const int64_t num_groups = descriptor[2], size = descriptor[3];
  const int64_t *const groups = descriptor + 4;
  if (num_groups == 0) {
    for (int64_t i = 0; i < team_size; ++i) members.push_back(i);
  }
  for (int64_t group = 0; group < num_groups && !takes_part; ++group) {
    const int64_t *const first = groups + group * size, *const last = first + size;
    if (std::find(first, last, participant) == last) continue;
    takes_part = true;
    members.assign(first, std::find(first, last, int64_t{-1}));
  }
  takes_part = takes_part || num_groups == 0;
  group_size = num_groups == 0 ? members.size() : static_cast<size_t>(size);
  if (!takes_part) {
    if (kind == ExchangeKind::kBroadcast) return;
    throw std::runtime_error("participant " + std::to_string(participant) + " is in no group of a collective operation");
  }
  for (const int64_t member : members)
    if (member < 0 || member >= team_size)
      throw std::runtime_error("a collective operation names participant " + std::to_string(member) + ", and the program runs as " +
                               std::to_string(team_size));
  const auto place_of = [this](int64_t member) {
    return std::find(members.begin(), members.end(), member) - members.begin();
  };
  place = static_cast<size_t>(place_of(participant));
  if (kind != ExchangeKind::kPermute) return;
  const int64_t *const pairs = groups + num_groups * size;
  const auto num_members = static_cast<int64_t>(members.size());
  sources.assign(members.size(), -1);
  for (int64_t i = 0; i < pairs[0]; ++i) {
    const int64_t from = place_of(pairs[1 + 2 * i]), to = place_of(pairs[2 + 2 * i]);
    if (to == num_members) continue;
    if (from == num_members) throw std::runtime_error("a permutation's source is in another group than its target");
    sources[static_cast<size_t>(to)] = from;
  }
}

std::vector<Exchange::Piece> Exchange::pieces_of(size_t member) const {
  switch (kind) {
    case ExchangeKind::kPermute:
      if (sources[member] < 0) return {};
      return {{0, static_cast<size_t>(sources[member]), 0}};
    case ExchangeKind::kBroadcast:
      return {{0, 0, 0}};
    default:
      break;
  }
  std::vector<Piece> pieces;
  for (size_t i = 0; i < members.size(); ++i) pieces.push_back({i, i, kind == ExchangeKind::kGather ? 0 : member});
  return pieces;
}

void Exchange::fill_with_zeros(char *output) const {
  const bool pieces = kind == ExchangeKind::kGather || kind == ExchangeKind::kAllToAll;
  if (bytes > 0) std::memset(output, 0, pieces ? bytes * group_size : bytes);
}

void Exchange::copy(const std::vector<const char *> &inputs, char *output) const {
  if (bytes == 0) return;
  const std::vector<Piece> pieces = pieces_of(place);
  const bool pieces_of_all = kind == ExchangeKind::kGather || kind == ExchangeKind::kAllToAll;
  if (pieces.size() < (pieces_of_all ? group_size : 1)) fill_with_zeros(output);
  for (const Piece &piece : pieces)
    if (inputs[piece.member] != nullptr)
      std::memcpy(output + piece.to * bytes, inputs[piece.member] + piece.from * bytes, bytes);
}

astra_status team_create(int64_t num_participants, astra_team **team) { return team_create_linked(num_participants, nullptr, team); }

astra_status team_create_linked(int64_t num_participants, const astra_link *link, astra_team **team) {
  if (team == nullptr || num_participants < 1) return fail(ASTRA_INVALID_ARGUMENT, "team_create: no place for the result, or no participants");
  try {
    *team = new astra_team(num_participants, link);
    return ASTRA_OK;
  } catch (const std::bad_alloc &) {
    return fail(ASTRA_OUT_OF_MEMORY, "team_create: out of memory");
  }
}

void team_abort(astra_team *team, const char *message) { team->abort(message); }
void team_destroy(astra_team *team) { delete team; }

}  // namespace astra

astra_team::astra_team(int64_t size, const astra_link *link)
    : size(size), link_(link), here_(link == nullptr ? std::vector<uint8_t>() : std::vector<uint8_t>(link->here, link->here + size)) {
  for (int64_t i = 0; i < size; ++i) participants_.push_back(std::make_unique<Participant>());
}

void astra_team::wake(const std::vector<int64_t> &members) {
  for (const int64_t member : members) participants_[static_cast<size_t>(member)]->changed.notify_all();
}

void astra_team::abort_locked(const std::string &why) {
  if (aborted_) return;
  aborted_ = true;
  why_ = why;
  for (const auto &participant : participants_) participant->changed.notify_all();
}

void astra_team::abort(const std::string &why) {
  const std::lock_guard<std::mutex> lock(mutex_);
  abort_locked(why);
}

std::string astra_team::why() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return why_;
}

void astra_team::begin(int64_t participant) {
  const std::lock_guard<std::mutex> lock(mutex_);
  participants_[static_cast<size_t>(participant)]->ended = false;
}

void astra_team::end(int64_t participant) {
  const std::lock_guard<std::mutex> lock(mutex_);
  participants_[static_cast<size_t>(participant)]->ended = true;
  for (const auto &[members, meeting] : open_)
    if (std::find(members.begin(), members.end(), participant) != members.end())
      abort_locked("participant " + std::to_string(participant) + " has ended, and others wait for it in a collective operation");
}

bool astra_team::exchange(int64_t participant, const astra::Exchange &exchange, const char *input, char *output) {
  return meet(participant, exchange, input, output) &&
         (link_ == nullptr || exchange.bytes == 0 || transfer(participant, exchange, input, output));
}

// Those of other processes: what they need of this one's input, and what it needs of theirs.
bool astra_team::transfer(int64_t participant, const astra::Exchange &exchange, const char *input, char *output) {
  std::vector<astra_message> messages;
  const auto bytes = static_cast<int64_t>(exchange.bytes);
  for (const auto &piece : exchange.pieces_of(exchange.place)) {
    const int64_t other = exchange.members[piece.member];
    if (!is_here(other)) messages.push_back({other, 0, output + piece.to * exchange.bytes, bytes});
  }
  for (size_t member = 0; member < exchange.members.size(); ++member) {
    if (is_here(exchange.members[member])) continue;
    for (const auto &piece : exchange.pieces_of(member))
      if (piece.member == exchange.place)
        messages.push_back({exchange.members[member], 1, const_cast<char *>(input) + piece.from * exchange.bytes, bytes});
  }
  if (messages.empty()) return true;
  if (link_->transfer(link_->user, participant, messages.data(), static_cast<int64_t>(messages.size())) == ASTRA_OK) return true;
  abort(astra::last_error());
  return false;
}

// The participants of this process.
bool astra_team::meet(int64_t participant, const astra::Exchange &exchange, const char *input, char *output) {
  std::condition_variable &changed = participants_[static_cast<size_t>(participant)]->changed;
  std::unique_lock<std::mutex> lock(mutex_);
  if (aborted_) return false;
  std::shared_ptr<Meeting> &opened = open_[exchange.members];
  if (opened == nullptr) opened = std::make_shared<Meeting>(exchange);
  const std::shared_ptr<Meeting> meeting = opened;
  const auto members = static_cast<size_t>(
      std::count_if(exchange.members.begin(), exchange.members.end(), [this](int64_t member) { return is_here(member); }));
  if (meeting->kind != exchange.kind || meeting->bytes != exchange.bytes) {
    abort_locked("participants of a group have come to different collective operations");
    return false;
  }
  const bool copied = exchange.input_bytes() <= kCopiedBytes;
  if (copied && exchange.bytes > 0) {
    meeting->copies[exchange.place].assign(input, input + exchange.input_bytes());
    input = meeting->copies[exchange.place].data();
  }
  meeting->inputs[exchange.place] = input;
  if (++meeting->arrived == members) {
    open_.erase(exchange.members);
    wake(exchange.members);
  } else {
    for (const int64_t member : exchange.members)
      if (participants_[static_cast<size_t>(member)]->ended)
        abort_locked("participant " + std::to_string(member) + " has ended, and others wait for it in a collective operation");
    changed.wait(lock, [&] { return meeting->arrived == members || aborted_; });
  }
  if (!aborted_) {
    ++meeting->copying;
    lock.unlock();
    exchange.copy(meeting->inputs, output);
    lock.lock();
    --meeting->copying;
    ++meeting->left;
  }
  // The input is the participant's again when nobody reads it any more.
  if (!copied) {
    const auto unread = [&] { return meeting->left == members || (aborted_ && meeting->copying == 0); };
    if (unread()) wake(exchange.members);
    changed.wait(lock, unread);
  }
  return !aborted_;
}
