#include "../support/settle_verb.hpp"
#include "verbs.hpp"

namespace ringpost::cli {

void add_release(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "release", "Make received messages visible again, for another try",
                        "  ringpost release orders \"$RECEIPT\"\n"
                        "  ringpost release orders \"$RECEIPT\" --delay 30s");
  auto options = add_settle_options(verb);
  add_duration(verb, "--delay", options->time, "Visible only after so long (0)");
  on_run(verb, context, [&context, options] {
    return settle_receipts(context, *options, "released",
                           [options](Queue& queue, const Receipt& receipt) {
                             return queue.release(receipt, options->time);
                           });
  });
}

}  // namespace ringpost::cli
