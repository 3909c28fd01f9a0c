#include "../support/settle_verb.hpp"
#include "verbs.hpp"

namespace ringpost::cli {

void add_extend(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "extend", "Keep received messages invisible for longer",
                        "  ringpost extend orders \"$RECEIPT\" --for 5m");
  auto options = add_settle_options(verb);
  add_duration(verb, "--for", options->time, "The lease ends so long from now: up to 12h in all")
      ->required();
  on_run(verb, context, [&context, options] {
    return settle_receipts(context, *options, "extended",
                           [options](Queue& queue, const Receipt& receipt) {
                             return queue.extend(receipt, options->time);
                           });
  });
}

}  // namespace ringpost::cli
