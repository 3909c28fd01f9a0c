#include "rig/runtime.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <utility>

namespace ringpost::rig {

Machine Machine::machine_;

void Machine::reset() noexcept {
  for (std::size_t i = 0; i < fiber_count_; ++i) fibers_[i]->buffer.clear();
  fiber_count_ = 0;
  ranges_.clear();
  shared_pages_.reset();
  trace_.clear();
  failure_.clear();
  stores_visible_ = 0;
}

void Machine::share(const void* begin, std::size_t bytes) {
  const auto* first = static_cast<const std::byte*>(begin);
  ranges_.push_back({first, first + bytes});
  for (std::size_t at = 0; at < bytes; at += std::size_t{1} << kPageBits) {
    shared_pages_.set(page_of(first + at));
  }
  if (bytes != 0) shared_pages_.set(page_of(first + bytes - 1));
}

bool Machine::is_shared(const volatile void* address, std::size_t bytes) const noexcept {
  const auto* begin = static_cast<const std::byte*>(const_cast<const void*>(address));
  for (const Range& range : ranges_) {
    if (begin < range.end && range.begin < begin + bytes) return true;
  }
  return false;
}

std::size_t Machine::piece_bytes(std::size_t bytes) const noexcept {
  const std::size_t piece = (bytes + range_pieces_max_ - 1) / range_pieces_max_;
  return (piece + 7) / 8 * 8;
}

bool Machine::stores_now(const Access& access) noexcept {
  switch (access.kind) {
    case AccessKind::kLoad:
    case AccessKind::kBarrier:
      return false;
    case AccessKind::kStore:
    case AccessKind::kReadModifyWrite:
      return true;
    case AccessKind::kCompareExchange:
      return std::memcmp(access.address, access.expected, access.bytes) == 0;
  }
  return false;
}

std::size_t Machine::spawn(const std::function<void()>& body) {
  if (fiber_count_ == fibers_.size()) fibers_.push_back(std::make_unique<Fiber>());
  Fiber& fiber = *fibers_[fiber_count_];
  fiber.body = &body;
  fiber.state = Stop::kNotStarted;
  fiber.pending = {};
  fiber.steps = 0;
  fiber.stores = 0;
  fiber.storing = false;
  fiber.buffer.clear();
  fiber.context.prepare(fiber.stack, &Machine::fiber_main, this);
  return fiber_count_++;
}

void Machine::fiber_main(void* argument) {
  auto& self = *static_cast<Machine*>(argument);
  std::string thrown;  // reported after the handler: nothing may be in flight at a switch
  try {
    (*self.current_->body)();
  } catch (const std::exception& exception) {
    thrown = std::string("exception: ") + exception.what();
  } catch (...) {
    thrown = "exception of unknown type";
  }
  if (!thrown.empty()) self.fail(std::move(thrown));
  self.suspend(*self.current_, Stop::kFinished);
  std::abort();  // a finished fiber was resumed
}

Stop Machine::run(std::size_t index, const RunLimits& limits) {
  Fiber& fiber = *fibers_[index];
  if (fiber.state != Stop::kNotStarted && fiber.state != Stop::kAtAccess &&
      fiber.state != Stop::kPaused) {
    std::abort();  // the engine resumed what cannot run
  }
  if (!fiber.buffer.empty()) fiber.buffer.show();
  limits_ = limits;
  current_index_ = index;
  current_ = &fiber;
  Context::switch_to(main_, fiber.context);
  return fiber.state;
}

void Machine::run_apart(const std::function<void()>& body, const std::function<bool()>& until) {
  const bool recording = trace_.recording();
  trace_.set_recording(false);
  RunLimits limits;
  limits.single_step = true;
  const std::size_t fiber = spawn(body);
  Stop stop = run(fiber, limits);
  while (stop == Stop::kAtAccess && !until()) stop = run(fiber, limits);
  --fiber_count_;
  trace_.set_recording(recording);
  if (stop != Stop::kAtAccess) fail("what runs apart does not stop where it should");
}

/// Returns when the fiber is run again.
void Machine::suspend(Fiber& fiber, Stop why) {
  current_ = nullptr;
  settle(fiber);
  if (!fiber.buffer.empty()) fiber.buffer.hide();
  fiber.state = why;
  Context::switch_to(fiber.context, main_);
}

void Machine::point(const Access& access) {
  Fiber& fiber = *current_;
  current_ = nullptr;  // the machine's own accesses to shared bytes are no points
  settle(fiber);
  fiber.pending = access;
  if (++fiber.steps > limits_.steps_max) suspend(fiber, Stop::kOutOfSteps);
  if (limits_.single_step || stops_at(fiber)) suspend(fiber, Stop::kAtAccess);
  current_ = nullptr;
  begin_access(fiber);
  current_ = &fiber;
}

/// Before its pending access.
bool Machine::stops_at(const Fiber& fiber) const noexcept {
  if (fiber.steps == limits_.stop_at) return true;
  if (fiber.stores >= limits_.stores_max && stores_now(fiber.pending)) return true;
  return limits_.watched != nullptr &&
         std::any_of(limits_.watched->begin(), limits_.watched->end(),
                     [&](const Access& watched) { return watched.conflicts_with(fiber.pending); });
}

void Machine::pause() {
  if (current_ == nullptr) return;
  Fiber& fiber = *current_;
  if (++fiber.steps > limits_.steps_max) suspend(fiber, Stop::kOutOfSteps);
  if (limits_.single_step || limits_.stop_at_pause) suspend(fiber, Stop::kPaused);
}

void Machine::full_fence() {
  if (current_ == nullptr) return;
  Fiber& fiber = *std::exchange(current_, nullptr);
  settle(fiber);
  commit_shown(fiber);
  current_ = &fiber;
}

/// The access is decided; it happens as soon as the hook returns.
void Machine::begin_access(Fiber& fiber) {
  const Access& access = fiber.pending;
  if (access.kind == AccessKind::kBarrier) {
    commit_shown(fiber);
    flush_all();
  } else if (access.full_fence) {
    commit_shown(fiber);
  }
  if (trace_.recording()) trace_.before(current_index_, access);
  if (!stores_now(access)) return;
  ++fiber.stores;
  if (!access.full_fence && (limits_.delay_store || !fiber.buffer.empty())) {
    fiber.buffer.open(access.address, access.bytes);
  } else {
    fiber.storing = true;
    if (access.bytes <= sizeof fiber.before) {
      std::memcpy(fiber.before, access.address, access.bytes);
    }
  }
  limits_.delay_store = false;
}

/// All that the running fiber holds back is visible from now on.
void Machine::commit_shown(Fiber& fiber) {
  if (fiber.buffer.empty()) return;
  fiber.buffer.commit_all_shown();
  ++stores_visible_;
}

/// The access that begin_access() announced has happened.
void Machine::settle(Fiber& fiber) {
  if (!fiber.buffer.empty()) fiber.buffer.seal();
  if (fiber.storing) {
    fiber.storing = false;
    const Access& made = fiber.pending;
    if (made.bytes > sizeof fiber.before ||
        std::memcmp(fiber.before, made.address, made.bytes) != 0) {
      ++stores_visible_;
    }
  }
  if (trace_.recording()) trace_.after();
}

void Machine::kill(std::size_t index) noexcept {
  Fiber& fiber = *fibers_[index];
  if (!fiber.buffer.empty()) ++stores_visible_;
  fiber.buffer.commit_all();
  fiber.state = Stop::kKilled;
}

void Machine::flush_oldest(std::size_t index) {
  fibers_[index]->buffer.commit_oldest();
  ++stores_visible_;
}

void Machine::flush_all() {
  for (std::size_t i = 0; i < fiber_count_; ++i) {
    while (!fibers_[i]->buffer.empty()) flush_oldest(i);
  }
}

void Machine::fail(std::string text) {
  if (failure_.empty()) failure_ = std::move(text);
  if (current_ != nullptr) suspend(*current_, Stop::kFailed);
}

}  // namespace ringpost::rig
