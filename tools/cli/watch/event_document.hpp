// What a change of a file looks like as a message: an event document in the form of S3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/types.hpp"

namespace ringpost::cli {

enum class FileChange : std::uint8_t { kCreated, kWritten, kRemoved };

/// "created", "written", "removed"
[[nodiscard]] const char* name_of(FileChange change) noexcept;

/// One change of one file. No part of it is looked up anywhere: equal facts, equal documents.
struct FileFacts {
  FileChange change = FileChange::kCreated;
  std::string bucket;                 ///< what stands for the directory
  std::string key;                    ///< path below the directory, any bytes
  std::optional<std::uint64_t> size;  ///< none: it is gone
  std::string etag;                   ///< MD5 in hexadecimal digits; empty: not computed
  std::string time;                   ///< "2026-08-01T12:34:56.789Z"
  std::uint64_t sequencer = 0;        ///< greater than that of the change before
};

/// "ObjectCreated:Put" of what is created or written, "ObjectRemoved:Delete".
[[nodiscard]] const char* event_name(FileChange change) noexcept;

/// As forms do it, and S3 with keys: letters, digits, "-", "_", ".", "*" and "/" stay, a space
/// becomes "+", every other byte "%2B".
[[nodiscard]] std::string url_encoded(std::string_view bytes);

/// File names may be any bytes, attributes and JSON may not: the name as it is, if it is text, else
/// URL-encoded.
[[nodiscard]] std::string as_text(const std::string& name);

/// The message's body: {"Records": [one record]}, always valid UTF-8.
[[nodiscard]] std::string event_document(const FileFacts& facts);

/// The message's attributes, for filters: eventName, bucket, key (both as_text),
/// change, and size, a number, of what is not gone.
class EventAttributes {
 public:
  explicit EventAttributes(const FileFacts& facts);
  EventAttributes(const EventAttributes&) = delete;
  EventAttributes& operator=(const EventAttributes&) = delete;

  /// Valid as long as this object is.
  [[nodiscard]] AttributeList list() const noexcept { return {views_}; }

 private:
  std::string bucket_;
  std::string key_;
  std::string size_;
  std::vector<Attribute> views_;
};

}  // namespace ringpost::cli
