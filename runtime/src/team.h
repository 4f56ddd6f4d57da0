// Programs that run on several devices at once: where their participants meet.
//
// Each participant calls the same compiled function (`execute` with a team and its number) on a thread of its own, and
// the function calls `astra_exchange` for what it needs of the others.  Participants of a group come to the same
// exchanges in the same order, so a group has one open meeting at most: who comes first opens it, who comes last
// completes it.  There everyone copies from the inputs of the others.  Nothing is computed here: what is summed is summed
// by compiled code, in the order of the group, so results have the same bits for any order of arrival.
//
// Participants may be in other processes, which the team's link reaches.  Those of this process meet first; then each
// sends its pieces to those of other processes and receives theirs.
//
// A descriptor, in 64-bit words (made by the lowering of collectives):
//
//   descriptor = kind, bytes of a piece, groups, members of a group, the groups' members..., and for permute: pairs,
//                source and target of each...
//
// Shorter groups have -1 at their end.  Without groups all participants are one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "astra/runtime.h"

namespace astra {

enum class ExchangeKind : int64_t {
  kGather,    // output[i] = the input of member i
  kAllToAll,  // output[i] = the piece of member i's input that is meant for this one
  kPermute,   // output = the input of this one's source, zeros without one
  kBroadcast, // output = the input of the first member
};

// An exchange as one participant sees it.
struct Exchange {
  Exchange(const int64_t *descriptor, int64_t team_size, int64_t participant);  // throws std::runtime_error

  ExchangeKind kind;
  size_t bytes;
  std::vector<int64_t> members;
  size_t group_size;   // with the places that are not taken
  size_t place = 0;    // of this participant in its group
  bool takes_part = false;
  std::vector<int64_t> sources;  // of a permute: the place of each member's source, -1 without one

  // A piece of the output: which it is, whose it is, and which of that member's input.
  struct Piece {
    size_t to, member, from;
  };
  std::vector<Piece> pieces_of(size_t member) const;

  size_t input_bytes() const { return kind == ExchangeKind::kAllToAll ? bytes * group_size : bytes; }
  // What the members whose input is here give; zeros for what no member gives.
  void copy(const std::vector<const char *> &inputs, char *output) const;
  void fill_with_zeros(char *output) const;
};

}  // namespace astra

struct astra_team {
  explicit astra_team(int64_t size, const astra_link *link = nullptr);

  const int64_t size;
  void begin(int64_t participant);
  void end(int64_t participant);  // who waits for it waits in vain, and is told
  // False when the team was aborted.
  bool exchange(int64_t participant, const astra::Exchange &exchange, const char *input, char *output);
  void abort(const std::string &why);
  std::string why();

 private:
  struct Meeting {
    Meeting(const astra::Exchange &exchange)
        : kind(exchange.kind), bytes(exchange.bytes), inputs(exchange.members.size()), copies(exchange.members.size()) {}
    const astra::ExchangeKind kind;
    const size_t bytes;
    std::vector<const char *> inputs;
    std::vector<std::vector<char>> copies;  // of inputs that are small
    size_t arrived = 0, copying = 0, left = 0;
  };
  struct Participant {
    std::condition_variable changed;
    bool ended = false;
  };

  void abort_locked(const std::string &why);
  void wake(const std::vector<int64_t> &members);
  bool is_here(int64_t participant) const { return here_.empty() || here_[static_cast<size_t>(participant)] != 0; }
  bool meet(int64_t participant, const astra::Exchange &exchange, const char *input, char *output);
  bool transfer(int64_t participant, const astra::Exchange &exchange, const char *input, char *output);

  const astra_link *const link_;  // null: all participants are in this process
  const std::vector<uint8_t> here_;

  std::mutex mutex_;
  bool aborted_ = false;
  std::string why_;
  std::vector<std::unique_ptr<Participant>> participants_;
  std::map<std::vector<int64_t>, std::shared_ptr<Meeting>> open_;  // where not all have arrived
};

namespace astra {

astra_status team_create(int64_t num_participants, astra_team **team);
astra_status team_create_linked(int64_t num_participants, const astra_link *link, astra_team **team);
void team_abort(astra_team *team, const char *message);
void team_destroy(astra_team *team);

}  // namespace astra
