// Tags of a queue: each change is made as a whole, whoever dies.
#include <gtest/gtest.h>
#include <unistd.h>

#include "queue/tags.hpp"
#include "support/child.hpp"
#include "support/corruption.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

class QueueTags : public ::testing::Test {
 protected:
  [[nodiscard]] std::size_t files() const { return files_in(test_.path("tags")).size(); }
  [[nodiscard]] Tags tags() const { return queue_.tags().value(); }
  static Errc remove(Queue& queue, const std::vector<std::string>& keys) {
    return code_of(queue.remove_tags(keys));
  }

  TestBus test_;
  Queue queue_ = test_.queue("q", {.slots = 64});
};

TEST_F(QueueTags, AreNoneAtFirst) {
  EXPECT_EQ(tags(), Tags{});
  EXPECT_EQ(files(), 0u);
}

TEST_F(QueueTags, AreAddedAndThoseOfTheSameKeyReplaced) {
  ASSERT_TRUE(queue_.set_tags({{"team", "billing"}, {"stage", ""}}));
  ASSERT_TRUE(queue_.set_tags({{"team", "orders"}, {"Team", "other"}}));
  EXPECT_EQ(tags(), (Tags{{"team", "orders"}, {"Team", "other"}, {"stage", ""}}));
  EXPECT_EQ(files(), 1u);
}

TEST_F(QueueTags, AreRemovedByTheirKeys) {
  ASSERT_TRUE(queue_.set_tags({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  EXPECT_EQ(remove(queue_, {"a", "c", "never"}), Errc::kOk);
  EXPECT_EQ(tags(), (Tags{{"b", "2"}}));
  EXPECT_EQ(remove(queue_, {"b"}), Errc::kOk);
  EXPECT_EQ(tags(), Tags{});
  EXPECT_EQ(files(), 0u);
}

TEST_F(QueueTags, AreThoseOfTheCreationIfTheQueueIsMadeByIt) {
  ASSERT_TRUE(test_.bus().queue("new", {.slots = 64}, {{"a", "1"}}));
  ASSERT_TRUE(test_.bus().queue("new", {.slots = 64}, {{"a", "2"}, {"b", "2"}}));
  EXPECT_EQ(test_.bus().open_queue("new")->tags().value(), (Tags{{"a", "1"}}));
  EXPECT_EQ(code_of(test_.bus().queue("bad", {}, {{"", "x"}})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(test_.bus().open_queue("bad")), Errc::kNotFound);
}

TEST_F(QueueTags, AreSeenByEveryParticipant) {
  Bus bus = test_.attach();
  Queue other = bus.open_queue("q").value();
  ASSERT_TRUE(queue_.set_tags({{"a", "1"}}));
  EXPECT_EQ(other.tags().value(), (Tags{{"a", "1"}}));
  ASSERT_TRUE(other.set_tags({{"b", "2"}}));
  EXPECT_EQ(tags(), (Tags{{"a", "1"}, {"b", "2"}}));
}

TEST_F(QueueTags, AreFiftyAtMost) {
  Tags many;
  for (int i = 0; i < 50; ++i) many["key" + std::to_string(i)] = "x";
  ASSERT_TRUE(queue_.set_tags(many));
  EXPECT_EQ(code_of(queue_.set_tags({{"key7", "y"}, {"one more", "y"}})), Errc::kInvalidArgument);
  EXPECT_EQ(tags(), many);
  many["key7"] = "y";
  ASSERT_TRUE(queue_.set_tags({{"key7", "y"}}));
  EXPECT_EQ(tags(), many);
}

TEST_F(QueueTags, HaveKeysOf1To128AndValuesOfUpTo256Characters) {
  const auto times = [](std::size_t count, std::string_view text) {
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += text;
    return all;
  };
  for (const std::string_view character : {"x", "ä", "€", "𝄞"}) {
    const Tags longest{{times(128, character), times(256, character)}};
    EXPECT_TRUE(queue_.set_tags(longest)) << character;
    EXPECT_EQ(code_of(queue_.set_tags({{times(129, character), ""}})), Errc::kInvalidArgument);
    EXPECT_EQ(code_of(queue_.set_tags({{"k", times(257, character)}})), Errc::kInvalidArgument);
  }
  EXPECT_EQ(tags().size(), 4u);
  for (const char* bad : {"", "\xff", "\xc3", "a\x01"}) {
    EXPECT_EQ(code_of(queue_.set_tags({{bad, "x"}})), Errc::kInvalidArgument) << bad;
  }
  EXPECT_EQ(code_of(queue_.set_tags({{"k", "\xff"}})), Errc::kInvalidArgument);
}

TEST_F(QueueTags, GoWithTheirQueue) {
  ASSERT_TRUE(queue_.set_tags({{"a", "1"}}));
  ASSERT_TRUE(test_.bus().delete_queue("q"));
  EXPECT_EQ(files(), 0u);
  EXPECT_EQ(code_of(queue_.set_tags({{"a", "1"}})), Errc::kDeleted);
  EXPECT_EQ(code_of(queue_.tags()), Errc::kDeleted);
  EXPECT_EQ(test_.queue("q").tags().value(), Tags{});
}

TEST_F(QueueTags, OfSeveralWhoChangeThemAtOnceAreAllThere) {
  const auto work = [&](const std::string& name) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    Queue queue = bus.open_queue("q").value();
    for (int i = 0; i < 20; ++i) {
      require(bool(queue.set_tags({{name + std::to_string(i), "x"}})), "set");
    }
  };
  Child one([&](const Line&) { work("one"); });
  Child other([&](const Line&) { work("other"); });
  EXPECT_EQ(one.finish(), 0);
  EXPECT_EQ(other.finish(), 0);
  EXPECT_EQ(tags().size(), 40u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(QueueTags, OfOneWhoIsKilledAreAllThoseBeforeOrAllThoseAfter) {
  for (int round = 0; round < 20; ++round) {
    Child child([&](const Line& line) {
      Bus bus = Bus::open(TestBus::kName, test_.options()).value();
      Queue queue = bus.open_queue("q").value();
      line.tell("ready");
      for (int i = 0;; ++i) {
        const std::string value = std::to_string(i);
        require(bool(queue.set_tags({{"a", value}, {"b", value}})), "set");
      }
    });
    ASSERT_EQ(child.hear(), "ready");
    child.kill();
    Tags left = tags();
    EXPECT_EQ(left["a"], left["b"]);
  }
  EXPECT_EQ(test_.findings_after_sweep(), "");
  EXPECT_LE(files(), 1u);
  ASSERT_TRUE(queue_.set_tags({{"c", "3"}}));
}

TEST_F(QueueTags, ThatWereNeverNamedAreSweptWhenTheirMakerIsDead) {
  ASSERT_TRUE(queue_.set_tags({{"a", "1"}}));
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    RawRing raw(bus, "q");
    require(bool(queue::make_tags_file(raw.member().me(), {{"b", "2"}})), "make");
    line.tell("ready");
    static_cast<void>(line.hear());
  });
  ASSERT_EQ(child.hear(), "ready");
  test_.bus().sweep();
  EXPECT_EQ(files(), 2u);  // it may still name it
  child.kill();
  EXPECT_EQ(test_.bus().sweep().files_removed, 1u);
  EXPECT_EQ(tags(), (Tags{{"a", "1"}}));
}

TEST_F(QueueTags, ThatAreDamagedAreFoundAndReplaced) {
  ASSERT_TRUE(queue_.set_tags({{"a", "1"}}));
  const std::string path = only_file_in(test_.path("tags"));
  {
    const RawFile file(path);
    file.data()[sizeof(queue::TagsHeader)] = std::byte{0xff};  // a length
  }
  EXPECT_EQ(code_of(queue_.tags()), Errc::kCorrupt);
  EXPECT_NE(test_.findings().find("tags"), std::string::npos);
  ASSERT_TRUE(queue_.set_tags({{"b", "2"}}));
  EXPECT_EQ(tags(), (Tags{{"b", "2"}}));
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(QueueTags, ThatAreGoneAreFoundAndReplaced) {
  ASSERT_TRUE(queue_.set_tags({{"a", "1"}}));
  ASSERT_EQ(::unlink(only_file_in(test_.path("tags")).c_str()), 0);
  EXPECT_EQ(code_of(queue_.tags()), Errc::kNotFound);
  EXPECT_NE(test_.findings().find("tags"), std::string::npos);
  ASSERT_TRUE(queue_.set_tags({{"b", "2"}}));
  EXPECT_EQ(test_.findings(), "");
}

}  // namespace
}  // namespace ringpost::test
