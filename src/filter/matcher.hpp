// All filter policies of one topic as one matcher: what a message costs grows with the
// subscriptions that it may match, not with those there are.
//
// Each branch of a policy waits (as a posting of the index) for the clause that few others wait
// for; when a message answers that one, its other clauses are judged directly. So a branch that
// differs from the others in any one field is not looked at for messages of others, and no list of
// all subscriptions is ever walked. Equal branches are one, whatever policies they are of: judged
// once, with a list of its subscriptions.
#pragma once

#include <cstdint>
#include <vector>

#include "filter/index.hpp"
#include "filter/message.hpp"
#include "filter/policy.hpp"
#include "filter/pool.hpp"
#include "filter/view.hpp"

namespace ringpost::filter {

/// A subscription, as its topic counts them, below 2^30: memory grows with the highest in use.
using SubscriptionNumber = std::uint32_t;

/// Memory for match(): one for a thread and a matcher.
class Scratch {
 private:
  friend class Matcher;
  friend class BranchJudge;

  View view_;
  Search search_;
  std::uint32_t message_ = 0;
  std::vector<std::uint32_t> matched_in_;  ///< by subscription, of those with several branches
  std::vector<std::uint32_t> judged_in_;   ///< by branch, of those that may be found repeatedly

  // Of the judgement of one branch, by context.
  std::uint32_t judgement_ = 0;
  std::vector<std::uint32_t> touched_in_;
  std::vector<std::uint32_t> families_;
  std::vector<std::uint32_t> touched_;
};

/// Threads     match() by any number of threads at once, add() and remove() by one that is alone.
/// Errors      all may throw std::bad_alloc; a matcher that threw in add() or remove() is of no
///             further use.
class Matcher {
 public:
  /// The number must not be in use. Cost: the conditions of the policy, whatever else there is.
  void add(SubscriptionNumber number, const Policy& policy);
  /// A subscription without a policy gets every message.
  void add(SubscriptionNumber number);
  /// False if the number is not in use.
  bool remove(SubscriptionNumber number);

  [[nodiscard]] bool contains(SubscriptionNumber number) const noexcept {
    return number < subscriptions_.size() && subscriptions_[number].state != State::kUnused;
  }
  /// How many subscriptions there are.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// How many different conditions on different fields their policies have.
  [[nodiscard]] std::size_t conditions() const noexcept { return index_.predicates_used(); }

  /// Appends the subscriptions that get this message to `matches`, each once, in no order. Reads of
  /// the message what the policies need. In the long run nothing is allocated but by `matches`.
  void match(Message& message, Scratch& scratch, std::vector<SubscriptionNumber>& matches) const;

 private:
  friend class BranchJudge;

  // Bits of Posting::waiter, which else is a branch; and of a branch's list.
  static constexpr std::uint32_t kOnly = 1u << 31;     ///< a subscription, the branch's only one
  static constexpr std::uint32_t kRepeats = 1u << 30;  ///< other postings lead to the branch, too
  static constexpr std::uint32_t kSeveral = 1u << 31;  ///< the subscription has other branches
  static constexpr std::uint32_t kNumber = kRepeats - 1;

  enum class State : std::uint8_t { kUnused, kUnfiltered, kOneBranch, kBranches };
  struct Subscription {
    std::uint32_t branch = 0;  ///< kOneBranch: it; kBranches: in `memberships_`
    std::uint32_t place = 0;   ///< kUnfiltered: among those; kOneBranch: in its list
    State state = State::kUnused;
  };
  struct Membership {
    std::uint32_t branch = 0;
    std::uint32_t place = 0;
  };
  /// All clauses must hold.
  struct alignas(64) Branch {
    std::uint32_t hash = 0;
    std::uint32_t next = kNone;
    Few<std::uint32_t, 4> subscriptions;
    std::vector<std::uint32_t> words;  ///< of each clause the count and its predicates; the places
    std::uint16_t awaited = 0;         ///< where in `words` the clause begins that it waits for
    std::uint16_t places = 0;          ///< where in `words` the places of its postings begin
    std::uint8_t clauses = 0;
    bool only = false;  ///< its posting names its only subscription
  };
  static_assert(sizeof(Branch) == 64 && kCombinationsMax < 1000);

  void enter(SubscriptionNumber number, const Subscription& subscription);
  [[nodiscard]] std::uint32_t find_or_make(const Policy& policy,
                                           const std::vector<std::uint32_t>& clauses);
  [[nodiscard]] std::vector<std::uint32_t> words_of(const Policy& policy,
                                                    const std::vector<std::uint32_t>& clauses);
  void release(std::span<const std::uint32_t> clauses);
  std::uint32_t join(std::uint32_t branch, std::uint32_t subscription);
  void leave(const Membership& membership);
  void wait(std::uint32_t number, std::uint32_t subscription);
  [[nodiscard]] static std::uint32_t other_of(const Branch& branch) noexcept;
  [[nodiscard]] std::uint32_t branch_of(std::uint32_t waiter) const noexcept {
    return (waiter & kOnly) != 0 ? subscriptions_[waiter & kNumber].branch : waiter & kNumber;
  }
  void remove_branch(std::uint32_t number);
  void start(Scratch& scratch) const;
  void match_view(Scope scope, Scratch& scratch, std::vector<SubscriptionNumber>& matches) const;
  void follow(std::uint32_t predicate, Scratch& scratch,
              std::vector<SubscriptionNumber>& matches) const;
  void prefetch(const Posting& posting) const noexcept;
  [[nodiscard]] bool holds(const Posting& posting, Scratch& scratch) const;
  void add_all_of(const Branch& branch, Scratch& scratch,
                  std::vector<SubscriptionNumber>& matches) const;

  Index index_;
  Pool<Branch> branches_;
  Chains<Branch> branch_chains_;
  Pool<std::vector<Membership>> memberships_;
  std::vector<Subscription> subscriptions_;
  std::vector<SubscriptionNumber> unfiltered_;
  std::size_t branches_of_[2] = {};  ///< by scope
  std::size_t size_ = 0;
};

}  // namespace ringpost::filter
