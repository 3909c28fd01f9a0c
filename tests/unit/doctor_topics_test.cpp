// The doctor about topics: what is wrong with them, what waits, and what a sweep repairs.
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "client/member.hpp"
#include "support/child.hpp"
#include "support/corruption.hpp"
#include "support/test_bus.hpp"
#include "sys/file_lock.hpp"
#include "topic/layout.hpp"
#include "topic/turn.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

class DoctorOfTopics : public ::testing::Test {
 protected:
  /// The one finding there is must say all of this.
  void expect_finding(const std::vector<std::string>& texts) {
    const DoctorReport report = examine(test_.bus());
    ASSERT_EQ(report.findings.size(), 1u) << test_.findings();
    const Finding& found = report.findings.front();
    for (const std::string& text : texts) {
      EXPECT_NE((found.object + ": " + found.what + "; " + found.repair).find(text),
                std::string::npos)
          << text << " in " << found.object << ": " << found.what << "; " << found.repair;
    }
    repair_ = found.repair;
  }
  [[nodiscard]] RawFile file() const { return RawFile(test_.path("topics/prices")); }
  [[nodiscard]] static topic::TopicHeader& header_of(const RawFile& file) {
    return file.at<topic::TopicHeader>(0);
  }

  TestBus test_;
  Queue book_ = test_.queue("book", {.slots = 64, .fixed = true});
  Topic topic_ = test_.bus().topic("prices").value();
  std::string repair_;
};

TEST_F(DoctorOfTopics, CountsThemAndFindsNothingWrong) {
  topic_.subscribe("book", {.filter = R"({"a": ["b"]})", .dead_letter_queue = ""}).value();
  ASSERT_TRUE(topic_.set({.display_name = "Prices"}));
  const DoctorReport report = examine(test_.bus());
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(report.topics_checked, 1u);
  EXPECT_EQ(report.subscriptions_checked, 1u);
  EXPECT_TRUE(report.waiting.empty());
}

TEST_F(DoctorOfTopics, FindsADamagedListOfSubscriptions) {
  topic_.subscribe("book").value();
  file().data()[topic::kLogOffset + 20] ^= std::byte{1};
  expect_finding({"topic prices: its list of subscriptions is damaged", "ringpost topic delete"});
}

TEST_F(DoctorOfTopics, FindsAListThatEndsOutsideItsFile) {
  header_of(file()).end.store(1u << 30);
  expect_finding({"topic prices: its list of subscriptions is damaged"});
}

TEST_F(DoctorOfTopics, FindsAFileThatIsNoTopic) {
  file().word(0) = 7;
  expect_finding({"topic prices: ", "ringpost topic delete"});
}

TEST_F(DoctorOfTopics, FindsAFileWithAnotherTopicsName) {
  header_of(file()).name[0] = 'x';
  expect_finding({"topic prices: its header says that it is another topic"});
}

TEST_F(DoctorOfTopics, FindsAFileThatCannotBeATopic) {
  std::ofstream(test_.path("topics/no topic.txt")) << "x";
  expect_finding({"file topics/no topic.txt: no topic has this name"});
}

TEST_F(DoctorOfTopics, FindsASubscriptionOfADeletedQueue) {
  topic_.subscribe("book").value();
  ASSERT_TRUE(test_.bus().delete_queue("book"));
  expect_finding({"topic prices, subscription ", "its queue \"book\" was deleted", "are dropped",
                  "ringpost unsubscribe prices "});
  static_cast<void>(test_.queue("book"));
  expect_finding({"its queue \"book\" was deleted"});
}

TEST_F(DoctorOfTopics, FindsAMissingDeadLetterQueue) {
  static_cast<void>(test_.queue("dead"));
  topic_.subscribe("book", {.dead_letter_queue = "dead"}).value();
  EXPECT_EQ(test_.findings(), "");
  ASSERT_TRUE(test_.bus().delete_queue("dead"));
  expect_finding({"its dead-letter queue \"dead\" does not exist", "ringpost queue create dead"});
}

TEST_F(DoctorOfTopics, NamesWhoChangesOneAndStandsStill) {
  const auto held = sys::open_file(client::Member::of(test_.bus()).files().topics(), "prices");
  ASSERT_TRUE(sys::try_lock_byte(*held, topic::kWriterByte));
  header_of(file()).writer.store(4711);
  expect_finding({"process 4711 is changing it and stands still", "kill -CONT 4711"});
}

TEST_F(DoctorOfTopics, HasASweepFinishWhatTheDeadHadBegun) {
  for (const auto state : {topic::TopicState::kReplaced, topic::TopicState::kDeleted}) {
    header_of(file()).state.store(static_cast<std::uint32_t>(state));
    expect_finding({"topic prices: "});
    EXPECT_EQ(repair_, "") << "the sweeper repairs it";
    EXPECT_EQ(test_.findings_after_sweep(), "");
  }
  EXPECT_EQ(test_.bus().topic_names().value(), std::vector<std::string>{});
}

TEST_F(DoctorOfTopics, FindsADamagedTurnOfAFifoTopic) {
  Topic orders = test_.bus().topic("orders", {.fifo = true, .dedup = Dedup::kById}).value();
  ASSERT_TRUE(orders.publish("x", {.group = "a", .dedup_id = "1"}));
  EXPECT_EQ(test_.findings(), "");
  const std::string turn = files_in(test_.path("topics")).front();
  ASSERT_TRUE(turn.starts_with('.'));
  RawFile(test_.path("topics/" + turn)).at<topic::TurnHeader>(0).topic_id = 7;
  expect_finding({"topic orders: ", "it is damaged", "ringpost topic delete"});
}

TEST_F(DoctorOfTopics, HasASweepRemoveTurnsWhoseTopicIsGone) {
  Topic orders = test_.bus().topic("orders", {.fifo = true}).value();
  ASSERT_TRUE(orders.publish("x", {.group = "a"}));
  std::filesystem::remove(test_.path("topics/orders"));
  expect_finding({"file topics/.", "its topic is gone"});
  EXPECT_EQ(repair_, "") << "the sweeper repairs it";
  EXPECT_EQ(test_.findings_after_sweep(), "");
  EXPECT_EQ(files_in(test_.path("topics")), std::vector<std::string>{"prices"});
}

TEST_F(DoctorOfTopics, CountsDeliveriesOfTheDeadThatWaitForRoom) {
  topic_.subscribe("book").value();
  ASSERT_EQ(fill(book_), 64u);
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    Topic topic = bus.open_topic("prices").value();
    line.tell("ready");
    static_cast<void>(topic.publish("x", {.wait = 1h}));
  });
  ASSERT_EQ(child.hear(), "ready");
  test_.wait_for_sleeping_sender("book");
  child.kill();
  EXPECT_EQ(test_.bus().sweep().dead_participants, 1u);
  const DoctorReport report = examine(test_.bus());
  EXPECT_EQ(test_.findings(), "");
  ASSERT_EQ(report.waiting.size(), 1u);
  EXPECT_EQ(report.waiting[0].queue, "book");
  EXPECT_EQ(report.waiting[0].count, 1u);
  ASSERT_TRUE(test_.bus().delete_queue("book"));
  EXPECT_TRUE(examine(test_.bus()).waiting.empty());
}

}  // namespace
}  // namespace ringpost::test
