// The story on standard output, and one line of progress below it when that is a terminal.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace ringpost::market_feed {

class Console {
 public:
  Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  ~Console() { clear(); }

  /// A line of the story, with the time since the start.
  template <class... Arguments>
  void tell(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    tell_text(fmt::format(format, std::forward<Arguments>(arguments)...));
  }
  void heading(std::string_view text);
  /// Draws at most ten times a second.
  void progress(std::string_view what, std::uint64_t done, std::uint64_t total);
  void clear();

 private:
  void tell_text(const std::string& text);
  bool terminal_;
  std::uint64_t begin_ns_;
  std::uint64_t drawn_ns_ = 0;
  bool on_screen_ = false;
};

}  // namespace ringpost::market_feed
