// What acknowledge, release and extend have in common: receipts in, one result each.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "options.hpp"
#include "ringpost/queue.hpp"

namespace ringpost::cli {

struct SettleOptions {
  std::string queue;
  std::vector<std::string> receipts;  ///< "-": lines of standard input
  Duration time = Duration::zero();
};

/// Adds QUEUE and RECEIPT to a verb.
std::shared_ptr<SettleOptions> add_settle_options(CLI::App& verb);

/// Does `settle` with every receipt, stale ones do not stop it. `done` is the past tense.
ExitCode settle_receipts(Context& context, const SettleOptions& options, const std::string& done,
                         const std::function<Errc(Queue&, const Receipt&)>& settle);

}  // namespace ringpost::cli
