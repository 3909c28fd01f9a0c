#include "progress.hpp"

#include <algorithm>

#include <unistd.h>

#include <fmt/format.h>

#include "output.hpp"
#include "ringpost/types.hpp"
#include "terminal.hpp"
#include "units.hpp"

namespace ringpost::cli {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};
/// Nothing is shown of what is over before anybody could read it.
constexpr std::chrono::milliseconds kQuietStart{300};

}  // namespace

Progress::Progress(std::string verb, bool shown, std::optional<std::uint64_t> total_work,
                   std::string noun)
    : verb_(std::move(verb)),
      noun_(std::move(noun)),
      shown_(shown && is_terminal(STDERR_FILENO)),
      total_work_(total_work),
      begin_(Clock::now()),
      drawn_at_(begin_ + kQuietStart - kRedraw) {}

void Progress::add(std::uint64_t count, std::uint64_t bytes, std::uint64_t work) {
  count_ += count;
  bytes_ += bytes;
  work_ += work;
  if (shown_ && Clock::now() - drawn_at_ >= kRedraw) draw();
}

void Progress::draw() {
  drawn_at_ = Clock::now();
  const double elapsed = seconds();
  std::string line;
  if (noun_.empty()) {
    const auto rate = static_cast<std::uint64_t>(static_cast<double>(bytes_) / elapsed);
    line = fmt::format("{} {}   {}/s", verb_, format_size(bytes_), format_size(rate));
  } else {
    line = fmt::format("{} {}   {}", verb_, format_counted(count_, noun_),
                       format_rate(static_cast<double>(count_) / elapsed));
    if (bytes_ != 0) line += "   " + format_size(bytes_);
  }
  if (total_work_ && *total_work_ != 0 && work_ != 0) {
    const double done = static_cast<double>(work_) / static_cast<double>(*total_work_);
    if (done < 1) {
      const double left = elapsed / done * (1 - done);
      line += fmt::format("   {:.0f} %, {} left", done * 100,
                          format_age(Duration(static_cast<Duration::rep>(left * 1e9))));
    }
  }
  const std::size_t columns = screen_size(STDERR_FILENO).columns;
  write_quietly(STDERR_FILENO, "\r" + fitted(line, columns - 1) + "\x1b[K");
  on_screen_ = true;
}

void Progress::clear() {
  if (on_screen_) write_quietly(STDERR_FILENO, "\r\x1b[K");
  on_screen_ = false;
}

double Progress::seconds() const {
  const std::chrono::duration<double> elapsed = Clock::now() - begin_;
  return std::max(elapsed.count(), 1e-9);
}

std::string Progress::summary() const {
  const double elapsed = seconds();
  return fmt::format("{} {} ({}) in {}, {}", verb_, format_counted(count_, noun_),
                     format_size(bytes_),
                     format_age(Duration(static_cast<Duration::rep>(elapsed * 1e9))),
                     format_rate(static_cast<double>(count_) / elapsed));
}

}  // namespace ringpost::cli
