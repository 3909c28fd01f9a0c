#include "mark.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "ringpost/ringpost.hpp"

namespace ringpost::market_feed {
namespace {

/// What a receiver reads of a message with these attributes.
std::optional<Mark> mark_received(const AttributeList& attributes) {
  const std::string name = "mark-test-" + std::to_string(getpid());
  std::optional<Mark> mark;
  {
    Bus bus = Bus::open(name).value();
    Queue queue = bus.queue("marks").value();
    queue.send("body", {.attributes = attributes}).value();
    Leases leases = queue.receive().value();
    mark = read_mark(leases.front().attributes());
  }
  Bus::remove(name).value();
  return mark;
}

TEST(Mark, TravelsWithAMessage) {
  const Mark mark{1, 42'735, 0, 17};
  const Attribute attribute = as_attribute(mark);
  EXPECT_EQ(mark_received(std::span<const Attribute>(&attribute, 1)), mark);
}

TEST(Mark, IsFoundBesideOtherAttributes) {
  const Mark mark{1, 2, 3, 4};
  const Attribute both[] = {{"venue", "spot"}, as_attribute(mark)};
  EXPECT_EQ(mark_received(std::span<const Attribute>(both)), mark);
}

TEST(Mark, IsNotReadFromAnythingElse) {
  EXPECT_FALSE(read_mark(AttributeView()));
  EXPECT_FALSE(mark_received({{"mark", "17", "Number"}}));
  EXPECT_FALSE(mark_received({{"mark", "short", "Binary"}}));
}

}  // namespace
}  // namespace ringpost::market_feed
