#include "feed_file.hpp"

#include <zlib.h>

#include <charconv>
#include <memory>
#include <stdexcept>

namespace ringpost::market_feed {

std::optional<FeedLine> FeedLine::parse(std::string_view text) noexcept {
  FeedLine line;
  const char* const end = text.data() + text.size();
  const auto [after_time, failure] = std::from_chars(text.data(), end, line.received_ns);
  if (failure != std::errc{} || after_time == end || *after_time != ' ') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(after_time - text.data()) + 1);
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || space == 0) return std::nullopt;
  line.venue = text.substr(0, space);
  line.json = text.substr(space + 1);
  return line;
}

std::string order_key(const FeedLine& line) {
  constexpr std::string_view kBefore = R"({"stream":")";
  if (!line.json.starts_with(kBefore)) return {};
  const std::string_view stream = line.json.substr(kBefore.size());
  const std::size_t end = stream.find('@');
  if (end == std::string_view::npos) return {};
  std::string key(line.venue);
  key += '.';
  for (const char c : stream.substr(0, end)) {
    key += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return key;
}

std::string unpack(const std::string& path) {
  struct Close {
    void operator()(gzFile_s* file) const noexcept { gzclose(file); }
  };
  const std::unique_ptr<gzFile_s, Close> file(gzopen(path.c_str(), "rb"));
  if (!file) throw std::runtime_error("cannot open " + path);
  gzbuffer(file.get(), 1u << 18);

  constexpr unsigned kChunkBytes = 1u << 20;
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + kChunkBytes);
    const int got = gzread(file.get(), text.data() + before, kChunkBytes);
    if (got < 0) throw std::runtime_error("cannot unpack " + path + ": it is damaged");
    text.resize(before + static_cast<std::size_t>(got));
    if (got == 0) break;
  }
  int code = Z_OK;
  gzerror(file.get(), &code);
  if (code == Z_BUF_ERROR) throw std::runtime_error("cannot unpack " + path + ": it is cut off");
  return text;
}

std::vector<std::string_view> split_lines(std::string_view text, std::size_t lines_max) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < lines_max) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace ringpost::market_feed
