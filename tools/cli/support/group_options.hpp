// FIFO: which group and which deduplication id each message that is sent gets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "options.hpp"
#include "ringpost/topic.hpp"

namespace ringpost::cli {

/// What a message is sent or published with; both are empty for a standard queue or topic.
struct MessageIds {
  std::string_view group;
  std::string_view dedup_id;
};

/// Throws the usage error of a group or id that breaks the rule for them.
void refuse_bad_id(const std::optional<std::string>& id, const char* option);

class GroupOptions {
 public:
  void add_to(CLI::App& verb);

  [[nodiscard]] bool has_group() const noexcept { return group_ || group_field_; }
  [[nodiscard]] bool has_dedup_id() const noexcept { return dedup_id_ || dedup_field_; }
  /// Throws the usage error of options that contradict each other. Lines and pieces have fields;
  /// several messages must not all have the same id.
  void refuse_contradictions(bool have_fields, bool are_several) const;
  /// Throws the usage error of what the queue wants and is not given, or is given and cannot take.
  void refuse_unfit(const QueueSettings& settings, const std::string& queue) const;
  /// The same of a topic.
  void refuse_unfit(const TopicSettings& settings, const std::string& topic) const;
  /// The settings of a queue that is made for messages such as these.
  [[nodiscard]] QueueSettings settings() const;

  /// Of the message `number` of the input, counted from 1; valid as long as `record`. Throws
  /// Failure when a field is missing or is no id.
  [[nodiscard]] MessageIds ids_of(std::string_view record, std::uint64_t number) const;

 private:
  [[nodiscard]] std::string_view field_of(std::string_view record, std::uint64_t field,
                                          std::uint64_t number, const char* what) const;

  std::optional<std::string> group_;
  std::optional<std::string> dedup_id_;
  std::optional<std::uint64_t> group_field_;
  std::optional<std::uint64_t> dedup_field_;
  std::string delimiter_ = "\t";
};

}  // namespace ringpost::cli
