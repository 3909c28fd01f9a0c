// What the screen is, how wide, in which colours, and which keys were pressed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <termios.h>

namespace ringpost::cli {

[[nodiscard]] bool is_terminal(int descriptor) noexcept;

struct ScreenSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};
/// Of the terminal behind the descriptor; 80 × 24, or $COLUMNS, when it is none.
[[nodiscard]] ScreenSize screen_size(int descriptor);

/// Colours, or none of them.
class Paint {
 public:
  Paint() = default;
  explicit Paint(bool on) : on_(on) {}
  [[nodiscard]] bool on() const noexcept { return on_; }
  [[nodiscard]] std::string bold(std::string_view text) const { return with("1", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return with("2", text); }
  [[nodiscard]] std::string red(std::string_view text) const { return with("31", text); }
  [[nodiscard]] std::string green(std::string_view text) const { return with("32", text); }
  [[nodiscard]] std::string yellow(std::string_view text) const { return with("33", text); }

 private:
  [[nodiscard]] std::string with(std::string_view code, std::string_view text) const;
  bool on_ = false;
};

/// Columns that a UTF-8 text takes, escape sequences not counted.
[[nodiscard]] std::size_t columns_of(std::string_view text);
/// The front of a text that fits, with "…" where something was cut.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t columns);

/// The parts of a line, which three blanks separate, on as many lines as the width needs, each
/// after `indent` blanks and ending with a newline.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns);

/// While it lives, keys arrive at once and are not echoed, and the other screen is shown.
class FullScreen {
 public:
  FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;
  ~FullScreen();
  /// Shows the text from the upper left corner, and clears what was below it.
  void show(std::string_view text);
  [[nodiscard]] bool has_keys() const noexcept { return has_keys_; }

 private:
  bool has_keys_ = false;
  termios before_ = {};
};

}  // namespace ringpost::cli
