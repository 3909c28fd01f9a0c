// Once every size has been seen, reading and matching messages allocate nothing: every `new` of
// this program is counted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "filter/matcher.hpp"
#include "support/filter_cases.hpp"

namespace {
std::size_t allocations = 0;
}  // namespace

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }

namespace ringpost::test {
namespace {

TEST(FilterAllocations, AreMadeForNoMessageSeenBefore) {
  Random random(7);
  filter::Matcher matcher;
  for (filter::SubscriptionNumber number = 0; number < 1'000;) {
    const auto scope = one_in(random, 2) ? filter::Scope::kBody : filter::Scope::kAttributes;
    const auto policy = filter::Policy::parse(spell(random_policy(random, scope), random), scope);
    if (policy) matcher.add(number++, *policy);
  }
  std::vector<std::pair<std::vector<Attribute>, std::string>> messages;
  std::vector<SpeltMessage> spelt;
  for (int i = 0; i < 500; ++i) spelt.emplace_back(random_message(random), random);
  for (const SpeltMessage& each : spelt) messages.emplace_back(each.attributes(), each.body());
  filter::Message message;
  filter::Scratch scratch;
  std::vector<filter::SubscriptionNumber> matches;
  const auto match_all = [&] {
    for (const auto& [attributes, body] : messages) {
      message.set(AttributeList(std::span<const Attribute>(attributes)), body);
      matches.clear();
      matcher.match(message, scratch, matches);
    }
  };
  const std::size_t at_first = allocations;
  match_all();
  EXPECT_GT(allocations, at_first);
  match_all();
  const std::size_t before = allocations;
  match_all();
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace ringpost::test
