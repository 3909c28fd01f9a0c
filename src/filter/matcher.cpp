#include "filter/matcher.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <functional>
#include <limits>

namespace ringpost::filter {
namespace {

constexpr std::size_t index_of(Scope scope) noexcept { return static_cast<std::size_t>(scope); }

/// Advances the number of a message or judgement; false if it has begun anew.
bool advance(std::uint32_t& number) noexcept {
  if (++number != 0) return true;
  number = 1;
  return false;
}

template <class T>
void make_room(std::vector<T>& vector, std::size_t size) {
  if (vector.size() < size) vector.resize(size + size / 2);
}

// A family of sets of clauses, each clause a bit of a number, each number a bit of the family.
static_assert(1u << kKeysMax <= 32);

constexpr std::uint32_t kEmptySet = 1;

constexpr std::uint32_t set_of(std::uint32_t clause) noexcept {
  return kEmptySet | 1u << (1u << clause);
}

/// The unions of a set of each.
std::uint32_t combine(std::uint32_t family, std::uint32_t other) noexcept {
  std::uint32_t combined = 0;
  for (std::uint32_t rest = family; rest != 0; rest &= rest - 1) {
    const auto set = static_cast<std::uint32_t>(__builtin_ctz(rest));
    for (std::uint32_t others = other; others != 0; others &= others - 1) {
      combined |= 1u << (set | static_cast<std::uint32_t>(__builtin_ctz(others)));
    }
  }
  return combined;
}

}  // namespace

/// Whether a branch holds for the message in the scratch's view.
class BranchJudge {
 public:
  BranchJudge(const Matcher& matcher, const Matcher::Branch& branch, Scratch& scratch) noexcept
      : index_(matcher.index_), branch_(branch), scratch_(scratch), view_(scratch.view_) {}

  [[nodiscard]] bool holds() {
    std::uint32_t at = 0;
    for (std::uint32_t clause = 0; clause < branch_.clauses; ++clause) {
      if (at != branch_.awaited && !holds_somewhere(at)) return false;
      at += 1 + branch_.words[at];
    }
    return view_.contexts().size() == 1 || hold_together();
  }

  /// In any context.
  [[nodiscard]] static bool holds_somewhere(const Index& index, std::uint32_t number,
                                            Scratch& scratch) {
    const Predicate& predicate = index.predicate(number);
    const auto judge = [&] {
      const View& view = scratch.view_;
      std::uint32_t i = view.first_leaf(predicate.path);
      if (predicate.kind == Kind::kAbsent) return i == kNone;
      while (i != kNone && !holds_at(predicate, view, view.leaves()[i])) i = view.leaves()[i].next;
      return i != kNone;
    };
    if (predicate.references == 1) return judge();  // nobody else will ask
    return scratch.search_.holds(number, judge);
  }

 private:
  [[nodiscard]] std::span<const std::uint32_t> predicates(std::size_t at) const noexcept {
    return std::span(branch_.words).subspan(at + 1, branch_.words[at]);
  }
  [[nodiscard]] bool is_absent(const Predicate& predicate) const noexcept {
    return predicate.kind == Kind::kAbsent && view_.first_leaf(predicate.path) == kNone;
  }
  [[nodiscard]] static bool holds_at(const Predicate& predicate, const View& view,
                                     const Leaf& leaf) noexcept {
    return filter::holds(predicate.kind, predicate.operand.view(), view.values(leaf));
  }

  [[nodiscard]] bool holds_somewhere(std::uint32_t at) {
    const auto those = predicates(at);
    return std::any_of(those.begin(), those.end(), [this](std::uint32_t number) {
      return holds_somewhere(index_, number, scratch_);
    });
  }

  /// Whether one can choose an element of each array so that every clause holds in what was chosen
  /// (semantics E10). From the inside out: which sets of clauses can hold together in a context.
  [[nodiscard]] bool hold_together() {
    start();
    touch(0);
    std::size_t at = 0;
    for (std::uint32_t clause = 0; clause < branch_.clauses; ++clause) {
      for (const std::uint32_t number : predicates(at)) enter(index_.predicate(number), clause);
      at += 1 + branch_.words[at];
    }
    std::sort(scratch_.touched_.begin(), scratch_.touched_.end(), std::greater<>());
    for (const std::uint32_t number : scratch_.touched_) {
      if (number == 0) break;
      const Context& context = view_.contexts()[number];
      std::uint32_t& outer = scratch_.families_[context.parent];
      const std::uint32_t family = scratch_.families_[number];
      outer = context.array ? combine(outer, family) : outer | family;
    }
    return (scratch_.families_[0] >> ((1u << branch_.clauses) - 1) & 1) != 0;
  }

  void start() {
    make_room(scratch_.touched_in_, view_.contexts().size());
    scratch_.families_.resize(scratch_.touched_in_.size());
    if (!advance(scratch_.judgement_)) {
      std::fill(scratch_.touched_in_.begin(), scratch_.touched_in_.end(), 0);
    }
    scratch_.touched_.clear();
  }

  void enter(const Predicate& predicate, std::uint32_t clause) {
    if (is_absent(predicate)) return add(0, clause);
    for (std::uint32_t i = view_.first_leaf(predicate.path); i != kNone;
         i = view_.leaves()[i].next) {
      const Leaf& leaf = view_.leaves()[i];
      if (holds_at(predicate, view_, leaf)) add(leaf.context, clause);
    }
  }
  void add(std::uint32_t context, std::uint32_t clause) {
    touch(context);
    std::uint32_t& family = scratch_.families_[context];
    family = combine(family, set_of(clause));
  }
  void touch(std::uint32_t context) {
    while (context != kNone && scratch_.touched_in_[context] != scratch_.judgement_) {
      scratch_.touched_in_[context] = scratch_.judgement_;
      scratch_.families_[context] = kEmptySet;
      scratch_.touched_.push_back(context);
      context = view_.contexts()[context].parent;
    }
  }

  const Index& index_;
  const Matcher::Branch& branch_;
  Scratch& scratch_;
  const View& view_;
};

// Adding and removing

void Matcher::enter(SubscriptionNumber number, const Subscription& subscription) {
  if (number >= subscriptions_.size()) subscriptions_.resize(std::size_t{number} + 1);
  subscriptions_[number] = subscription;
  ++size_;
}

void Matcher::add(SubscriptionNumber number) {
  enter(number, {0, static_cast<std::uint32_t>(unfiltered_.size()), State::kUnfiltered});
  unfiltered_.push_back(number);
}

void Matcher::add(SubscriptionNumber number, const Policy& policy) {
  if (policy.accepts_everything()) return add(number);
  if (policy.branches().size() == 1) {
    const std::uint32_t branch = find_or_make(policy, policy.branches().front());
    return enter(number, {branch, join(branch, number), State::kOneBranch});
  }
  const std::uint32_t several = memberships_.take();
  std::vector<Membership>& memberships = memberships_[several];
  for (const std::vector<std::uint32_t>& clauses : policy.branches()) {
    const std::uint32_t branch = find_or_make(policy, clauses);
    const bool joined =
        std::any_of(memberships.begin(), memberships.end(),
                    [branch](const Membership& each) { return each.branch == branch; });
    if (!joined) memberships.push_back({branch, join(branch, number | kSeveral)});
  }
  enter(number, {several, 0, State::kBranches});
}

/// The branch of these clauses; a new one has nobody in its list and waits for nothing yet.
std::uint32_t Matcher::find_or_make(const Policy& policy,
                                    const std::vector<std::uint32_t>& clauses) {
  std::vector<std::uint32_t> words = words_of(policy, clauses);
  const auto hash =
      static_cast<std::uint32_t>(XXH3_64bits(words.data(), words.size() * sizeof(std::uint32_t)));
  const std::uint32_t found = branch_chains_.find(branches_, hash, [&](const Branch& branch) {
    return branch.places == words.size() &&
           std::equal(words.begin(), words.end(), branch.words.begin());
  });
  if (found != kNone) {
    release(words);
    return found;
  }
  const std::uint32_t made = branches_.take();
  Branch& branch = branches_[made];
  branch.hash = hash;
  branch.clauses = static_cast<std::uint8_t>(clauses.size());
  branch.places = static_cast<std::uint16_t>(words.size());
  branch.words = std::move(words);
  branch_chains_.insert(branches_, made);
  ++branches_of_[index_of(policy.scope())];
  return made;
}

/// In an order that does not depend on that of the policy's keys.
std::vector<std::uint32_t> Matcher::words_of(const Policy& policy,
                                             const std::vector<std::uint32_t>& clauses) {
  std::vector<const Clause*> ordered;
  std::size_t words = 0;
  std::size_t conditions_max = 0;
  for (const std::uint32_t clause : clauses) {
    ordered.push_back(&policy.clauses()[clause]);
    words += 1 + ordered.back()->conditions.size();
    conditions_max = std::max(conditions_max, ordered.back()->conditions.size());
  }
  std::sort(ordered.begin(), ordered.end(), [](const Clause* a, const Clause* b) {
    const int order = a->path.compare(b->path);
    return order != 0 ? order < 0 : a->conditions < b->conditions;
  });
  std::vector<std::uint32_t> all;
  all.reserve(words + conditions_max);  // and the places
  for (const Clause* const clause : ordered) {
    all.push_back(static_cast<std::uint32_t>(clause->conditions.size()));
    for (const Condition& condition : clause->conditions) {
      all.push_back(index_.acquire(policy.scope(), clause->path, condition));
    }
  }
  return all;
}

void Matcher::release(std::span<const std::uint32_t> clauses) {
  for (std::size_t at = 0; at < clauses.size(); at += 1 + clauses[at]) {
    for (std::size_t i = 1; i <= clauses[at]; ++i) index_.release(clauses[at + i]);
  }
}

/// `subscription`: with kSeveral, if it has others. Returns its place in the list.
std::uint32_t Matcher::join(std::uint32_t number, std::uint32_t subscription) {
  Branch& branch = branches_[number];
  if (branch.subscriptions.empty()) {
    wait(number, subscription);
  } else if (branch.only) {
    index_.repost(branch.words[branch.awaited + 1u], branch.words[branch.places], number);
    branch.only = false;
  }
  branch.subscriptions.push_back(subscription);
  return branch.subscriptions.size() - 1;
}

/// Posts the branch where the fewest others wait.
void Matcher::wait(std::uint32_t number, std::uint32_t subscription) {
  Branch& branch = branches_[number];
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  for (std::uint32_t at = 0; at < branch.places; at += 1 + branch.words[at]) {
    std::uint64_t cost = 0;
    for (std::uint32_t i = at + 1; i <= at + branch.words[at]; ++i) {
      cost += index_.cost(branch.words[i]);
    }
    if (cost < least) branch.awaited = static_cast<std::uint16_t>(at);
    least = std::min(least, cost);
  }
  const std::uint32_t postings = branch.words[branch.awaited];
  Posting posting{number, other_of(branch)};
  branch.only = postings == 1 && (subscription & kSeveral) == 0 && posting.other != Posting::kAsk;
  if (branch.only) posting.waiter = subscription | kOnly;
  if (postings != 1) posting.waiter = number | kRepeats;
  for (std::uint32_t i = 1; i <= postings; ++i) {
    branch.words.push_back(index_.post(branch.words[branch.awaited + i], posting));
  }
}

/// What must hold beside the clause that is waited for, if that is one condition.
std::uint32_t Matcher::other_of(const Branch& branch) noexcept {
  if (branch.clauses == 1) return kNone;
  const std::uint32_t at = branch.awaited != 0 ? 0 : 1 + branch.words[0];
  return branch.clauses == 2 && branch.words[at] == 1 ? branch.words[at + 1] : Posting::kAsk;
}

bool Matcher::remove(SubscriptionNumber number) {
  if (!contains(number)) return false;
  const Subscription subscription = subscriptions_[number];
  if (subscription.state == State::kUnfiltered) {
    const SubscriptionNumber last = unfiltered_.back();
    unfiltered_[subscription.place] = last;
    subscriptions_[last].place = subscription.place;
    unfiltered_.pop_back();
  } else if (subscription.state == State::kOneBranch) {
    leave({subscription.branch, subscription.place});
  } else {
    for (const Membership& each : memberships_[subscription.branch]) leave(each);
    memberships_.give_back(subscription.branch);
  }
  subscriptions_[number] = {};
  --size_;
  return true;
}

void Matcher::leave(const Membership& membership) {
  Few<std::uint32_t, 4>& list = branches_[membership.branch].subscriptions;
  if (list.size() == 1) return remove_branch(membership.branch);
  const std::uint32_t moved = list.back();
  list[membership.place] = moved;
  list.pop_back();
  Subscription& subscription = subscriptions_[moved & kNumber];
  if ((moved & kSeveral) == 0) {
    subscription.place = membership.place;
    return;
  }
  for (Membership& each : memberships_[subscription.branch]) {
    if (each.branch == membership.branch) each.place = membership.place;
  }
}

void Matcher::remove_branch(std::uint32_t number) {
  Branch& branch = branches_[number];
  const std::uint32_t any = branch.words[branch.awaited + 1u];
  --branches_of_[index_of(index_.path(index_.predicate(any).path).scope)];
  for (std::uint32_t i = 0; i < branch.words[branch.awaited]; ++i) {
    const std::uint32_t predicate = branch.words[branch.awaited + 1 + i];
    const std::uint32_t place = branch.words[branch.places + i];
    Branch& moved = branches_[branch_of(index_.unpost(predicate, place).waiter)];
    for (std::uint32_t k = 0; k < moved.words[moved.awaited]; ++k) {
      if (moved.words[moved.awaited + 1 + k] == predicate) moved.words[moved.places + k] = place;
    }
  }
  release(std::span(branch.words).first(branch.places));
  branch_chains_.erase(branches_, number);
  branches_.give_back(number);
}

// Matching

void Matcher::start(Scratch& scratch) const {
  make_room(scratch.matched_in_, subscriptions_.size());
  make_room(scratch.judged_in_, branches_.size());
  if (advance(scratch.message_)) return;
  std::fill(scratch.matched_in_.begin(), scratch.matched_in_.end(), 0);
  std::fill(scratch.judged_in_.begin(), scratch.judged_in_.end(), 0);
}

void Matcher::match(Message& message, Scratch& scratch,
                    std::vector<SubscriptionNumber>& matches) const {
  matches.insert(matches.end(), unfiltered_.begin(), unfiltered_.end());
  start(scratch);
  if (branches_of_[index_of(Scope::kAttributes)] != 0 && message.read_attributes()) {
    scratch.view_.read_attributes(index_, message);
    match_view(Scope::kAttributes, scratch, matches);
  }
  if (branches_of_[index_of(Scope::kBody)] != 0 && message.read_body()) {
    scratch.view_.read_body(index_, message);
    match_view(Scope::kBody, scratch, matches);
  }
}

void Matcher::match_view(Scope scope, Scratch& scratch,
                         std::vector<SubscriptionNumber>& matches) const {
  const View& view = scratch.view_;
  Search& search = scratch.search_;
  search.start(index_.predicate_count());
  for (const Leaf& leaf : view.leaves()) index_.find(leaf.path, view.values(leaf), search);
  for (const std::uint32_t number : index_.absent(scope)) {
    if (view.first_leaf(index_.predicate(number).path) == kNone) search.add(number);
  }
  for (const std::uint32_t number : search.found()) follow(number, scratch, matches);
}

void Matcher::follow(std::uint32_t predicate, Scratch& scratch,
                     std::vector<SubscriptionNumber>& matches) const {
  constexpr std::uint32_t kAhead = 8;  // cache lines that are on their way at once
  const Few<Posting, 1>& postings = index_.predicate(predicate).postings;
  const std::uint32_t count = postings.size();
  const Posting* const first = postings.data();
  for (std::uint32_t i = 0; i < std::min(kAhead, count); ++i) prefetch(first[i]);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i + kAhead < count) prefetch(first[i + kAhead]);
    const Posting& posting = first[i];
    if ((posting.waiter & kRepeats) != 0) {
      std::uint32_t& judged_in = scratch.judged_in_[posting.waiter & kNumber];
      if (std::exchange(judged_in, scratch.message_) == scratch.message_) continue;
    }
    if (!holds(posting, scratch)) continue;
    if ((posting.waiter & kOnly) != 0) {
      matches.push_back(posting.waiter & kNumber);
    } else {
      add_all_of(branches_[posting.waiter & kNumber], scratch, matches);
    }
  }
}

void Matcher::prefetch(const Posting& posting) const noexcept {
  if (posting.other < Posting::kAsk) __builtin_prefetch(&index_.predicate(posting.other));
  if ((posting.waiter & kOnly) == 0) __builtin_prefetch(&branches_[posting.waiter & kNumber]);
}

/// Whether the branch behind the posting of a predicate that holds does.
bool Matcher::holds(const Posting& posting, Scratch& scratch) const {
  if (posting.other == kNone) return true;
  if (posting.other != Posting::kAsk && scratch.view_.contexts().size() == 1) {
    return BranchJudge::holds_somewhere(index_, posting.other, scratch);
  }
  return BranchJudge(*this, branches_[branch_of(posting.waiter)], scratch).holds();
}

void Matcher::add_all_of(const Branch& branch, Scratch& scratch,
                         std::vector<SubscriptionNumber>& matches) const {
  for (const std::uint32_t subscription : branch.subscriptions) {
    const SubscriptionNumber number = subscription & kNumber;
    if ((subscription & kSeveral) != 0 &&
        std::exchange(scratch.matched_in_[number], scratch.message_) == scratch.message_) {
      continue;
    }
    matches.push_back(number);
  }
}

}  // namespace ringpost::filter
