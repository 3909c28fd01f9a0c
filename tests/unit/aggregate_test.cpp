// Several records in one, as the Kinesis producer library packs them.
#include <gtest/gtest.h>

#include "stream/aggregate.hpp"

namespace ringpost::test {
namespace {

using stream::Aggregate;

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

TEST(AnAggregate, IsWhatTheProducerLibraryMakes) {  // P01 P02 P03 P14
  Aggregate aggregate;
  aggregate.add("k1", std::nullopt, as_bytes("A"));
  aggregate.add("k2", std::nullopt, as_bytes("BC"));
  EXPECT_EQ(aggregate.finish(), from_hex("f3899ac20a026b310a026b321a0508001a01411a0608011a024243"
                                         "74120a9625e6c922ee303d13b47ac1b6"));
}

TEST(AnAggregate, GivesBackWhatWasPutIn) {  // P06 P07
  Aggregate aggregate;
  const HashKey high{1, 2};
  const std::string large(100'000, 'x');
  std::size_t expected = 0;
  const auto add = [&](std::string_view key, std::optional<HashKey> hash_key, ByteSpan data) {
    expected = aggregate.bytes_with(key, hash_key, data.size());
    aggregate.add(key, hash_key, data);
  };
  add("a", std::nullopt, as_bytes(large));
  add("b", high, {});
  add("a", HashKey{}, as_bytes("1"));
  add("a", high, as_bytes("2"));
  const std::string packed = aggregate.finish();
  EXPECT_EQ(packed.size(), aggregate.bytes());
  EXPECT_EQ(packed.size(), expected);

  const auto records = stream::unpack(as_bytes(packed));
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 4u);
  EXPECT_EQ((*records)[0].key, "a");
  EXPECT_EQ(as_text((*records)[0].data), large);
  EXPECT_EQ((*records)[0].explicit_hash_key, std::nullopt);
  EXPECT_EQ((*records)[1].key, "b");
  EXPECT_EQ((*records)[1].explicit_hash_key, high);
  EXPECT_TRUE((*records)[1].data.empty());
  EXPECT_EQ((*records)[2].explicit_hash_key, HashKey{});
  EXPECT_EQ(as_text((*records)[3].data), "2");
}

TEST(AnAggregate, OfManyKeysIsNoLargerThanForetold) {
  Aggregate aggregate;
  for (int i = 0; i < 1'000; ++i) {
    const std::string key = "key " + std::to_string(i % 300);
    const std::size_t foretold = aggregate.bytes_with(key, std::nullopt, 3);
    aggregate.add(key, std::nullopt, as_bytes("abc"));
    EXPECT_LE(aggregate.bytes(), foretold);
    EXPECT_GE(aggregate.bytes() + 2, foretold);
  }
  EXPECT_EQ(stream::unpack(as_bytes(aggregate.finish()))->size(), 1'000u);
  aggregate.clear();
  EXPECT_EQ(aggregate.size(), 0u);
  EXPECT_EQ(aggregate.bytes(), 20u);
}

TEST(APlainRecord, IsTakenForOneWhateverIsInIt) {  // P06
  Aggregate aggregate;
  aggregate.add("k", std::nullopt, as_bytes("data"));
  const std::string packed = aggregate.finish();
  ASSERT_TRUE(stream::unpack(as_bytes(packed)));
  for (std::size_t i = 0; i < packed.size(); ++i) {
    std::string damaged = packed;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(stream::unpack(as_bytes(damaged))) << i;
    EXPECT_FALSE(stream::unpack(as_bytes(packed).first(i))) << i;
  }
}

/// The digest is right, and what it is of is not a message.
TEST(APlainRecord, MayHaveTheDigestOfAnAggregate) {  // P06
  for (const char* const hex :
       {"f3899ac2ff00594fd4f42ba43fc1ca0427a0576295",                   // an unfinished number
        "f3899ac21a0508051a0141e6822558bcda959360e9e0ced01f8c42",       // no such key
        "f3899ac20a016b1a0308001aae2d09491be3f1c5293f687a1eab9f8b",     // data without a length
        "f3899ac20a016b1a0208001a66f4e74960a4d325814bb8441fef9e0f"}) {  // no data
    EXPECT_FALSE(stream::unpack(as_bytes(from_hex(hex))));
  }
}

}  // namespace
}  // namespace ringpost::test
