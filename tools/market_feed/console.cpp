#include "console.hpp"

#include <unistd.h>

#include <cstdio>

#include "role.hpp"
#include "terminal.hpp"
#include "units.hpp"

namespace ringpost::market_feed {

Console::Console() : terminal_(cli::is_terminal(STDOUT_FILENO)), begin_ns_(monotonic_ns()) {}

void Console::tell_text(const std::string& text) {
  clear();
  const double seconds = static_cast<double>(monotonic_ns() - begin_ns_) / 1e9;
  fmt::print("{:8.3f} s  {}\n", seconds, text);
  std::fflush(stdout);
}

void Console::heading(std::string_view text) {
  clear();
  fmt::print("\n{}\n", cli::Paint(terminal_).bold(text));
  std::fflush(stdout);
}

void Console::progress(std::string_view what, std::uint64_t done, std::uint64_t total) {
  const std::uint64_t now = monotonic_ns();
  if (!terminal_ || total == 0 || now - drawn_ns_ < 100'000'000) return;
  drawn_ns_ = now;
  constexpr std::uint64_t kWidth = 32;
  const auto filled = static_cast<std::size_t>(kWidth * done / total);
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
  fmt::print("\r\x1b[K            [{}] {} of {} {}", bar, cli::format_count(done),
             cli::format_count(total), what);
  std::fflush(stdout);
  on_screen_ = true;
}

void Console::clear() {
  if (!on_screen_) return;
  fmt::print("\r\x1b[K");
  std::fflush(stdout);
  on_screen_ = false;
}

}  // namespace ringpost::market_feed
