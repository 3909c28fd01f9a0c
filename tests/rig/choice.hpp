// Decisions of a schedule and who takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace ringpost::rig {

/// One thing that can happen next.
struct Choice {
  enum class Kind : char {
    kRun = 'r',         ///< fiber `index` makes its pending access
    kRunDelayed = 'd',  ///< the same; its store goes into the store buffer
    kKill = 'k',        ///< participant `index` stops for ever
    kNotice = 'n',      ///< liveness says so
    kEvent = 'e',       ///< event `index` happens
    kFlush = 'f',       ///< the oldest buffered store of fiber `index` becomes visible
    kEnd = 'x',         ///< nothing more; always the default
  };
  Kind kind = Kind::kRun;
  std::uint8_t index = 0;
  bool preempts = false;

  friend bool operator==(const Choice& a, const Choice& b) {
    return a.kind == b.kind && a.index == b.index;
  }
};

/// The decisions of a schedule that are not the default (the first option), by number of decision,
/// after the bound under which they were counted: "2: 7k0 12n0 15r1".
class Schedule {
 public:
  void clear(int preemptions_max) noexcept {
    decisions_.clear();
    preemptions_max_ = preemptions_max;
  }
  void add(std::uint32_t decision, const Choice& choice) {
    decisions_.emplace_back(decision, choice);
  }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<Schedule> parse(const std::string& text);

  [[nodiscard]] int preemptions_max() const noexcept { return preemptions_max_; }
  [[nodiscard]] const Choice* at(std::uint32_t decision) const noexcept;

 private:
  int preemptions_max_ = 0;
  std::vector<std::pair<std::uint32_t, Choice>> decisions_;
};

/// Takes decisions. `decision` counts from 0 in each schedule; there are at least two options.
class Chooser {
 public:
  virtual ~Chooser() = default;
  virtual std::size_t choose(std::uint32_t decision, const std::vector<Choice>& options) = 0;
  /// How many decisions from this one on take the first option, as they did in the last schedule.
  virtual std::uint32_t defaults_from(std::uint32_t /*decision*/) { return 0; }
  /// As if so many had been asked for.
  virtual void skip(std::uint32_t /*decisions*/) {}
};

/// Every schedule, in depth-first order.
class DepthFirst final : public Chooser {
 public:
  std::size_t choose(std::uint32_t decision, const std::vector<Choice>& options) override;
  std::uint32_t defaults_from(std::uint32_t decision) override;
  void skip(std::uint32_t decisions) override { depth_ += decisions; }
  /// To the next schedule; false: that was the last.
  bool next();

 private:
  struct Branch {
    std::uint16_t taken;
    std::uint16_t count;
  };
  std::vector<Branch> trail_;
  std::size_t depth_ = 0;
  std::size_t change_ = 0;  ///< the next decision that is not the default, or the end
};

/// Mostly the default, something else at a few random places.
class RandomChooser final : public Chooser {
 public:
  RandomChooser(std::uint64_t seed, int changes) : random_(seed), changes_(changes) {}
  std::size_t choose(std::uint32_t decision, const std::vector<Choice>& options) override;
  void next();

 private:
  std::mt19937_64 random_;
  int changes_;
  std::uint32_t decisions_seen_ = 16;  ///< longest schedule so far: where changes are put
  std::vector<std::uint32_t> places_;
};

/// A schedule that was written down.
class Replay final : public Chooser {
 public:
  explicit Replay(Schedule schedule) : schedule_(std::move(schedule)) {}
  std::size_t choose(std::uint32_t decision, const std::vector<Choice>& options) override;
  /// A decision was not possible: the code or the scenario has changed.
  [[nodiscard]] bool strayed() const noexcept { return strayed_; }

 private:
  Schedule schedule_;
  bool strayed_ = false;
};

}  // namespace ringpost::rig
