#include "ringpost/wait_set.hpp"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "group/visible.hpp"
#include "queue/queue_core.hpp"
#include "sys/error.hpp"
#include "sys/futex.hpp"

namespace ringpost {
namespace {

/// One queue that is waited for. Looks at shared words only, so any thread may do it.
class Watch {
 public:
  Watch(std::shared_ptr<queue::QueueMapping> mapping, const base::TimeSource& time,
        const queue::Membership& member)
      : mapping_(std::move(mapping)),
        time_(time),
        housekeeper_(&member.housekeeper),
        keep_alive_(member.keep_alive) {}

  [[nodiscard]] bool is_deleted() const noexcept {
    return mapping_->header().state.load(std::memory_order_acquire) != 0;
  }
  [[nodiscard]] shm::WaitWord& word() const noexcept { return mapping_->header().receivers; }

  /// A message may be visible, or a lease or delay is over, which receive() will see to.
  [[nodiscard]] bool is_ready() {
    bool ready = false;
    for_each_ring([&](const ring::RingView& view) {
      ready = ready || group::may_have_message(view) ||
              ring::DueIndex(view).earliest() * ring::kDeadlineUnitNs <= time_.precise_ns();
    });
    return ready;
  }

  /// The dead may hold messages.
  void clear_up() noexcept { housekeeper_->clear_up(); }

  [[nodiscard]] std::uint64_t ns_until_due(std::uint64_t limit) {
    const std::uint64_t now = time_.precise_ns();
    for_each_ring([&](const ring::RingView& view) {
      const std::uint64_t earliest = ring::DueIndex(view).earliest();
      if (earliest == ring::kDeadlineNever) return;
      const std::uint64_t due = earliest * ring::kDeadlineUnitNs;
      limit = std::min(limit, due > now ? due - now : 0);
    });
    return limit;
  }

 private:
  template <class Act>
  void for_each_ring(Act&& act) {
    const queue::QueueHeader& header = mapping_->header();
    const std::uint64_t oldest = header.oldest.load(std::memory_order_acquire);
    const std::uint64_t newest = header.write_ring.load(std::memory_order_acquire);
    for (std::uint64_t n = oldest; n <= newest && n - oldest < queue::kChainEntries; ++n) {
      if (const auto ring = mapping_->ring(n)) act(ring->view);
    }
  }
  std::shared_ptr<queue::QueueMapping> mapping_;
  const base::TimeSource& time_;
  queue::Housekeeper* housekeeper_;
  std::shared_ptr<void> keep_alive_;
};

std::uint64_t real_now_ns() noexcept { return base::TimeSource().precise_ns(); }

}  // namespace

struct WaitSet::Impl {
  std::vector<Watch> watches;
  std::atomic<std::uint32_t> interrupts{0};
  int event = -1;
  std::thread watcher;
  std::atomic<std::uint32_t> rearmed{0};
  std::atomic<bool> stopping{false};

  ~Impl() {
    if (watcher.joinable()) {
      stopping.store(true);
      poke(rearmed);
      poke(interrupts);
      watcher.join();
    }
    if (event >= 0) ::close(event);
  }

  /// [poke] release, pairs with the acquire loads of `interrupts` and `rearmed`.
  static void poke(std::atomic<std::uint32_t>& word) noexcept {
    word.fetch_add(1, std::memory_order_release);
    sys::futex_wake(word, 1 << 30);
  }

  Result<std::vector<std::size_t>, Errc> ready() {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < watches.size(); ++i) {
      if (watches[i].is_deleted()) return Unexpected(Errc::kDeleted);
      if (watches[i].is_ready()) found.push_back(i);
    }
    return found;
  }

  Result<std::vector<std::size_t>, Errc> sleep_until_ready(Duration timeout) {
    const std::uint32_t interrupted = interrupts.load(std::memory_order_acquire);
    const std::uint64_t start = real_now_ns();
    const std::uint64_t deadline =
        timeout == kForever
            ? ~std::uint64_t{0}
            : start + static_cast<std::uint64_t>(std::max<std::int64_t>(timeout.count(), 0));
    std::vector<sys::FutexAt> words(watches.size() + 1);
    std::uint64_t cleared_up = 0;
    for (;;) {
      words.back() = {&interrupts, interrupted};
      for (std::size_t i = 0; i < watches.size(); ++i) {
        words[i] = {&watches[i].word().sequence, watches[i].word().arm()};
      }
      auto found = ready();  // after arming: nothing that comes later is missed
      if (!found || !found->empty()) return found;
      if (interrupts.load(std::memory_order_acquire) != interrupted || stopping.load()) {
        return Unexpected(Errc::kInterrupted);
      }
      const std::uint64_t now = real_now_ns();
      if (now >= deadline) return Unexpected(Errc::kTimedOut);
      if (now - cleared_up >= shm::kSleepSliceNs) {
        for (Watch& each : watches) each.clear_up();
        cleared_up = now;
        continue;
      }
      std::uint64_t sleep_ns = std::min(deadline - now, shm::kSleepSliceNs);
      for (Watch& each : watches) sleep_ns = each.ns_until_due(sleep_ns);
      if (sleep_ns != 0 && !sys::futex_wait_any(words, sleep_ns)) {
        sys::futex_wait(words[0].word[0], words[0].expected,
                        std::min<std::uint64_t>(sleep_ns, 1'000'000));  // old kernel: poll
      }
    }
  }

  /// The watcher thread: readable once per rearm().
  void watch() {
    while (!stopping.load()) {
      // [poke] Read before the queues are looked at: a rearm() after this look ends the wait below.
      const std::uint32_t before = rearmed.load(std::memory_order_acquire);
      const auto found = sleep_until_ready(kForever);
      if (stopping.load()) return;
      const std::uint64_t one = 1;
      if (::write(event, &one, sizeof one) != sizeof one) return;
      while (rearmed.load(std::memory_order_acquire) == before && !stopping.load()) {
        sys::futex_wait(rearmed, before, shm::kSleepSliceNs);
      }
      if (!found && found.error() == Errc::kDeleted) return;
    }
  }
};

WaitSet::WaitSet() : impl_(std::make_unique<Impl>()) {}
WaitSet::~WaitSet() = default;
WaitSet::WaitSet(WaitSet&&) noexcept = default;
WaitSet& WaitSet::operator=(WaitSet&&) noexcept = default;

Result<void> WaitSet::add(Queue& queue) {
  if (impl_->watches.size() + 1 >= sys::kFutexWaitMax) {
    return sys::error(Errc::kInvalidArgument, "wait set", "holds at most 127 queues");
  }
  if (impl_->watcher.joinable()) {
    return sys::error(Errc::kInvalidArgument, "wait set", "add queues before descriptor()");
  }
  impl_->watches.emplace_back(queue.core_->mapping_pointer(), queue.core_->time(),
                              queue.core_->membership());
  return {};
}

Result<std::vector<std::size_t>, Errc> WaitSet::wait(Duration timeout) {
  return impl_->sleep_until_ready(timeout);
}

void WaitSet::interrupt() noexcept { Impl::poke(impl_->interrupts); }

Result<int> WaitSet::descriptor() {
  if (impl_->event >= 0) return impl_->event;
  impl_->event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (impl_->event < 0) return sys::system_error("cannot make", "an eventfd", errno);
  impl_->watcher = std::thread([impl = impl_.get()] { impl->watch(); });
  return impl_->event;
}

void WaitSet::rearm() noexcept {
  std::uint64_t count = 0;
  static_cast<void>(!::read(impl_->event, &count, sizeof count));
  Impl::poke(impl_->rearmed);
}

}  // namespace ringpost
