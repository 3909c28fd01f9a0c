#include <gtest/gtest.h>

#include <cstring>

#include "support/log_stage.hpp"

namespace ringpost {
namespace {

using disk::kBlockBytes;
using test::LogStage;
using Strings = std::vector<std::string>;

Errc code_of_resume(LogStage& stage, const log::WriterState& state) {
  auto writer = log::Writer::resume(stage.directory, stage.options, state);
  return writer ? Errc::kOk : writer.error().code;
}

TEST(LogHandover, TheNextWriterGoesOnInTheSameSegment) {
  LogStage stage;
  auto first = stage.open();
  stage.put(*first, 2);
  auto second = log::Writer::resume(stage.directory, stage.options, first->state()).value();
  EXPECT_EQ(second->end(), 6u);
  stage.put(*second, 2);
  EXPECT_EQ(stage.directory.list(), Strings{log::segment_name(0)});
  EXPECT_EQ(stage.read_all(12), (Strings{"0", "3", "6", "9"}));
  first.reset();
  EXPECT_EQ(stage.open()->end(), 12u);
}

TEST(LogHandover, TwoWritersTakeTurnsOverManySegments) {
  LogStage stage;
  auto one = stage.open();
  auto other = log::Writer::resume(stage.directory, stage.options, one->state()).value();
  for (int i = 0; i < 40; ++i) {
    stage.put(*one, 1);
    other->resume(one->state()).value();
    stage.put(*other, 1);
    one->resume(other->state()).value();
  }
  EXPECT_EQ(stage.directory.list().size(), 7u);
  EXPECT_EQ(stage.read_all(240).size(), 80u);
  const auto reader = stage.reader();  // by indexes in which one writer found the other's batches
  for (std::uint64_t position = 0; position < 240; position += 3) {
    reader->seek(position);
    ASSERT_EQ(reader->next(240).value().header.position, position);
  }
}

TEST(LogHandover, AWriterThatHasBegunNoSegmentHandsOverToo) {
  LogStage stage;
  auto first = stage.open();
  stage.put(*first, 2);
  first = stage.open();
  auto second = log::Writer::resume(stage.directory, stage.options, first->state()).value();
  stage.put(*second, 1);
  EXPECT_EQ(stage.directory.list(), (Strings{log::segment_name(0), log::segment_name(6)}));
  EXPECT_EQ(stage.read_all(9), (Strings{"0", "3", "6"}));
}

TEST(LogHandover, WhatIsWrittenAndNotSafeIsMadeSafeByTheNextWriter) {
  LogStage stage;
  auto first = stage.open();
  stage.put(*first, 1);
  ASSERT_EQ(stage.add(*first), Errc::kOk);
  ASSERT_EQ(first->write_now(disk::Sync::kNone, 6), Errc::kOk);
  auto second = log::Writer::resume(stage.directory, stage.options, first->state()).value();
  EXPECT_EQ(second->progress().durable_end, 3u);
  EXPECT_EQ(second->progress().written_end, 6u);
  const unsigned syncs = stage.directory.syncs;
  stage.put(*second, 1);
  EXPECT_EQ(stage.directory.syncs, syncs + 1);
}

TEST(LogHandover, ASegmentThatWasJustBegunIsSafeBeforeItIsHandedOver) {
  LogStage stage;
  auto first = stage.open();
  stage.put(*first, 13);
  ASSERT_EQ(stage.add(*first), Errc::kOk);
  ASSERT_EQ(first->submit(disk::Sync::kNone, stage.next_position()), Errc::kOk);
  ASSERT_EQ(first->reap(true).written_end, 42u);
  EXPECT_EQ(first->state().durable_end, 39u);
  stage.put(*first, 12);
  stage.directory.faults.holds_completions = true;
  ASSERT_EQ(stage.add(*first), Errc::kOk);
  ASSERT_EQ(first->submit(disk::Sync::kData, stage.next_position()), Errc::kOk);
  stage.directory.faults.sync_errno = 5;
  while (first->has_under_way()) static_cast<void>(first->reap(true));
  EXPECT_EQ(first->progress().failed, Errc::kLogFailed);
}

TEST(LogHandover, AnyChangedWordOfTheStateIsRefused) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 2);
  const log::WriterState good = writer->state();
  for (std::size_t word = 0; word < sizeof good / 8; ++word) {
    log::WriterState state = good;
    reinterpret_cast<std::uint64_t*>(&state)[word] ^= 1u << word;
    EXPECT_EQ(code_of_resume(stage, state), Errc::kCorrupt) << word;
  }
  EXPECT_EQ(code_of_resume(stage, log::WriterState{}), Errc::kCorrupt);
  EXPECT_EQ(code_of_resume(stage, good), Errc::kOk);
}

TEST(LogHandover, AStateThatIsOlderThanTheLogIsRefused) {
  LogStage stage;
  auto writer = stage.open();
  const log::WriterState nothing_begun = writer->state();
  stage.put(*writer, 2);
  const log::WriterState old = writer->state();
  EXPECT_EQ(writer->resume(nothing_begun).error().code, Errc::kCorrupt);
  stage.put(*writer, 1);
  EXPECT_EQ(code_of_resume(stage, old), Errc::kCorrupt) << "somebody has written there since";
  EXPECT_EQ(writer->resume(old).error().code, Errc::kCorrupt);
}

TEST(LogHandover, AStateOfAnotherLogOrSegmentIsRefused) {
  LogStage stage;
  LogStage other;
  auto writer = stage.open();
  stage.put(*writer, 2);
  const log::WriterState state = writer->state();
  EXPECT_EQ(code_of_resume(other, state), Errc::kNotFound);
  const auto other_writer = other.open();
  other.put(*other_writer, 4);
  EXPECT_EQ(code_of_resume(other, state), Errc::kCorrupt) << "a batch is where it would go on";
  stage.options.log_id = 78;
  EXPECT_EQ(code_of_resume(stage, state), Errc::kCorrupt);
}

}  // namespace
}  // namespace ringpost
