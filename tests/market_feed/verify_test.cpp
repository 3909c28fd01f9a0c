// The proof is fed forged records: it must see each forgery.
#include "verify.hpp"

#include <gtest/gtest.h>

#include "sample.hpp"

namespace ringpost::market_feed {
namespace {

Proof prove(const Sample& sample) { return prove(sample.expected, sample.ledger.records(0)); }

TEST(Prove, AcceptsWhatWasProcessed) {
  const Proof proof = prove(Sample());
  EXPECT_TRUE(proof.complete());
  EXPECT_TRUE(proof.genuine());
  EXPECT_EQ(proof.lines, 3u);
  EXPECT_EQ(proof.processings, 3u);
  EXPECT_EQ(proof.processed_again, 0u);
  EXPECT_TRUE(proof.examples.empty());
}

TEST(Prove, AcceptsAndCountsRedeliveries) {
  Sample sample;
  sample.process(0, 1, Sample::id_of(0, 1));
  sample.process(0, 2, 999);
  const Proof proof = prove(sample);
  EXPECT_TRUE(proof.complete());
  EXPECT_TRUE(proof.genuine());
  EXPECT_EQ(proof.processings, 5u);
  EXPECT_EQ(proof.processed_again, 2u);
  EXPECT_EQ(proof.sent_again, 1u);
}

TEST(Prove, FindsALostLine) {
  const Sample sample;
  ASSERT_TRUE(forge("lost", sample.ledger.records(0)));
  const Proof proof = prove(sample);
  EXPECT_FALSE(proof.complete());
  EXPECT_EQ(proof.lost, 1u);
  EXPECT_EQ(proof.examples, (std::vector<std::string>{"line 2 was never processed"}));
}

TEST(Prove, FindsAChangedBody) {
  const Sample sample;
  ASSERT_TRUE(forge("changed", sample.ledger.records(0)));
  EXPECT_TRUE(prove(sample).complete());
  EXPECT_FALSE(prove(sample).genuine());
  EXPECT_EQ(prove(sample).changed, 1u);
}

TEST(Prove, FindsARedeliveryThatDiffersFromTheFirst) {
  const Sample sample;
  ASSERT_TRUE(forge("differing", sample.ledger.records(0)));
  EXPECT_EQ(prove(sample).changed, 1u);
}

TEST(Prove, FindsTwoLinesUnderEachOthersNumber) {
  const Sample sample;
  auto records = sample.ledger.records(0);
  const std::uint64_t first = records[0].content_hash.load();
  records[0].content_hash.store(records[1].content_hash.load());
  records[1].content_hash.store(first);
  EXPECT_EQ(prove(sample).changed, 2u);
}

TEST(Prove, FindsWhatAWorkerMisread) {
  const Sample sample;
  ASSERT_TRUE(forge("misread", sample.ledger.records(0)));
  EXPECT_FALSE(prove(sample).genuine());
  EXPECT_EQ(prove(sample).misread, 1u);
}

TEST(Prove, FindsAnAcknowledgedMessageThatCameAgain) {
  const Sample sample;
  ASSERT_TRUE(forge("came-back", sample.ledger.records(0)));
  EXPECT_EQ(prove(sample).came_back, 1u);
}

TEST(Prove, FindsAMessageThatTwoWorkersAcknowledged) {
  Sample sample;
  sample.acknowledge(0, 0, Sample::id_of(0, 0));
  EXPECT_EQ(prove(sample).came_back, 0u);
  sample.acknowledge(0, 0, Sample::id_of(0, 0));
  EXPECT_EQ(prove(sample).came_back, 1u);
}

TEST(Prove, LetsALineThatWasSentAgainComeAgain) {
  Sample sample;
  sample.acknowledge(0, 0, Sample::id_of(0, 0));
  sample.process(0, 0, 999);
  sample.acknowledge(0, 0, 999);
  EXPECT_EQ(prove(sample).came_back, 0u);
}

TEST(Prove, LetsAStoppedWorkerFinishWhatOthersHaveAcknowledged) {
  Sample sample;
  sample.process(0, 0, Sample::id_of(0, 0), 2);
  sample.acknowledge(0, 0, Sample::id_of(0, 0), 2);
  sample.process(0, 0, Sample::id_of(0, 0), 1);
  EXPECT_EQ(prove(sample).came_back, 0u);
}

TEST(Prove, NeedsARecordForEachLine) {
  const Sample sample;
  EXPECT_THROW(prove(sample.expected, sample.ledger.records(0).first(2)), std::invalid_argument);
}

TEST(Prove, DoesNotTakeOnePhaseForTheOther) {
  const Sample sample;
  ASSERT_TRUE(forge("lost", sample.ledger.records(0)));
  EXPECT_TRUE(prove(sample.expected, sample.ledger.records(1)).complete());
}

TEST(Expect, RefusesALineThatNoWorkerCouldRead) {
  const std::vector<std::string_view> lines{"1000 usdm {}"};
  EXPECT_THROW(expect(lines), std::runtime_error);
}

}  // namespace
}  // namespace ringpost::market_feed
