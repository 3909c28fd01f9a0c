#include "push/endpoint.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/http.h>

#include <cstdio>

#include "sys/error.hpp"

namespace ringpost::push {
namespace {

constexpr std::size_t kEndpointBytesMax = 2048;
constexpr std::size_t kTopicBytesMax = 62;  // so that the names of all queues fit
constexpr std::string_view kExec = "exec:";

bool has_scheme(std::string_view endpoint, std::string_view scheme) noexcept {
  return endpoint.substr(0, scheme.size()) == scheme;
}

bool is_url(const std::string& text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return false;
  }
  char* host = nullptr;
  const int parsed = ::OSSL_HTTP_parse_url(text.c_str(), nullptr, nullptr, &host, nullptr, nullptr,
                                           nullptr, nullptr, nullptr);
  const bool has_host = parsed == 1 && host != nullptr && host[0] != '\0';
  ::OPENSSL_free(host);
  ::ERR_clear_error();
  return has_host;
}

}  // namespace

Result<void> check_endpoint(const std::string& endpoint) {
  const auto refused = [&](const char* why) {
    return sys::error(Errc::kInvalidArgument, "endpoint \"" + endpoint.substr(0, 80) + "\"", why);
  };
  if (endpoint.size() > kEndpointBytesMax) return refused("has more than 2,048 bytes");
  if (has_scheme(endpoint, kExec)) {
    if (endpoint.find_first_not_of(' ', kExec.size()) == std::string::npos) {
      return refused("has no command: exec:COMMAND");
    }
    if (endpoint.find('\0') != std::string::npos) return refused("has a NUL byte");
    return {};
  }
  if (!has_scheme(endpoint, "http://") && !has_scheme(endpoint, "https://")) {
    return refused("is neither exec:COMMAND nor a URL of http or https");
  }
  if (!is_url(endpoint)) return refused("is no URL");
  return {};
}

std::string queue_prefix(std::string_view topic) {
  return std::string(topic.substr(0, kTopicBytesMax)) + "--";
}

std::string queue_name(std::string_view topic, std::uint64_t subscription) {
  char id[17];
  std::snprintf(id, sizeof id, "%016llx", static_cast<unsigned long long>(subscription));
  return queue_prefix(topic) + id;
}

}  // namespace ringpost::push
