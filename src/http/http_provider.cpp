#include "ringpost/http_provider.hpp"

#include <cstdio>

#include "http/http_client.hpp"

namespace ringpost {
namespace {

constexpr std::string_view kTokenMark = "{token}";

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      char code[4];
      std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned char>(c));
      encoded += code;
    }
  }
  return encoded;
}

std::string url_for(std::string url, std::string_view token) {
  const std::size_t at = url.find(kTokenMark);
  if (at != std::string::npos) url.replace(at, kTokenMark.size(), percent_encoded(token));
  return url;
}

/// Without what would end a header.
std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  }
  return line;
}

}  // namespace

struct HttpProvider::Impl {
  HttpProviderOptions options;
  push::HttpClient client;
};

HttpProvider::HttpProvider(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
HttpProvider::~HttpProvider() = default;

Result<std::unique_ptr<HttpProvider>> HttpProvider::make(const HttpProviderOptions& options) {
  if (!push::is_url(url_for(options.url, "t"))) {
    Error error{.code = Errc::kInvalidArgument};
    std::snprintf(error.what, sizeof error.what, "url \"%.160s\": is no URL of http or https",
                  options.url.c_str());
    return Unexpected(error);
  }
  auto client = push::HttpClient::make(
      {.timeout = options.timeout, .trusted_certificates = options.trusted_certificates});
  if (!client) return Unexpected(client.error());
  return std::unique_ptr<HttpProvider>(
      new HttpProvider(std::make_unique<Impl>(Impl{options, std::move(*client)})));
}

PushOutcome HttpProvider::deliver(std::string_view token, const PushMessage& message) {
  constexpr unsigned kNotFound = 404;
  constexpr unsigned kGone = 410;
  push::HttpHeaders headers = {{"Content-Type", impl_->options.content_type},
                               {"x-ringpost-token", one_line(token)}};
  if (!message.subject.empty())
    headers.emplace_back("x-ringpost-subject", one_line(message.subject));
  const push::HttpAnswer answer =
      impl_->client.post(url_for(impl_->options.url, token), headers, message.body);
  if (answer.status / 100 == 2) return PushOutcome::kDelivered;
  const bool is_refused = answer.status == kNotFound || answer.status == kGone;
  return is_refused ? PushOutcome::kTokenRefused : PushOutcome::kFailed;
}

}  // namespace ringpost
