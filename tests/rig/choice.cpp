#include "rig/choice.hpp"

#include <algorithm>
#include <sstream>
#include <string_view>

namespace ringpost::rig {

std::string Schedule::text() const {
  std::string text = std::to_string(preemptions_max_) + ":";
  for (const auto& [decision, choice] : decisions_) {
    text += ' ' + std::to_string(decision) + static_cast<char>(choice.kind) +
            std::to_string(static_cast<unsigned>(choice.index));
  }
  return text;
}

std::optional<Schedule> Schedule::parse(const std::string& text) {
  Schedule schedule;
  std::istringstream in(text);
  char colon = 0;
  if (!(in >> schedule.preemptions_max_ >> colon) || colon != ':') return std::nullopt;
  std::uint32_t decision = 0;
  while (in >> decision) {
    char kind = 0;
    unsigned index = 0;
    if (!(in >> kind >> index) || index > 255 ||
        std::string_view("rdknef").find(kind) == std::string_view::npos) {
      return std::nullopt;
    }
    schedule.add(decision,
                 {static_cast<Choice::Kind>(kind), static_cast<std::uint8_t>(index), false});
  }
  if (!in.eof()) return std::nullopt;
  return schedule;
}

const Choice* Schedule::at(std::uint32_t decision) const noexcept {
  for (const auto& [number, choice] : decisions_) {
    if (number == decision) return &choice;
  }
  return nullptr;
}

std::size_t DepthFirst::choose(std::uint32_t, const std::vector<Choice>& options) {
  if (depth_ == trail_.size()) {
    trail_.push_back({0, static_cast<std::uint16_t>(options.size())});
  }
  return trail_[depth_++].taken;
}

std::uint32_t DepthFirst::defaults_from(std::uint32_t decision) {
  if (change_ < decision) change_ = decision;
  while (change_ < trail_.size() && trail_[change_].taken == 0) ++change_;
  return change_ < trail_.size() ? static_cast<std::uint32_t>(change_) - decision : 0;
}

bool DepthFirst::next() {
  depth_ = 0;
  change_ = 0;
  while (!trail_.empty() && trail_.back().taken + 1 >= trail_.back().count) trail_.pop_back();
  if (trail_.empty()) return false;
  ++trail_.back().taken;
  return true;
}

std::size_t RandomChooser::choose(std::uint32_t decision, const std::vector<Choice>& options) {
  decisions_seen_ = std::max(decisions_seen_, decision + 1);
  if (decision == 0) return random_() % options.size();  // who starts
  if (std::find(places_.begin(), places_.end(), decision) == places_.end()) return 0;
  return 1 + random_() % (options.size() - 1);
}

void RandomChooser::next() {
  places_.clear();
  const auto changes = 1 + random_() % static_cast<std::uint64_t>(changes_);
  for (std::uint64_t i = 0; i < changes; ++i) {
    places_.push_back(static_cast<std::uint32_t>(random_() % decisions_seen_));
  }
}

std::size_t Replay::choose(std::uint32_t decision, const std::vector<Choice>& options) {
  const Choice* wanted = schedule_.at(decision);
  if (wanted == nullptr) return 0;
  const auto found = std::find(options.begin(), options.end(), *wanted);
  if (found == options.end()) {
    strayed_ = true;
    return 0;
  }
  return static_cast<std::size_t>(found - options.begin());
}

}  // namespace ringpost::rig
