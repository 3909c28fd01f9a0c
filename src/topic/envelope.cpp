#include "topic/envelope.hpp"

#include <openssl/evp.h>
#include <simdjson.h>
#include <time.h>

#include <boost/json/src.hpp>
#include <cstdio>
#include <cstring>

namespace ringpost::topic {
namespace {

namespace json = boost::json;

std::string base64_of(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and a NUL that OpenSSL writes
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

/// 2026-08-01T12:34:56.789Z
std::string timestamp_of(std::uint64_t wall_ns) {
  const auto seconds = static_cast<time_t>(wall_ns / 1'000'000'000);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char day[32] = {};
  std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
  char text[48] = {};
  std::snprintf(text, sizeof text, "%s.%03uZ", day,
                static_cast<unsigned>(wall_ns / 1'000'000 % 1'000));
  return text;
}

json::object attributes_of(const AttributeList& attributes) {
  json::object all;
  for (const Attribute& each : attributes) {
    const bool binary = each.type == "Binary" || each.type.starts_with("Binary.");
    json::object one;
    one["Type"] = json::string_view(each.type.data(), each.type.size());
    one["Value"] = binary ? json::string(base64_of(each.value))
                          : json::string(json::string_view(each.value.data(), each.value.size()));
    all[json::string_view(each.name.data(), each.name.size())] = std::move(one);
  }
  return all;
}

constexpr std::string_view kBeforeId = R"({"Type":"Notification","MessageId":")";
constexpr std::string_view kBeforeNumber = R"(","SequenceNumber":")";
constexpr std::size_t kIdBytes = 36;
constexpr std::size_t kNumberDigits = 20;

}  // namespace

std::string arn_of(std::string_view topic) {
  return "arn:aws:sns:us-east-1:000000000000:" + std::string(topic);
}

bool is_utf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

std::string envelope_text(const EnvelopeOf& of) {
  json::object all;
  all["Type"] = "Notification";
  all["MessageId"] = of.id.to_string();
  if (of.numbered) all["SequenceNumber"] = std::string(kNumberDigits, '0');
  all["TopicArn"] = arn_of(of.topic);
  if (!of.subject.empty()) all["Subject"] = json::string_view(of.subject.data(), of.subject.size());
  all["Message"] = json::string_view(of.body.data(), of.body.size());
  all["Timestamp"] = timestamp_of(of.wall_ns);
  if (!of.attributes.empty()) all["MessageAttributes"] = attributes_of(of.attributes);
  return json::serialize(all);
}

void number_envelope(std::uint64_t topic_id, std::uint64_t number, std::byte* text) noexcept {
  auto* const id = reinterpret_cast<char*>(text) + kBeforeId.size();
  const std::string id_text = MessageId{topic_id, number}.to_string();
  id_text.copy(id, kIdBytes);
  char digits[kNumberDigits + 1] = {};
  std::snprintf(digits, sizeof digits, "%020llu", static_cast<unsigned long long>(number));
  std::memcpy(id + kIdBytes + kBeforeNumber.size(), digits, kNumberDigits);
}

}  // namespace ringpost::topic
