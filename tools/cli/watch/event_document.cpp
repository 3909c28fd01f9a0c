#include "event_document.hpp"

#include <algorithm>
#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "ringpost/sqs.hpp"

namespace ringpost::cli {
namespace {

using boost::json::object;

bool stays(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '*' || c == '/';
}

std::string sequencer_text(std::uint64_t sequencer) {
  char text[17] = {};
  std::snprintf(text, sizeof text, "%016llX", static_cast<unsigned long long>(sequencer));
  return text;
}

object object_of(const FileFacts& facts) {
  object all{{"key", url_encoded(facts.key)}};
  if (facts.size) all["size"] = *facts.size;
  if (!facts.etag.empty()) all["eTag"] = facts.etag;
  all["sequencer"] = sequencer_text(facts.sequencer);
  return all;
}

}  // namespace

const char* name_of(FileChange change) noexcept {
  switch (change) {
    case FileChange::kCreated:
      return "created";
    case FileChange::kWritten:
      return "written";
    case FileChange::kRemoved:
      return "removed";
  }
  return "";
}

const char* event_name(FileChange change) noexcept {
  return change == FileChange::kRemoved ? "ObjectRemoved:Delete" : "ObjectCreated:Put";
}

std::string url_encoded(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    if (stays(c)) {
      text += c;
    } else if (c == ' ') {
      text += '+';
    } else {
      char escape[4] = {};
      std::snprintf(escape, sizeof escape, "%%%02X", static_cast<unsigned char>(c));
      text += escape;
    }
  }
  return text;
}

std::string as_text(const std::string& name) {
  return sqs::is_text(as_bytes(name)) ? name : url_encoded(name);
}

std::string event_document(const FileFacts& facts) {
  const std::string bucket = as_text(facts.bucket);
  object record{{"eventVersion", "2.1"},
                {"eventSource", "ringpost:watch"},
                {"awsRegion", "us-east-1"},
                {"eventTime", facts.time},
                {"eventName", event_name(facts.change)}};
  record["s3"] = object{{"s3SchemaVersion", "1.0"},
                        {"configurationId", name_of(facts.change)},
                        {"bucket", object{{"name", bucket}, {"arn", "arn:aws:s3:::" + bucket}}},
                        {"object", object_of(facts)}};
  return boost::json::serialize(object{{"Records", boost::json::array{std::move(record)}}});
}

EventAttributes::EventAttributes(const FileFacts& facts)
    : bucket_(as_text(facts.bucket)), key_(as_text(facts.key)) {
  views_ = {{.name = "eventName", .value = event_name(facts.change)},
            {.name = "bucket", .value = bucket_},
            {.name = "key", .value = key_},
            {.name = "change", .value = name_of(facts.change)}};
  if (!facts.size) return;
  size_ = std::to_string(*facts.size);
  views_.push_back({.name = "size", .value = size_, .type = "Number"});
}

}  // namespace ringpost::cli
