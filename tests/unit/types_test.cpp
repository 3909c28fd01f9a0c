// Text forms of ids and receipts; reading attributes in place.
#include "ringpost/types.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "queue/attributes.hpp"

namespace ringpost {
namespace {

TEST(MessageId, IsWrittenAsAUuid) {
  const MessageId id{0x0123456789abcdef, 0xfedcba9876543210};
  EXPECT_EQ(id.to_string(), "01234567-89ab-cdef-fedc-ba9876543210");
}

TEST(MessageId, IsReadBackFromItsText) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const MessageId id{random(), random() >> (i % 64)};
    EXPECT_EQ(MessageId::parse(id.to_string()), id);
  }
}

TEST(MessageId, IsNotReadFromAnythingElse) {
  for (const char* text :
       {"", "x", "01234567-89ab-cdef-fedc-ba987654321", "01234567-89ab-cdef-fedc-ba98765432100",
        "0123456789ab-cdef-fedc-ba9876543210--", "01234567-89ab-cdef-fedc-ba987654321g",
        "-1234567-89ab-cdef-fedc-ba9876543210", "01234567+89ab+cdef+fedc+ba9876543210"}) {
    EXPECT_FALSE(MessageId::parse(text)) << text;
  }
}

TEST(Receipt, IsReadBackFromItsText) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 200; ++i) {
    const Receipt receipt{random(), static_cast<std::uint32_t>(random()),
                          static_cast<std::uint32_t>(random()), random() >> (i % 64),
                          static_cast<std::uint32_t>(random() >> 40)};
    EXPECT_EQ(Receipt::parse(receipt.to_string()), receipt) << receipt.to_string();
  }
}

TEST(Receipt, IsNotReadFromAnythingElse) {
  for (const char* text : {"", "1", "1-2-3-4", "1-2-3-4-5-6", "1-2-3-4-", "-1-2-3-4-5", "1-2-3-4-x",
                           "1-100000000-3-4-5", "1-2-100000000-4-5", "1-2-3-4-100000000",
                           "11111111111111111-2-3-4-5", " 1-2-3-4-5", "1-2-3-4-5 "}) {
    EXPECT_FALSE(Receipt::parse(text)) << text;
  }
}

std::vector<std::byte> encoded(const AttributeList& attributes) {
  std::vector<std::byte> bytes(queue::encoded_bytes(attributes));
  queue::encode(attributes, bytes.data());
  return bytes;
}

TEST(AttributeView, GivesEachAttributeInOrder) {
  const auto bytes =
      encoded({{"venue", "spot"}, {"size", "7", "Number"}, {"raw", "\0\1", "Binary"}});
  std::vector<std::string> names;
  for (const Attribute& each : AttributeView(bytes)) names.emplace_back(each.name);
  EXPECT_EQ(names, (std::vector<std::string>{"venue", "size", "raw"}));
}

TEST(AttributeView, FindsAnAttributeByName) {
  const auto bytes = encoded({{"venue", "spot"}, {"size", "7", "Number.int"}});
  const auto found = AttributeView(bytes).find("size");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->value, "7");
  EXPECT_EQ(found->type, "Number.int");
  EXPECT_FALSE(AttributeView(bytes).find("Size"));
  EXPECT_FALSE(AttributeView().find("size"));
}

TEST(AttributeView, EndsWhereTheBytesMakeNoSense) {
  const auto bytes = encoded({{"a", "1"}, {"b", "2"}, {"c", "3"}});
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    std::size_t count = 0;
    for (const Attribute& each : AttributeView(ByteSpan(bytes).first(cut))) {
      EXPECT_EQ(each.name.size(), 1u);
      ++count;
    }
    EXPECT_LE(count, 2u);
  }
}

TEST(AttributeView, NeverReadsBeyondItsBytesWhateverTheySay) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2'000; ++i) {
    // An allocation of exactly these bytes: the address sanitizer sees one too many.
    const std::size_t size = random() % 64;
    const std::unique_ptr<std::byte[]> bytes(new std::byte[size]);
    for (std::size_t at = 0; at < size; ++at) bytes[at] = static_cast<std::byte>(random() % 5);
    std::size_t total = 0;
    for (const Attribute& each : AttributeView(ByteSpan(bytes.get(), size))) {
      total += each.name.size() + each.type.size() + each.value.size();
      for (const char c : each.value) total += c == 'x' ? 1 : 0;
    }
    EXPECT_LE(total, size + size);
  }
}

}  // namespace
}  // namespace ringpost
