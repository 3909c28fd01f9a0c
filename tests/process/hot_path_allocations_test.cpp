// The hot path allocates nothing: every allocation of this program goes through the functions
// below, which count.

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "process/rig/hot_path.hpp"
#include "process/rig/scratch.hpp"
#include "ringpost/bus.hpp"

namespace {
std::atomic<std::uint64_t> allocations{0};
}  // namespace

// The C library's own, under the names by which it makes them available to those who replace them.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
void __libc_free(void* memory);

__attribute__((visibility("default"))) void* malloc(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}
__attribute__((visibility("default"))) void* calloc(std::size_t count, std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, bytes);
}
__attribute__((visibility("default"))) void* realloc(void* memory, std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, bytes);
}
__attribute__((visibility("default"))) void* aligned_alloc(std::size_t alignment,
                                                           std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, bytes);
}
__attribute__((visibility("default"))) int posix_memalign(void** memory, std::size_t alignment,
                                                          std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}
__attribute__((visibility("default"))) void free(void* memory) { __libc_free(memory); }
}

namespace ringpost::rig {
namespace {

TEST(HotPathAllocations, AreCountedByThisTest) {
  const auto before = allocations.load();
  std::string* text = new std::string(1'000, 'x');
  void* memory = std::aligned_alloc(64, 128);
  EXPECT_GE(allocations.load() - before, 3u);
  std::free(memory);
  delete text;
}

TEST(HotPathAllocations, AreNeverMadeByAnyOfItsCalls) {
  const Scratch scratch;
  BusOptions options;
  options.shm_dir = scratch.path("shm");
  auto bus = Bus::open("hot", options);
  ASSERT_TRUE(bus) << bus.error().what;
  for (const HotCall& call : hot_calls()) {
    auto queue = bus->queue("hot");
    ASSERT_TRUE(queue) << queue.error().what;
    HotPath path(*queue);
    for (int i = 0; i < 3'000; ++i) ASSERT_TRUE(call.turn(path)) << call.name;
    const auto before = allocations.load();
    bool ok = true;
    for (int i = 0; i < 20'000; ++i) ok &= call.turn(path);
    const auto made = allocations.load() - before;
    EXPECT_TRUE(ok) << call.name;
    EXPECT_EQ(made, 0u) << call.name;
  }
}

}  // namespace
}  // namespace ringpost::rig
