// In-process costs: clock reads and locked operations. What one operation of the ring is made of.
#include <benchmark/benchmark.h>
#include <time.h>
#include <x86intrin.h>

#include <atomic>
#include <cstdint>

namespace {

__extension__ using Wide = unsigned __int128;

void rdtsc(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(__rdtsc());
  }
}
BENCHMARK(rdtsc);

void rdtscp(benchmark::State& state) {
  for (auto _ : state) {
    unsigned core = 0;
    benchmark::DoNotOptimize(__rdtscp(&core));
  }
}
BENCHMARK(rdtscp);

void lfence_rdtsc(benchmark::State& state) {
  for (auto _ : state) {
    _mm_lfence();
    benchmark::DoNotOptimize(__rdtsc());
  }
}
BENCHMARK(lfence_rdtsc);

template <clockid_t Clock>
void read_clock(benchmark::State& state) {
  for (auto _ : state) {
    timespec now{};
    clock_gettime(Clock, &now);
    benchmark::DoNotOptimize(now);
  }
}
BENCHMARK(read_clock<CLOCK_MONOTONIC>)->Name("clock_gettime/monotonic");
BENCHMARK(read_clock<CLOCK_MONOTONIC_COARSE>)->Name("clock_gettime/monotonic_coarse");
BENCHMARK(read_clock<CLOCK_REALTIME>)->Name("clock_gettime/realtime");
BENCHMARK(read_clock<CLOCK_BOOTTIME>)->Name("clock_gettime/boottime");

struct alignas(64) Line {
  std::uint64_t word = 0;
};

void cas64(benchmark::State& state) {
  Line line;
  std::atomic_ref<std::uint64_t> word(line.word);
  std::uint64_t expected = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(word.compare_exchange_strong(expected, expected + 1));
    ++expected;
  }
}
BENCHMARK(cas64);

void cas128(benchmark::State& state) {
  alignas(64) Wide word = 0;
  Wide expected = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(__sync_bool_compare_and_swap(&word, expected, expected + 1));
    ++expected;
  }
  benchmark::DoNotOptimize(word);
}
BENCHMARK(cas128);

void fetch_add64(benchmark::State& state) {
  Line line;
  std::atomic_ref<std::uint64_t> word(line.word);
  for (auto _ : state) {
    benchmark::DoNotOptimize(word.fetch_add(1));
  }
}
BENCHMARK(fetch_add64);

void plain_store(benchmark::State& state) {
  Line line;
  std::atomic_ref<std::uint64_t> word(line.word);
  std::uint64_t value = 0;
  for (auto _ : state) {
    word.store(++value, std::memory_order_release);
    benchmark::DoNotOptimize(line);
  }
}
BENCHMARK(plain_store);

void store_fenced(benchmark::State& state) {
  Line line;
  std::atomic_ref<std::uint64_t> word(line.word);
  std::uint64_t value = 0;
  for (auto _ : state) {
    word.store(++value, std::memory_order_seq_cst);
    benchmark::DoNotOptimize(line);
  }
}
BENCHMARK(store_fenced);

}  // namespace

BENCHMARK_MAIN();
