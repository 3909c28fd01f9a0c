#include "../support/settle_verb.hpp"
#include "verbs.hpp"

namespace ringpost::cli {

void add_acknowledge(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "acknowledge", "Remove received messages for ever: they are done",
                        "  ringpost acknowledge orders \"$RECEIPT\"\n"
                        "  ringpost receive orders -n 10 --leave | tee work | ringpost acknowledge "
                        "orders -");
  auto options = add_settle_options(verb);
  on_run(verb, context, [&context, options] {
    return settle_receipts(
        context, *options, "acknowledged",
        [](Queue& queue, const Receipt& receipt) { return queue.acknowledge(receipt); });
  });
}

}  // namespace ringpost::cli
