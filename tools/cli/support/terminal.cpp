#include "terminal.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

#include "output.hpp"

namespace ringpost::cli {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// The length of the escape sequence at the front of the text; 0: there is none.
std::size_t escape_length(std::string_view text) {
  if (text.size() < 2 || text[0] != '\x1b' || text[1] != '[') return 0;
  std::size_t end = 2;
  while (end < text.size() && (text[end] < '@' || text[end] > '~')) ++end;
  return end < text.size() ? end + 1 : text.size();
}

}  // namespace

bool is_terminal(int descriptor) noexcept { return isatty(descriptor) == 1; }

ScreenSize screen_size(int descriptor) {
  ScreenSize size;
  winsize window = {};
  if (ioctl(descriptor, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0) {
    size.columns = window.ws_col;
    size.rows = window.ws_row;
  } else if (const char* columns = std::getenv("COLUMNS")) {
    const int value = std::atoi(columns);
    if (value > 0) size.columns = static_cast<std::size_t>(value);
  }
  return size;
}

std::string Paint::with(std::string_view code, std::string_view text) const {
  if (!on_) return std::string(text);
  std::string out = "\x1b[";
  out += code;
  out += 'm';
  out += text;
  return out + "\x1b[0m";
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    if (const std::size_t length = escape_length(text)) {
      text.remove_prefix(length);
      continue;
    }
    if (!continues_character(text.front())) ++columns;
    text.remove_prefix(1);
  }
  return columns;
}

std::string fitted(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::size_t end = 0;
  std::size_t taken = 0;
  bool painted = false;
  while (end < text.size()) {
    if (const std::size_t length = escape_length(text.substr(end))) {
      end += length;
      painted = true;
      continue;
    }
    if (!continues_character(text[end])) {
      if (taken + 1 == columns) break;
      ++taken;
    }
    ++end;
  }
  return std::string(text.substr(0, end)) + "…" + (painted ? "\x1b[0m" : "");
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
  constexpr std::string_view kGap = "   ";
  std::string out;
  std::string line;
  const auto end_line = [&] { out += std::string(indent, ' ') + std::exchange(line, {}) + "\n"; };
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(kGap));
    const std::size_t needed = columns_of(line) + kGap.size() + columns_of(part);
    if (!line.empty() && indent + needed > columns) end_line();
    if (!line.empty()) line += kGap;
    line += part;
    text.remove_prefix(std::min(text.size(), part.size() + kGap.size()));
  }
  end_line();
  return out;
}

FullScreen::FullScreen() {
  if (is_terminal(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before_) == 0) {
    termios keys = before_;
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    keys.c_cc[VMIN] = 0;
    keys.c_cc[VTIME] = 0;
    has_keys_ = tcsetattr(STDIN_FILENO, TCSANOW, &keys) == 0;
  }
  write_all(STDOUT_FILENO, "\x1b[?1049h\x1b[?25l");
}

FullScreen::~FullScreen() {
  if (has_keys_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  try {
    write_all(STDOUT_FILENO, "\x1b[?25h\x1b[?1049l");
  } catch (const std::exception&) {
    // The terminal has gone; there is nothing left to restore.
  }
}

void FullScreen::show(std::string_view text) {
  std::string frame = "\x1b[H";
  for (const char c : text) {
    if (c == '\n') frame += "\x1b[K";
    frame += c;
  }
  write_all(STDOUT_FILENO, frame + "\x1b[J");
}

}  // namespace ringpost::cli
