#include "table.hpp"

#include <algorithm>

namespace ringpost::cli {
namespace {

std::string padded(const std::string& text, std::size_t columns, Align align) {
  const std::size_t taken = columns_of(text);
  const std::string room(taken < columns ? columns - taken : 0, ' ');
  return align == Align::kLeft ? text + room : room + text;
}

constexpr std::size_t kGap = 2;

}  // namespace

void Table::drop(const std::string& title) {
  const auto is_it = [&title](const Column& column) { return column.title == title; };
  const auto found = std::find_if(columns_.begin(), columns_.end(), is_it);
  if (found == columns_.end()) return;
  const auto index = found - columns_.begin();
  columns_.erase(found);
  for (auto& row : rows_) row.erase(row.begin() + index);
}

std::size_t Table::column_width(std::size_t index) const {
  std::size_t widest = columns_of(columns_[index].title);
  for (const auto& row : rows_) widest = std::max(widest, columns_of(row[index]));
  return widest;
}

std::size_t Table::width() const {
  std::size_t total = columns_.empty() ? 0 : (columns_.size() - 1) * kGap;
  for (std::size_t i = 0; i < columns_.size(); ++i) total += column_width(i);
  return total;
}

std::string Table::render(const Paint& paint, std::size_t width) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) widths.push_back(column_width(i));
  const auto line_of = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i != 0) line.append(kGap, ' ');
      line += padded(cell_of(i), widths[i], columns_[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return width == 0 ? line : fitted(line, width);
  };
  std::string out = paint.bold(line_of([&](std::size_t i) { return columns_[i].title; })) + "\n";
  for (const auto& row : rows_) out += line_of([&](std::size_t i) { return row[i]; }) + "\n";
  return out;
}

}  // namespace ringpost::cli
