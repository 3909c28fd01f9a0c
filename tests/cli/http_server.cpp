#include "http_server.hpp"

#include <algorithm>
#include <cctype>
#include <csignal>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringpost::cli_test {

struct TlsIdentity::Impl {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  SSL_CTX* context = nullptr;
};

namespace {

/// One client, over TLS or not.
class Connection {
 public:
  Connection(int socket, SSL_CTX* context) : socket_(socket) {
    if (context == nullptr) return;
    tls_ = SSL_new(context);
    SSL_set_fd(tls_, socket);
    is_open_ = SSL_accept(tls_) == 1;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    SSL_free(tls_);
    close(socket_);
  }
  /// False: the client has gone.
  bool read_more(std::string& to) {
    char bytes[4096];
    if (!is_open_) return false;
    const auto got = tls_ == nullptr ? recv(socket_, bytes, sizeof bytes, 0)
                                     : SSL_read(tls_, bytes, sizeof bytes);
    if (got <= 0) return false;
    to.append(bytes, static_cast<std::size_t>(got));
    return true;
  }
  void write(const std::string& bytes) {
    const int size = static_cast<int>(bytes.size());
    const auto sent = tls_ == nullptr ? send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL)
                                      : SSL_write(tls_, bytes.data(), size);
    EXPECT_EQ(sent, size);
  }

 private:
  int socket_;
  SSL* tls_ = nullptr;
  bool is_open_ = true;
};

sockaddr_in any_port() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

HttpRequestSeen parse_head(const std::string& head) {
  HttpRequestSeen request;
  std::size_t at = head.find("\r\n");
  request.line = head.substr(0, at);
  while (at != std::string::npos) {
    const std::size_t end = head.find("\r\n", at + 2);
    const std::string field = head.substr(at + 2, end - at - 2);
    const std::size_t colon = field.find(':');
    std::string name = field.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    request.headers[name] = field.substr(std::min(colon + 2, field.size()));
    at = end;
  }
  return request;
}

HttpRequestSeen read_request(Connection& connection) {
  constexpr std::size_t kSeparatorBytes = 4;
  std::string bytes;
  std::size_t end = std::string::npos;
  while ((end = bytes.find("\r\n\r\n")) == std::string::npos) {
    if (!connection.read_more(bytes)) return {};
  }
  HttpRequestSeen request = parse_head(bytes.substr(0, end));
  request.body = bytes.substr(end + kSeparatorBytes);
  const auto length = request.headers.find("content-length");
  const std::size_t wanted = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (request.body.size() < wanted && connection.read_more(request.body)) {
  }
  return request;
}

X509* certificate_of(EVP_PKEY* key) {
  constexpr long kDaySeconds = 24L * 60 * 60;
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);  // which is version 3
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), kDaySeconds);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  const unsigned char text[] = "ringpost test";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* const where =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, where, -1);
  X509_EXTENSION_free(where);
  X509_sign(certificate, key, EVP_sha256());
  return certificate;
}

}  // namespace

TlsIdentity::TlsIdentity() : impl_(std::make_unique<Impl>()) {
  impl_->key = EVP_EC_gen("P-256");
  impl_->certificate = certificate_of(impl_->key);
  impl_->context = SSL_CTX_new(TLS_server_method());
  EXPECT_EQ(SSL_CTX_use_certificate(impl_->context, impl_->certificate), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(impl_->context, impl_->key), 1);
}

TlsIdentity::~TlsIdentity() {
  SSL_CTX_free(impl_->context);
  X509_free(impl_->certificate);
  EVP_PKEY_free(impl_->key);
}

std::string TlsIdentity::certificate_pem() const {
  BIO* const memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, impl_->certificate);
  std::string text(static_cast<std::size_t>(BIO_pending(memory)), '\0');
  BIO_read(memory, text.data(), static_cast<int>(text.size()));
  BIO_free(memory);
  return text;
}

HttpServer::HttpServer(std::vector<std::string> answers, const TlsIdentity* identity)
    : answers_(std::move(answers)), identity_(identity) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = any_port();
  socklen_t bytes = sizeof address;
  EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), bytes), 0);
  EXPECT_EQ(listen(listener_, SOMAXCONN), 0);
  EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &bytes), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  requests();
  close(listener_);
}

std::string HttpServer::url(const std::string& path) const {
  return (identity_ == nullptr ? "http" : "https") + ("://127.0.0.1:" + std::to_string(port_)) +
         path;
}

std::vector<HttpRequestSeen> HttpServer::requests() {
  shutdown(listener_, SHUT_RDWR);  // ends its accept()
  if (thread_.joinable()) thread_.join();
  return seen_;
}

void HttpServer::serve() {
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);  // OpenSSL writes to clients that have gone
  for (const std::string& text : answers_) {
    const int accepted = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0) return;
    Connection connection(accepted, identity_ == nullptr ? nullptr : identity_->impl_->context);
    seen_.push_back(read_request(connection));
    const bool is_request = !seen_.back().line.empty();
    if (is_request && !text.empty()) {
      connection.write("HTTP/1.1 " + text + "\r\nContent-Length: 2\r\n\r\nok");
    }
    std::string rest;
    while (connection.read_more(rest)) {
    }
  }
}

}  // namespace ringpost::cli_test
