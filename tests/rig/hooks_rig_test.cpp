// What the compilers make of each kind of access arrives at the machine, as one access or as many
// as it should be.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <ostream>
#include <stdexcept>

#include "rig/runtime.hpp"

namespace ringpost::rig {
namespace {

__extension__ using Word = unsigned __int128;

struct __attribute__((packed)) Packed {
  char before;
  std::uint64_t word;
};

struct Bytes {
  unsigned char bytes[64];
};

struct Shared {
  alignas(16) Word wide;
  std::atomic<std::uint64_t> word64;
  std::atomic<std::uint32_t> word32;
  std::atomic<std::uint16_t> word16;
  std::atomic<std::uint8_t> word8;
  std::uint64_t plain;
  Packed packed;
  Bytes bytes;
};

struct Counted {
  std::uint64_t steps = 0;
  std::uint64_t stores = 0;
  friend bool operator==(const Counted&, const Counted&) = default;
};

std::ostream& operator<<(std::ostream& out, const Counted& counted) {
  return out << counted.steps << " accesses, " << counted.stores << " stores";
}

class Hooks : public testing::Test {
 protected:
  Counted count(const std::function<void()>& body) {
    Machine& machine = Machine::get();
    machine.reset();
    machine.set_range_pieces_max(4);
    share(&shared_, sizeof shared_);
    const std::size_t fiber = machine.spawn(body);
    EXPECT_EQ(machine.run(fiber, {}), Stop::kFinished) << machine.failure();
    return {machine.steps(fiber), machine.stores(fiber)};
  }
  Shared shared_{};
};

TEST_F(Hooks, ACompareExchangeOf128BitsIsOneAccess) {
  EXPECT_EQ(count([this] { __sync_bool_compare_and_swap(&shared_.wide, Word{0}, Word{7}); }),
            (Counted{1, 1}));
  EXPECT_EQ(shared_.wide, Word{7});
  EXPECT_EQ(count([this] { __sync_bool_compare_and_swap(&shared_.wide, Word{0}, Word{8}); }),
            (Counted{1, 0}));
  EXPECT_EQ(shared_.wide, Word{7});
}

template <class T>
void use(std::atomic<T>& word) {
  word.store(1, std::memory_order_relaxed);
  word.exchange(2);
  word.fetch_add(1);
  word.fetch_or(8);
  word.fetch_and(11);
  word.fetch_xor(2);
  word.fetch_sub(1);
  T expected = 8;
  EXPECT_TRUE(word.compare_exchange_strong(expected, 5));
  EXPECT_FALSE(word.compare_exchange_weak(expected, 6));
  EXPECT_EQ(expected, 5);
  EXPECT_EQ(word.load(), 5);
}

TEST_F(Hooks, AtomicsOfEveryWidth) {
  const Counted each{10, 8};
  EXPECT_EQ(count([this] { use(shared_.word64); }), each);
  EXPECT_EQ(count([this] { use(shared_.word32); }), each);
  EXPECT_EQ(count([this] { use(shared_.word16); }), each);
  EXPECT_EQ(count([this] { use(shared_.word8); }), each);
}

TEST_F(Hooks, PlainAndUnalignedAccesses) {
  EXPECT_EQ(count([this] { shared_.plain = 3; }), (Counted{1, 1}));
  EXPECT_EQ(count([this] { shared_.packed.word = 3; }), (Counted{1, 1}));
  volatile std::uint64_t sink = 0;
  EXPECT_EQ(count([&] { sink = shared_.plain; }), (Counted{1, 0}));
  EXPECT_EQ(count([&] { sink = shared_.packed.word; }), (Counted{1, 0}));
}

TEST_F(Hooks, CopiesAreSeenInPieces) {
  unsigned char mine[64] = {1, 2, 3};
  EXPECT_EQ(count([&] { std::memcpy(&shared_.bytes, mine, 64); }), (Counted{4, 4}));
  EXPECT_EQ(shared_.bytes.bytes[2], 3);
  EXPECT_EQ(count([&] { std::memcpy(mine, &shared_.bytes, 64); }), (Counted{4, 0}));
  EXPECT_EQ(count([&] { std::memcpy(&shared_.plain, mine, 8); }), (Counted{1, 1}));
  EXPECT_EQ(count([&] { std::memset(&shared_.bytes, 0, 64); }), (Counted{4, 4}));
  EXPECT_EQ(count([&] { std::memmove(shared_.bytes.bytes + 4, shared_.bytes.bytes, 32); }),
            (Counted{2, 1}));
  Bytes own{};
  EXPECT_GT(count([&] { shared_.bytes = own; }).stores, 0u);
}

TEST_F(Hooks, PrivateMemoryIsNoPoint) {
  std::atomic<std::uint64_t> own{0};
  unsigned char from[64] = {};
  unsigned char to[64];
  EXPECT_EQ(count([&] {
              own.fetch_add(1);
              std::memcpy(to, from, sizeof to);
            }),
            (Counted{0, 0}));
}

TEST_F(Hooks, FailureAndExceptionsEndAFiber) {
  Machine& machine = Machine::get();
  machine.reset();
  const std::function<void()> fails = [] { fail("as it should"); };
  const std::size_t first = machine.spawn(fails);
  EXPECT_EQ(machine.run(first, {}), Stop::kFailed);
  EXPECT_EQ(machine.failure(), "as it should");
  machine.reset();
  const std::function<void()> throws = [] { throw std::runtime_error("thrown"); };
  EXPECT_EQ(machine.run(machine.spawn(throws), {}), Stop::kFailed);
  EXPECT_EQ(machine.failure(), "exception: thrown");
}

}  // namespace
}  // namespace ringpost::rig
