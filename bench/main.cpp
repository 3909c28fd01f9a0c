// ringpost_bench: runs rows of the bench and reports them. bench/run builds and starts it.
#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>

#include "harness/row_runner.hpp"
#include "report/json.hpp"
#include "report/svg.hpp"
#include "report/table.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

constexpr double kQuickRowSeconds = 6;
constexpr double kQuickAllSeconds = 235;
constexpr double kFullRowSeconds = 15;

struct Options {
  bool quick = false;
  bool list = false;
  std::string only;
  std::string json_file;
  std::string svg_file;
  std::string commit;
  double row_seconds = 0;
};

CLI::App* add_options(CLI::App& app, Options& options) {
  app.add_flag("--quick", options.quick,
               "only rows that carry a figure that must be shown; 6 s a row, 4 min in all");
  app.add_option("--only", options.only,
                 "only rows whose name contains this, or matches it as a pattern with * ? [ ]");
  app.add_option("--json", options.json_file, "write one JSON object a row, a line each");
  app.add_option("--svg", options.svg_file, "write a picture of all rows");
  app.add_flag("--list", options.list, "print the names of the rows and leave");
  app.add_option("--seconds", options.row_seconds, "for each row; default 15, with --quick 6")
      ->check(CLI::PositiveNumber);
  app.add_option("--commit", options.commit, "what the results are of")->group("");
  return &app;
}

Rows chosen_rows(const Options& options) {
  Rows rows = all_rows();
  const auto unwanted = [&](const Row& row) {
    if (options.quick && !row.quick) return true;
    if (options.only.empty()) return false;
    if (row.name.find(options.only) != std::string::npos) return false;
    return fnmatch(options.only.c_str(), row.name.c_str(), 0) != 0;
  };
  rows.erase(std::remove_if(rows.begin(), rows.end(), unwanted), rows.end());
  return rows;
}

std::size_t width_of_names(const Rows& rows) {
  std::size_t width = 24;
  for (const Row& row : rows) {
    width = std::max(width, row.name.size());
    for (const Rival& rival : row.rivals) {
      for (const Variant& variant : rival.variants) {
        width = std::max(width, rival.name.size() + variant.name.size() + 7);
      }
    }
  }
  return width;
}

// One line on the terminal that the next output overwrites.
class ProgressLine {
 public:
  void show(std::size_t number, std::size_t count, const std::string& name, double seconds,
            double budget) const {
    if (!shown_) return;
    fmt::print(stderr, "\r[{}/{}] {}  {:.1f} of {:.0f} s\033[K", number, count, name, seconds,
               budget);
    std::fflush(stderr);
  }
  void clear() const {
    if (!shown_) return;
    fmt::print(stderr, "\r\033[K");
    std::fflush(stderr);
  }

 private:
  bool shown_ = isatty(STDERR_FILENO) != 0;
};

double seconds_for_row(const Options& options, std::size_t rows) {
  if (options.row_seconds > 0) return options.row_seconds;
  if (!options.quick) return kFullRowSeconds;
  return std::min(kQuickRowSeconds, kQuickAllSeconds / static_cast<double>(rows));
}

int run_rows(const Rows& rows, const Options& options) {
  const Machine machine = describe_machine(options.commit);
  const std::size_t width = width_of_names(rows);
  std::ofstream json;
  if (!options.json_file.empty()) {
    json.open(options.json_file);
    if (!json) return fmt::print(stderr, "cannot write {}\n", options.json_file), 2;
  }
  fmt::print("{}", table_head(machine, width));
  std::fflush(stdout);

  const ProgressLine line;
  RowBudget budget;
  budget.seconds = seconds_for_row(options, rows.size());
  std::vector<Summary> summaries;
  bool all_good = true;
  for (const Row& row : rows) {
    const auto progress = [&](double seconds) {
      line.show(summaries.size() + 1, rows.size(), row.name, seconds, budget.seconds);
    };
    progress(0);
    const Summary summary = run_row(row, budget, progress);
    line.clear();
    if (interrupted() && summary.figures.runs == 0) break;
    all_good = all_good && (summary.verified || !summary.possible);
    summaries.push_back(summary);
    fmt::print("{}", table_row(summary, width));
    std::fflush(stdout);
    if (json.is_open() && summary.possible)
      json << json_line(summary, machine) << '\n' << std::flush;
    if (interrupted()) break;
  }
  if (!options.svg_file.empty()) {
    std::ofstream svg(options.svg_file);
    svg << draw_bars(summaries, machine);
    if (!svg.flush()) return fmt::print(stderr, "cannot write {}\n", options.svg_file), 2;
  }
  if (interrupted()) {
    fmt::print(stderr, "interrupted: {} of {} rows\n", summaries.size(), rows.size());
    return 130;
  }
  return all_good ? 0 : 1;
}

int run(int argc, char** argv) {
  CLI::App app("Measures Ringpost beside its peers, between processes pinned to two cores.",
               "bench/run");
  Options options;
  add_options(app, options);
  app.footer(
      "Exit status: 0 all rows verified, 1 a row failed or was not verified, 2 wrong use,\n"
      "130 interrupted (with the rows so far).");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const Rows rows = chosen_rows(options);
  if (options.list) {
    for (const Row& row : rows) fmt::print("{}\n", row.name);
    return 0;
  }
  if (rows.empty()) {
    fmt::print(stderr, "no row matches; bench/run --list shows all\n");
    return 2;
  }
  install_interrupt_handlers();
  return run_rows(rows, options);
}

}  // namespace
}  // namespace ringpost::bench

int main(int argc, char** argv) {
  try {
    return ringpost::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench: {}\n", error.what());
    return 1;
  }
}
