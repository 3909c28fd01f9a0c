// Columns that line up.
#pragma once

#include <string>
#include <vector>

#include "terminal.hpp"

namespace ringpost::cli {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  /// Removes a column, if there is one of that title.
  void drop(const std::string& title);
  /// Columns of the widest line.
  [[nodiscard]] std::size_t width() const;
  /// Lines with a heading, each at most `width` columns; 0: as wide as need be.
  [[nodiscard]] std::string render(const Paint& paint, std::size_t width = 0) const;

 private:
  [[nodiscard]] std::size_t column_width(std::size_t index) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ringpost::cli
