// What all policies of a matcher ask, each distinct question once: which of them does a value
// answer?
//
//   path        a field: the keys on the way to it, split at points, as a tree from the scope's
//   root predicate   a condition on a path; shared by all policies that have it posting     a
//   branch that waits for a predicate; a predicate with postings is *active*, which
//               means that visit() finds it
//
// How active predicates are found, given a value of their path:
//
//   equal to         one look into the table of predicates
//   prefix, suffix   one for each length in use on that path, at most as many as the value has
//   bytes wildcard         its first or last piece is looked for as a prefix or suffix; if both are
//   empty,
//                    three bytes of its longest piece among all in the value; else tried
//   range            ranges.hpp
//   cidr             one look for each length of mask in use
//   exists, anything-but: tried, each distinct one on this path
//   exists false     tried for each message, each distinct path
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filter/compact.hpp"
#include "filter/condition.hpp"
#include "filter/policy.hpp"
#include "filter/pool.hpp"
#include "filter/ranges.hpp"

namespace ringpost::filter {

/// Kinds of predicates beside those of conditions, behind which wildcards are found.
inline constexpr Kind kHead = static_cast<Kind>(kKinds);      ///< a value begins with the operand
inline constexpr Kind kTail = static_cast<Kind>(kKinds + 1);  ///< ends with it
inline constexpr Kind kGram = static_cast<Kind>(kKinds + 2);  ///< contains it: kGramBytes
inline constexpr std::size_t kIndexKinds = kKinds + 3;
inline constexpr std::size_t kGramBytes = 3;

/// Postings of a predicate are walked for each message that answers it, so what is needed to judge
/// a branch of one or two short clauses stands here.
struct Posting {
  static constexpr std::uint32_t kAsk = kNone - 1;

  /// A branch, or what else waits: only who has posted it knows. Of kHead, kTail and kGram: a
  /// predicate.
  std::uint32_t waiter = 0;
  std::uint32_t other = kNone;  ///< a predicate that must hold too; kAsk: look at the branch
};

/// One cache line has what a message needs to know of it.
struct alignas(64) Predicate {
  std::uint32_t hash = 0;
  std::uint32_t next = kNone;
  std::uint32_t path = 0;
  std::uint32_t references = 0;
  Few<Posting, 1> postings;
  Kind kind = Kind::kAbsent;
  Text operand;
};
static_assert(sizeof(Predicate) == 64);

/// How many active predicates of a path have an operand of some length.
class Lengths {
 public:
  void add(std::uint32_t length);
  void remove(std::uint32_t length) noexcept;
  [[nodiscard]] bool empty() const noexcept { return counts_.empty(); }
  [[nodiscard]] auto begin() const noexcept { return counts_.begin(); }
  [[nodiscard]] auto end() const noexcept { return counts_.end(); }

 private:
  std::vector<std::pair<std::uint32_t, std::uint32_t>> counts_;  ///< length, count; ascending
};

struct alignas(64) Path {
  std::uint32_t hash = 0;
  std::uint32_t next = kNone;
  std::uint32_t parent = kNone;
  std::uint32_t children = 0;
  std::uint32_t predicates = 0;
  Scope scope{};
  std::string segment;

  // Of the active predicates.
  std::array<std::uint32_t, kIndexKinds> active{};  ///< how many, by kind
  Lengths prefixes;
  Lengths suffixes;
  Lengths heads;
  Lengths tails;
  Lengths nets;  ///< net_of()
  Ranges ranges;
  std::vector<std::uint32_t> tried;

  [[nodiscard]] std::uint32_t count(Kind kind) const noexcept {
    return active[static_cast<std::size_t>(kind)];
  }
};

/// What the search in one message keeps. For one thread and one index.
class Search {
 public:
  /// Begins the search of the next message.
  void start(std::size_t predicates);
  /// Notes a predicate as found, once.
  void add(std::uint32_t predicate) {
    if (!is_found(predicate)) found_.push_back(predicate), states_[predicate] = message_ | kHolds;
  }
  [[nodiscard]] bool is_found(std::uint32_t predicate) const noexcept {
    return states_[predicate] == (message_ | kHolds);
  }
  [[nodiscard]] std::span<const std::uint32_t> found() const noexcept { return found_; }

  /// Whether a predicate holds, found or not; `judge` says it if it is not known yet.
  template <class Judge>
  [[nodiscard]] bool holds(std::uint32_t predicate, Judge judge) {
    std::uint32_t& state = states_[predicate];
    if ((state & ~kHolds) != message_) state = message_ | (judge() ? kHolds : 0);
    return (state & kHolds) != 0;
  }
  void prefetch(std::uint32_t predicate) const noexcept { __builtin_prefetch(&states_[predicate]); }

  void start_value() noexcept;
  /// Whether this is the first call for this predicate since start_value().
  [[nodiscard]] bool is_first(std::uint32_t predicate) noexcept {
    return std::exchange(tried_on_[predicate], value_) != value_;
  }
  /// Room for bytes that need not last.
  [[nodiscard]] char* room(std::size_t bytes) {
    if (room_.size() < bytes) room_.resize(bytes);
    return room_.data();
  }

 private:
  static constexpr std::uint32_t kHolds = 1;

  std::vector<std::uint32_t> found_;
  std::vector<std::uint32_t> states_;  ///< message_ when it was last judged, and kHolds
  std::vector<std::uint32_t> tried_on_;
  std::uint32_t message_ = 0;  ///< goes up in steps of two
  std::uint32_t value_ = 0;
  std::vector<char> room_;
};

/// Threads     const calls by any number of them, while nobody makes another.
class Index {
 public:
  Index();

  [[nodiscard]] static constexpr std::uint32_t root(Scope scope) noexcept {
    return static_cast<std::uint32_t>(scope);
  }
  /// The path of `keys` below another; kNone if no policy asks for it or anything below it.
  [[nodiscard]] std::uint32_t find_path(std::uint32_t below, std::string_view keys) const noexcept;
  [[nodiscard]] const Path& path(std::uint32_t number) const noexcept { return paths_[number]; }
  [[nodiscard]] std::size_t path_count() const noexcept { return paths_.size(); }

  [[nodiscard]] const Predicate& predicate(std::uint32_t number) const noexcept {
    return predicates_[number];
  }
  [[nodiscard]] std::size_t predicate_count() const noexcept { return predicates_.size(); }
  [[nodiscard]] std::size_t predicates_used() const noexcept { return predicates_.used(); }
  /// Without the roots.
  [[nodiscard]] std::size_t paths_used() const noexcept { return paths_.used() - 2; }
  [[nodiscard]] const std::vector<std::uint32_t>& absent(Scope scope) const noexcept {
    return absent_[static_cast<std::size_t>(scope)];
  }

  /// The number of the predicate, which is made if it is new. release() once for each.
  [[nodiscard]] std::uint32_t acquire(Scope scope, std::string_view keys,
                                      const Condition& condition);
  void release(std::uint32_t predicate);

  /// How many branches a message that answers the predicate is likely to be tried with in vain.
  [[nodiscard]] std::uint64_t cost(std::uint32_t predicate) const noexcept;

  /// Returns the place of the posting.
  std::uint32_t post(std::uint32_t predicate, const Posting& posting);
  /// Takes a posting away. Another may get its place: that one is returned, or `posting` itself.
  Posting unpost(std::uint32_t predicate, std::uint32_t place);
  /// Another waiter in place of one.
  void repost(std::uint32_t predicate, std::uint32_t place, std::uint32_t waiter) noexcept {
    predicates_[predicate].postings[place].waiter = waiter;
  }

  /// Adds to the search every active predicate that holds for a field with these values.
  void find(std::uint32_t path, std::span<const Value> values, Search& search) const;

 private:
  class Finder;
  /// How an active predicate is found, if not by its operand.
  struct Way {
    std::uint32_t place = 0;       ///< in the list that it is tried from
    std::uint32_t anchor = kNone;  ///< the kHead, kTail or kGram
  };

  [[nodiscard]] std::uint32_t find_child(std::uint32_t parent,
                                         std::string_view segment) const noexcept;
  [[nodiscard]] std::uint32_t acquire_path(std::uint32_t root, std::string_view keys);
  void release_path(std::uint32_t path);
  [[nodiscard]] std::uint32_t find_predicate(std::uint32_t path, Kind kind,
                                             std::string_view operand,
                                             std::uint32_t hash) const noexcept;
  [[nodiscard]] std::uint32_t acquire_at(std::uint32_t path, Kind kind, std::string_view operand);
  void activate(std::uint32_t number);
  void deactivate(std::uint32_t number);
  /// Where a wildcard without an anchor, or any other that is tried, is listed.
  [[nodiscard]] std::vector<std::uint32_t>& list_of(const Predicate& predicate) noexcept;
  void list(std::uint32_t number);
  void unlist(std::uint32_t number) noexcept;
  void anchor(std::uint32_t number);
  void unanchor(std::uint32_t number);

  Pool<Path> paths_;
  Chains<Path> path_chains_;
  Pool<Predicate> predicates_;
  Chains<Predicate> predicate_chains_;
  std::vector<Way> ways_;                             ///< by predicate
  std::array<std::vector<std::uint32_t>, 2> absent_;  ///< active ones of Kind::kAbsent, by scope
};

}  // namespace ringpost::filter
