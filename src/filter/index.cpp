#include "filter/index.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "filter/fold.hpp"

namespace ringpost::filter {
namespace {

constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15u;

/// A hash that is known at each length on the way.
class RunningHash {
 public:
  explicit RunningHash(std::uint64_t seed) noexcept : state_((seed + 1) * kMultiplier) {}
  void add(char c) noexcept {
    state_ = (state_ ^ static_cast<std::uint8_t>(c)) * kMultiplier;
    state_ ^= state_ >> 29;
  }
  [[nodiscard]] std::uint32_t value() const noexcept {
    return static_cast<std::uint32_t>(state_ ^ state_ >> 32);
  }

 private:
  std::uint64_t state_;
};

constexpr std::uint64_t seed_of(std::uint32_t path, Kind kind) noexcept {
  return std::uint64_t{path} << 8 | static_cast<std::uint8_t>(kind);
}

std::uint32_t hash_of(std::string_view text, std::uint64_t seed) noexcept {
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(text.data(), text.size(), seed));
}

std::uint32_t hash_of(std::uint32_t path, Kind kind, std::string_view operand) noexcept {
  const std::uint64_t seed = seed_of(path, kind);
  RunningHash hash(seed);
  if (kind == Kind::kPrefix || kind == kHead) {
    for (const char c : operand) hash.add(c);
    return hash.value();
  }
  if (kind == Kind::kSuffix || kind == kTail) {
    for (auto c = operand.rbegin(); c != operand.rend(); ++c) hash.add(*c);
    return hash.value();
  }
  return hash_of(operand, seed);
}

/// What Path::nets counts: length of the mask and family.
std::uint32_t net_of(std::string_view operand) noexcept {
  constexpr std::uint32_t kSix = 256;
  return static_cast<std::uint8_t>(operand.front()) | (operand.size() > 5 ? kSix : 0);
}

Lengths* lengths_of(Path& path, Kind kind) noexcept {
  if (kind == Kind::kPrefix) return &path.prefixes;
  if (kind == Kind::kSuffix) return &path.suffixes;
  if (kind == kHead) return &path.heads;
  if (kind == kTail) return &path.tails;
  return kind == Kind::kCidr ? &path.nets : nullptr;
}

std::uint32_t length_of(const Predicate& predicate) noexcept {
  const std::string_view operand = predicate.operand.view();
  return predicate.kind == Kind::kCidr ? net_of(operand)
                                       : static_cast<std::uint32_t>(operand.size());
}

bool is_tried(Kind kind) noexcept {
  return is_anything_but(kind) || kind == Kind::kExists || kind == Kind::kAbsent;
}

}  // namespace

void Lengths::add(std::uint32_t length) {
  const auto at = std::lower_bound(counts_.begin(), counts_.end(), std::pair(length, 0u));
  if (at != counts_.end() && at->first == length) {
    ++at->second;
  } else {
    counts_.insert(at, {length, 1});
  }
}

void Lengths::remove(std::uint32_t length) noexcept {
  const auto at = std::lower_bound(counts_.begin(), counts_.end(), std::pair(length, 0u));
  if (--at->second == 0) counts_.erase(at);
}

void Search::start(std::size_t predicates) {
  found_.clear();
  if (states_.size() < predicates) {
    states_.resize(predicates + predicates / 2);
    tried_on_.resize(states_.size());
  }
  message_ += 2;
  if (message_ == 0) {
    std::fill(states_.begin(), states_.end(), 0);
    message_ = 2;
  }
}

void Search::start_value() noexcept {
  if (++value_ == 0) {
    std::fill(tried_on_.begin(), tried_on_.end(), 0);
    value_ = 1;
  }
}

Index::Index() {
  for (const Scope scope : {Scope::kAttributes, Scope::kBody}) {
    paths_[paths_.take()].scope = scope;
  }
}

// Paths

std::uint32_t Index::find_child(std::uint32_t parent, std::string_view segment) const noexcept {
  if (paths_[parent].children == 0) return kNone;
  const std::uint32_t hash = hash_of(segment, parent);
  return path_chains_.find(paths_, hash, [&](const Path& path) {
    return path.parent == parent && path.segment == segment;
  });
}

std::uint32_t Index::find_path(std::uint32_t below, std::string_view keys) const noexcept {
  while (below != kNone) {
    const std::size_t point = keys.find('.');
    below = find_child(below, keys.substr(0, point));
    if (point == std::string_view::npos) break;
    keys.remove_prefix(point + 1);
  }
  return below;
}

std::uint32_t Index::acquire_path(std::uint32_t root, std::string_view keys) {
  std::uint32_t at = root;
  while (true) {
    const std::size_t point = keys.find('.');
    const std::string_view segment = keys.substr(0, point);
    std::uint32_t child = find_child(at, segment);
    if (child == kNone) {
      child = paths_.take();
      Path& path = paths_[child];
      path.hash = hash_of(segment, at);
      path.parent = at;
      path.scope = paths_[root].scope;
      path.segment = segment;
      path_chains_.insert(paths_, child);
      ++paths_[at].children;
    }
    at = child;
    if (point == std::string_view::npos) return at;
    keys.remove_prefix(point + 1);
  }
}

void Index::release_path(std::uint32_t path) {
  while (paths_[path].parent != kNone && paths_[path].predicates == 0 &&
         paths_[path].children == 0) {
    const std::uint32_t parent = paths_[path].parent;
    path_chains_.erase(paths_, path);
    paths_.give_back(path);
    --paths_[parent].children;
    path = parent;
  }
}

// Predicates

std::uint32_t Index::find_predicate(std::uint32_t path, Kind kind, std::string_view operand,
                                    std::uint32_t hash) const noexcept {
  return predicate_chains_.find(predicates_, hash, [&](const Predicate& predicate) {
    return predicate.path == path && predicate.kind == kind && predicate.operand.view() == operand;
  });
}

std::uint32_t Index::acquire(Scope scope, std::string_view keys, const Condition& condition) {
  return acquire_at(acquire_path(root(scope), keys), condition.kind, condition.operand);
}

std::uint32_t Index::acquire_at(std::uint32_t path, Kind kind, std::string_view operand) {
  const std::uint32_t hash = hash_of(path, kind, operand);
  std::uint32_t number = find_predicate(path, kind, operand, hash);
  if (number == kNone) {
    number = predicates_.take();
    if (ways_.size() < predicates_.size()) ways_.resize(predicates_.size());
    Predicate& predicate = predicates_[number];
    predicate.hash = hash;
    predicate.path = path;
    predicate.kind = kind;
    predicate.operand = Text(operand);
    predicate_chains_.insert(predicates_, number);
    ++paths_[path].predicates;
  }
  ++predicates_[number].references;
  return number;
}

void Index::release(std::uint32_t number) {
  if (--predicates_[number].references != 0) return;
  const std::uint32_t path = predicates_[number].path;
  predicate_chains_.erase(predicates_, number);
  predicates_.give_back(number);
  --paths_[path].predicates;
  release_path(path);
}

std::uint64_t Index::cost(std::uint32_t number) const noexcept {
  const Predicate& predicate = predicates_[number];
  const std::uint64_t waiting = predicate.postings.size();
  switch (predicate.kind) {
    case Kind::kPrefix:
    case Kind::kSuffix:
      return 2 * waiting + 1;
    case Kind::kWildcard:
      return 4 * waiting + 8;
    case Kind::kRange:
      return 8 * waiting + 16;
    default:
      return is_tried(predicate.kind) ? 64 * waiting + 1024 : waiting;  // most values answer those
  }
}

std::uint32_t Index::post(std::uint32_t number, const Posting& posting) {
  Predicate& predicate = predicates_[number];
  predicate.postings.push_back(posting);
  if (predicate.postings.size() == 1) activate(number);
  return static_cast<std::uint32_t>(predicate.postings.size() - 1);
}

Posting Index::unpost(std::uint32_t number, std::uint32_t place) {
  Few<Posting, 1>& postings = predicates_[number].postings;
  const Posting moved = postings.back();
  postings[place] = moved;
  postings.pop_back();
  if (postings.empty()) deactivate(number);
  return moved;
}

void Index::activate(std::uint32_t number) {
  Predicate& predicate = predicates_[number];
  Path& path = paths_[predicate.path];
  ++path.active[static_cast<std::size_t>(predicate.kind)];
  if (Lengths* const lengths = lengths_of(path, predicate.kind)) lengths->add(length_of(predicate));
  if (predicate.kind == Kind::kRange) path.ranges.insert(predicate.operand.view(), number);
  if (predicate.kind == Kind::kWildcard) anchor(number);
  if (is_tried(predicate.kind)) list(number);
}

void Index::deactivate(std::uint32_t number) {
  Predicate& predicate = predicates_[number];
  Path& path = paths_[predicate.path];
  --path.active[static_cast<std::size_t>(predicate.kind)];
  if (Lengths* const lengths = lengths_of(path, predicate.kind)) {
    lengths->remove(length_of(predicate));
  }
  if (predicate.kind == Kind::kRange) path.ranges.erase(predicate.operand.view(), number);
  if (predicate.kind == Kind::kWildcard) unanchor(number);
  if (is_tried(predicate.kind)) unlist(number);
}

std::vector<std::uint32_t>& Index::list_of(const Predicate& predicate) noexcept {
  Path& path = paths_[predicate.path];
  return predicate.kind == Kind::kAbsent ? absent_[static_cast<std::size_t>(path.scope)]
                                         : path.tried;
}

void Index::list(std::uint32_t number) {
  std::vector<std::uint32_t>& list = list_of(predicates_[number]);
  ways_[number].place = static_cast<std::uint32_t>(list.size());
  list.push_back(number);
}

void Index::unlist(std::uint32_t number) noexcept {
  std::vector<std::uint32_t>& list = list_of(predicates_[number]);
  const std::uint32_t place = ways_[number].place;
  list[place] = list.back();
  ways_[list[place]].place = place;
  list.pop_back();
}

// Wildcards

void Index::anchor(std::uint32_t number) {
  const std::uint32_t path = predicates_[number].path;
  std::string_view rest = predicates_[number].operand.view();
  const std::string_view first = take_piece(rest);
  std::string_view last;
  std::string_view longest;
  while (!rest.empty()) {
    last = take_piece(rest);
    if (last.size() > longest.size()) longest = last;
  }
  std::uint32_t by = kNone;
  if (!first.empty()) {
    by = acquire_at(path, kHead, first);
  } else if (!last.empty()) {
    by = acquire_at(path, kTail, last);
  } else if (longest.size() >= kGramBytes) {
    by = acquire_at(path, kGram, longest.substr(0, kGramBytes));
  } else {
    return list(number);
  }
  const std::uint32_t place = post(by, {.waiter = number});
  ways_[number] = {place, by};
}

void Index::unanchor(std::uint32_t number) {
  const Way way = ways_[number];
  if (way.anchor == kNone) return unlist(number);
  const Posting moved = unpost(way.anchor, way.place);
  ways_[moved.waiter].place = way.place;
  release(way.anchor);
  ways_[number] = {};
}

// The search

class Index::Finder {
 public:
  Finder(const Index& index, std::uint32_t path, Search& search) noexcept
      : index_(index), path_(index.paths_[path]), number_(path), search_(search) {}

  void find(const Value& value) {
    switch (value.type) {
      case Value::Type::kString:
        return find_string(value);
      case Value::Type::kNumber:
        if (path_.count(Kind::kNumber) != 0) look_up(Kind::kNumber, value.text);
        return path_.ranges.visit(value.text,
                                  [this](std::uint32_t predicate) { search_.add(predicate); });
      case Value::Type::kTrue:
        return look_up(Kind::kTrue, {});
      case Value::Type::kFalse:
        return look_up(Kind::kFalse, {});
      case Value::Type::kNull:
        return look_up(Kind::kNull, {});
    }
  }

  void try_all(std::span<const Value> values) {
    for (const std::uint32_t number : path_.tried) try_on(number, values);
  }

 private:
  void find_string(const Value& value) {
    const std::string_view text = value.text;
    if (path_.count(Kind::kString) != 0) look_up(Kind::kString, text);
    if (path_.count(Kind::kIgnoreCase) != 0) {
      char* const folded = search_.room(fold_bytes_max(text.size()));
      look_up(Kind::kIgnoreCase, {folded, fold_case(text, folded)});
    }
    look_up_beginnings(Kind::kPrefix, path_.prefixes, value);
    look_up_endings(Kind::kSuffix, path_.suffixes, value);
    look_up_beginnings(kHead, path_.heads, value);
    look_up_endings(kTail, path_.tails, value);
    if (path_.count(kGram) != 0) look_up_grams(value);
    if (!path_.nets.empty()) look_up_nets(text);
  }

  void look_up(Kind kind, std::string_view operand) {
    found(index_.find_predicate(number_, kind, operand, hash_of(number_, kind, operand)));
  }
  void look_up_beginnings(Kind kind, const Lengths& lengths, const Value& value) {
    RunningHash hash(seed_of(number_, kind));
    std::size_t hashed = 0;
    for (const auto& [length, count] : lengths) {
      if (length > value.text.size()) return;
      for (; hashed < length; ++hashed) hash.add(value.text[hashed]);
      found(index_.find_predicate(number_, kind, value.text.substr(0, length), hash.value()),
            value);
    }
  }
  void look_up_endings(Kind kind, const Lengths& lengths, const Value& value) {
    RunningHash hash(seed_of(number_, kind));
    std::size_t hashed = 0;
    for (const auto& [length, count] : lengths) {
      if (length > value.text.size()) return;
      for (; hashed < length; ++hashed) hash.add(value.text[value.text.size() - 1 - hashed]);
      found(index_.find_predicate(number_, kind, value.text.substr(value.text.size() - length),
                                  hash.value()),
            value);
    }
  }
  void look_up_grams(const Value& value) {
    search_.start_value();
    for (std::size_t i = 0; i + kGramBytes <= value.text.size(); ++i) {
      const std::string_view gram = value.text.substr(i, kGramBytes);
      const std::uint32_t number =
          index_.find_predicate(number_, kGram, gram, hash_of(number_, kGram, gram));
      if (number != kNone && search_.is_first(number)) found(number, value);
    }
  }
  void look_up_nets(std::string_view text) {
    const std::optional<Address> address = Address::parse(text);
    if (!address) return;
    for (const auto& [net, count] : path_.nets) {
      Address masked = *address;
      masked.mask(net & 0xff);
      char operand[1 + sizeof masked.bytes];
      operand[0] = static_cast<char>(net & 0xff);
      std::copy_n(masked.text().data(), masked.size, operand + 1);
      const std::string_view wanted(operand, 1u + masked.size);
      if (net_of(wanted) == net) look_up(Kind::kCidr, wanted);
    }
  }

  void found(std::uint32_t number) {
    if (number != kNone && !index_.predicates_[number].postings.empty()) search_.add(number);
  }
  /// Of kHead, kTail and kGram: the wildcards behind them may hold.
  void found(std::uint32_t number, const Value& value) {
    if (number == kNone) return;
    const Predicate& predicate = index_.predicates_[number];
    if (static_cast<std::size_t>(predicate.kind) < kKinds) return found(number);
    for (const Posting& posting : predicate.postings) try_on(posting.waiter, {&value, 1});
  }
  void try_on(std::uint32_t number, std::span<const Value> values) {
    if (search_.is_found(number)) return;
    const Predicate& predicate = index_.predicates_[number];
    if (holds(predicate.kind, predicate.operand.view(), values)) search_.add(number);
  }

  const Index& index_;
  const Path& path_;
  std::uint32_t number_;
  Search& search_;
};

void Index::find(std::uint32_t path, std::span<const Value> values, Search& search) const {
  Finder finder(*this, path, search);
  for (const Value& value : values) finder.find(value);
  finder.try_all(values);
}

}  // namespace ringpost::filter
