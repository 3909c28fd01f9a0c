// Random programs of calls about topics: every queue has what the model says, after each call.
//
// Method    programs of 25 to 524 calls from a seed, on three topics, standard and FIFO, and six
//           queues, by three participants in turns and some that die, with injected time. Queues
//           have 64 slots and are filled. In the end everything is received, and nothing is left.
// Failure   the program is made smaller by leaving calls out, and printed with its seed.
// Not here  threads, deaths within a call, waiting: see docs/testing.md.
#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

#include "model/shrink.hpp"
#include "model/topic_trial.hpp"
#include "process/rig/depth.hpp"

namespace ringpost::model {
namespace {

constexpr std::uint64_t kProgramsOfABus = 500;
constexpr int kTriesMax = 5'000;

std::string run_once(TopicBench& bench, const TopicProgram& program) {
  return TopicTrial(bench).run(program);
}

void add(TopicStats& all, const TopicStats& one) {
  all.delivered += one.delivered;
  all.filtered_out += one.filtered_out;
  all.dead_lettered += one.dead_lettered;
  all.dropped += one.dropped;
  all.refused += one.refused;
  all.duplicates += one.duplicates;
}

std::string shortest(TopicProgram program, std::string difference) {
  int tries = 0;
  leave_out(program, [&](TopicProgram smaller) {
    if (tries++ >= kTriesMax) return;
    TopicBench bench;
    const std::string other = run_once(bench, smaller);
    if (other.empty()) return;
    difference = other;
    program = std::move(smaller);
  });
  return difference + "\n" + to_string(program);
}

}  // namespace

std::string run_topic_programs(std::uint64_t steps) {
  std::optional<TopicBench> bench;
  std::uint64_t programs = 0;
  TopicStats all;
  for (std::uint64_t done = 0; done < steps; ++programs) {
    if (programs % kProgramsOfABus == 0) bench.emplace();
    const TopicProgram program = random_topic_program(rig::base_seed() * 1'000'003 + programs);
    done += program.size();
    TopicTrial trial(*bench);
    std::string difference = trial.run(program);
    if (!difference.empty()) return shortest(program, std::move(difference));
    for (int topic = 0; topic < static_cast<int>(kTopics); ++topic) add(all, trial.stats(topic));
  }
  const auto print = [](const char* what, std::uint64_t count) {
    std::printf(", %llu %s", static_cast<unsigned long long>(count), what);
    return count != 0;
  };
  std::printf("note: %llu programs about topics", static_cast<unsigned long long>(programs));
  const bool everything =
      (print("delivered", all.delivered) & print("filtered out", all.filtered_out) &
       print("dead letters", all.dead_lettered) & print("dropped", all.dropped) &
       print("refused", all.refused) & print("duplicates", all.duplicates));
  std::printf("\n");
  return everything ? "" : "something never happened";
}

namespace {

TEST(TopicModel, AndTheLibraryGiveTheSame) {
  const auto steps = rig::by_depth<std::uint64_t>(10'000, 100'000, 10'000'000);
  EXPECT_EQ(run_topic_programs(steps), "");
}

}  // namespace
}  // namespace ringpost::model
