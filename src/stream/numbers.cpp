// Hash keys and sequence numbers: 128 and 188 bits, in decimal for people.
#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <tuple>

#include "ringpost/stream.hpp"
#include "sqs/md5.hpp"
#include "stream/numbers.hpp"

namespace ringpost {
namespace {

using Number = boost::multiprecision::uint256_t;

constexpr std::size_t kDigitsMax = 77;  // 10^77 is below 2^256
constexpr char kShardPrefix[] = "shardId-";
constexpr std::size_t kShardDigits = 12;

/// `0|[1-9]\d*` that fits.
std::optional<Number> parse_decimal(std::string_view text) {
  if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
  if (text.front() == '0' && text.size() > 1) return std::nullopt;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  Number number = 0;
  for (const char c : text) number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

/// The layout of a sequence number, from its low end; 188 bits.
struct Field {
  unsigned shift;
  unsigned bits;
  [[nodiscard]] std::uint64_t of(const Number& number) const {
    return static_cast<std::uint64_t>((number >> shift) & ((Number(1) << bits) - 1));
  }
  void put(Number& number, std::uint64_t value) const {
    number |= (Number(value) & ((Number(1) << bits) - 1)) << shift;
  }
};
constexpr Field kTail{0, 4};       // 2
constexpr Field kShard{4, 32};     // its number
constexpr Field kArrival{36, 36};  // seconds
constexpr Field kZero{72, 8};
constexpr Field kIndex{80, 64};        // the position
constexpr Field kShardNibble{144, 4};  // the low bits of its number once more
constexpr Field kCreated{148, 36};     // seconds
constexpr Field kVersion{184, 4};      // 2
constexpr std::uint64_t kVersionTwo = 2;

}  // namespace

HashKey HashKey::of(std::string_view partition_key) noexcept {
  const auto digest = sqs::md5(as_bytes(partition_key));
  HashKey key;
  for (std::size_t i = 0; i < 8; ++i) {
    key.high = key.high << 8 | digest[i];
    key.low = key.low << 8 | digest[i + 8];
  }
  return key;
}

std::string HashKey::to_string() const { return Number((Number(high) << 64) | Number(low)).str(); }

std::optional<HashKey> HashKey::parse(std::string_view decimal) noexcept {
  const auto number = parse_decimal(decimal);
  if (!number || *number >> 128 != 0) return std::nullopt;
  return HashKey{static_cast<std::uint64_t>(*number >> 64),
                 static_cast<std::uint64_t>(*number & ~std::uint64_t{0})};
}

std::string SequenceNumber::to_string() const {
  if (*this == SequenceNumber{}) return "0";
  Number number = 0;
  kTail.put(number, kVersionTwo);
  kShard.put(number, shard);
  kArrival.put(number, arrival_s);
  kIndex.put(number, position);
  kShardNibble.put(number, shard & 15);
  kCreated.put(number, shard_created_s);
  kVersion.put(number, kVersionTwo);
  return number.str();
}

std::optional<SequenceNumber> SequenceNumber::parse(std::string_view decimal) {
  const auto number = parse_decimal(decimal);
  if (!number) return std::nullopt;
  if (*number == 0) return SequenceNumber{};
  const SequenceNumber parsed{.shard_created_s = kCreated.of(*number),
                              .shard = static_cast<std::uint32_t>(kShard.of(*number)),
                              .position = kIndex.of(*number),
                              .arrival_s = kArrival.of(*number)};
  const bool is_version_two = *number >> 184 == kVersionTwo && kTail.of(*number) == kVersionTwo &&
                              kZero.of(*number) == 0 &&
                              kShardNibble.of(*number) == (parsed.shard & 15);
  return is_version_two ? std::optional(parsed) : std::nullopt;
}

std::strong_ordering operator<=>(const SequenceNumber& a, const SequenceNumber& b) noexcept {
  const auto key = [](const SequenceNumber& n) {
    return std::tuple(n.shard_created_s, n.shard & 15, n.position, n.arrival_s, n.shard);
  };
  return key(a) <=> key(b);
}

std::string ShardInfo::id_of(std::uint32_t number) {
  const std::string digits = std::to_string(number);
  return kShardPrefix + std::string(kShardDigits - digits.size(), '0') + digits;
}

std::optional<std::uint32_t> ShardInfo::parse_id(std::string_view id) noexcept {
  if (!id.starts_with(kShardPrefix)) return std::nullopt;
  id.remove_prefix(sizeof kShardPrefix - 1);
  std::uint32_t number = 0;
  const auto [end, code] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (id.size() != kShardDigits || code != std::errc{} || end != id.data() + id.size()) {
    return std::nullopt;
  }
  return number;
}

}  // namespace ringpost

namespace ringpost::stream {

std::vector<Range> equal_ranges(std::uint32_t count) {
  const Number all = Number(1) << 128;
  const Number width = all / count;
  const auto key = [](const Number& number) {
    return HashKey{static_cast<std::uint64_t>(number >> 64),
                   static_cast<std::uint64_t>(number & ~std::uint64_t{0})};
  };
  std::vector<Range> ranges;
  ranges.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Number first = width * i;
    ranges.push_back({key(first), i + 1 == count ? HashKey::max() : key(first + width - 1)});
  }
  return ranges;
}

HashKey before(const HashKey& key) noexcept {
  return {key.high - (key.low == 0 ? 1 : 0), key.low - 1};
}
HashKey behind(const HashKey& key) noexcept {
  return {key.high + (key.low == ~std::uint64_t{0} ? 1 : 0), key.low + 1};
}

HashKey width(const Range& range) noexcept {
  const bool borrow = range.last.low < range.first.low;
  return {range.last.high - range.first.high - (borrow ? 1 : 0), range.last.low - range.first.low};
}

HashKey middle(const Range& range) noexcept {
  HashKey half = width(range);
  half.low = half.low >> 1 | half.high << 63;
  half.high >>= 1;
  const std::uint64_t low = range.first.low + half.low;
  return behind({range.first.high + half.high + (low < half.low ? 1 : 0), low});
}

}  // namespace ringpost::stream
