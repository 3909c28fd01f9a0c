#include "http/http_client.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/http.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <cstring>
#include <optional>

namespace ringpost::push {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using Request = http::request<http::span_body<const char>>;

constexpr int kHttpVersion = 11;
constexpr std::uint64_t kAnswerBytesMax = 64 * 1024;

struct Url {
  bool tls = false;
  std::string user;  ///< user:password
  std::string host;
  std::string port;
  std::string target;  ///< path and query
};

/// Takes what OpenSSL allocated.
std::string take(char* text) {
  std::string copy(text == nullptr ? "" : text);
  ::OPENSSL_free(text);
  return copy;
}

std::optional<Url> parse(const std::string& text) {
  int tls = 0;
  char *user = nullptr, *host = nullptr, *port = nullptr, *path = nullptr, *query = nullptr;
  const int parsed = ::OSSL_HTTP_parse_url(text.c_str(), &tls, &user, &host, &port, nullptr, &path,
                                           &query, nullptr);
  ::ERR_clear_error();
  Url url{tls != 0, take(user), take(host), take(port), take(path)};
  const std::string parameters = take(query);
  if (parsed != 1 || url.host.empty()) return std::nullopt;
  if (!parameters.empty()) url.target += "?" + parameters;
  if (url.host.front() == '[' && url.host.back() == ']') {
    url.host = url.host.substr(1, url.host.size() - 2);
  }
  return url;
}

std::string base64_of(const std::string& text) {
  std::string encoded((text.size() + 2) / 3 * 4 + 1, '\0');  // and a NUL that OpenSSL writes
  const int length = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                       reinterpret_cast<const unsigned char*>(text.data()),
                                       static_cast<int>(text.size()));
  encoded.resize(static_cast<std::size_t>(length));
  return encoded;
}

Request request_of(const Url& url, const HttpHeaders& headers, std::string_view body) {
  Request request(http::verb::post, url.target, kHttpVersion);
  const std::string host =
      url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
  const bool usual_port = url.port == (url.tls ? "443" : "80");
  request.set(http::field::host, usual_port ? host : host + ":" + url.port);
  request.set(http::field::connection, "close");
  if (!url.user.empty()) request.set(http::field::authorization, "Basic " + base64_of(url.user));
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = {body.data(), body.size()};
  request.prepare_payload();
  return request;
}

/// The answer's status decides; what becomes of its body does not matter.
template <class Stream>
asio::awaitable<HttpAnswer> talk(Stream& stream, Request& request) {
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kAnswerBytesMax);
  co_await http::async_read_header(stream, buffer, parser, asio::use_awaitable);
  HttpAnswer answer{parser.get().result_int(), std::string(parser.get().reason())};
  try {
    co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
  } catch (const boost::system::system_error&) {
    co_return answer;
  }
  co_return answer;
}

void expect_host(beast::ssl_stream<beast::tcp_stream>& stream, const Url& url) {
  stream.set_verify_mode(asio::ssl::verify_peer);
  stream.set_verify_callback(asio::ssl::host_name_verification(url.host));
  boost::system::error_code is_name;
  asio::ip::make_address(url.host, is_name);
  // An address is not announced: RFC 6066.
  if (is_name) {
    ::SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(url.host.c_str()));
  }
}

asio::awaitable<HttpAnswer> exchange(const Url& url, Request& request, asio::ssl::context& tls) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  const auto found = co_await resolver.async_resolve(url.host, url.port, asio::use_awaitable);
  beast::tcp_stream plain(executor);
  co_await plain.async_connect(found, asio::use_awaitable);
  if (!url.tls) co_return co_await talk(plain, request);
  beast::ssl_stream<beast::tcp_stream> secure(std::move(plain), tls);
  expect_host(secure, url);
  co_await secure.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  co_return co_await talk(secure, request);
}

std::string text_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code().message();
  } catch (const std::exception& error) {
    return error.what();
  }
}

Unexpected<Error> no_certificates(Errc code, const std::string& file, const std::string& why) {
  Error error{.code = code};
  const std::string text = file + ": " + why;
  std::strncpy(error.what, text.c_str(), sizeof error.what - 1);
  return Unexpected(error);
}

}  // namespace

bool is_url(const std::string& text) {
  return (text.starts_with("http://") || text.starts_with("https://")) && parse(text).has_value();
}

struct HttpClient::Impl {
  HttpOptions options;
  asio::ssl::context tls{asio::ssl::context::tls_client};
};

HttpClient::HttpClient(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::make(const HttpOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  boost::system::error_code failed;
  impl->tls.set_default_verify_paths(failed);  // without any every certificate is refused
  if (!options.trusted_certificates.empty()) {
    impl->tls.load_verify_file(options.trusted_certificates, failed);
    if (failed) {
      return no_certificates(Errc::kInvalidArgument, options.trusted_certificates,
                             "no certificates: " + failed.message());
    }
  }
  return HttpClient(std::move(impl));
}

HttpAnswer HttpClient::post(const std::string& url_text, const HttpHeaders& headers,
                            std::string_view body) {
  const auto url = parse(url_text);
  if (!url) return {0, "no URL"};
  Request request = request_of(*url, headers, body);
  std::optional<HttpAnswer> answer;
  asio::io_context io(1);
  asio::co_spawn(io, exchange(*url, request, impl_->tls),
                 [&answer](const std::exception_ptr& failure, const HttpAnswer& given) {
                   answer = failure ? HttpAnswer{0, text_of(failure)} : given;
                 });
  io.run_for(impl_->options.timeout);
  return answer.value_or(HttpAnswer{0, "timed out"});
}

}  // namespace ringpost::push
