#include "settle_verb.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include "json.hpp"
#include "record_source.hpp"
#include "units.hpp"

namespace ringpost::cli {
namespace {

constexpr std::uint64_t kReceiptLineBytesMax = 64 * 1024 * 1024;

/// The receipt at the front of a line: what stands before a blank, as `receive --leave` prints it.
std::string_view first_word(std::string_view line) {
  return line.substr(0, line.find_first_of(" \t\r"));
}

struct Tally {
  std::uint64_t done = 0;
  std::uint64_t stale = 0;
};

}  // namespace

std::shared_ptr<SettleOptions> add_settle_options(CLI::App& verb) {
  auto options = std::make_shared<SettleOptions>();
  verb.group("Messages");
  add_queue_name(verb, options->queue);
  verb.add_option("RECEIPT", options->receipts,
                  "As `receive --leave` prints them; - reads them from lines of standard input")
      ->required()
      ->type_name("");
  return options;
}

ExitCode settle_receipts(Context& context, const SettleOptions& options, const std::string& done,
                         const std::function<Errc(Queue&, const Receipt&)>& settle) {
  Bus bus = open_bus(context);
  Queue queue = open_queue(context, bus, options.queue);
  Tally tally;
  const auto settle_one = [&](std::string_view text) {
    const auto receipt = Receipt::parse(text);
    if (!receipt) {
      throw usage_failure(fmt::format("\"{}\" is not a receipt", text),
                          "receipts come from: ringpost receive QUEUE --leave");
    }
    const Errc code = settle(queue, *receipt);
    if (code != Errc::kOk && code != Errc::kStaleReceipt) {
      throw failure_of(code,
                       context.subject(fmt::format("settle a message of queue {}", options.queue),
                                       options.queue));
    }
    ++(code == Errc::kOk ? tally.done : tally.stale);
    if (context.globals.json) {
      context.out.line(
          json_line(JsonObject{{"receipt", text}, {"result", code == Errc::kOk ? done : "stale"}}));
    }
  };
  for (const std::string& receipt : options.receipts) {
    if (receipt != "-") {
      settle_one(receipt);
      continue;
    }
    RecordSource source(STDIN_FILENO, '\n', kReceiptLineBytesMax);
    for (auto* lines = &source.next(); !lines->empty(); lines = &source.next()) {
      for (const std::string_view line : *lines) {
        if (!line.empty()) settle_one(first_word(line));
      }
    }
  }
  context.report(fmt::format("{} {}", done, format_counted(tally.done, "message")));
  if (tally.stale == 0) return ExitCode::kOk;
  context.out.flush();
  const std::string what = tally.stale == 1 ? "one receipt was stale"
                                            : fmt::format("{} receipts were stale", tally.stale);
  throw failure_of(Errc::kStaleReceipt, context.subject({}, options.queue), what);
}

}  // namespace ringpost::cli
