// ringpost put: one record, lines, or files into a stream.
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "../support/interrupt.hpp"
#include "../support/message_text.hpp"
#include "../support/options.hpp"
#include "../support/outbox.hpp"
#include "../support/record_source.hpp"
#include "../support/stream_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

constexpr std::size_t kBatchMax = 500;
constexpr std::size_t kBatchBytesMax = 8u << 20;
constexpr Duration kPause = std::chrono::milliseconds(10);

struct Options {
  std::string stream;
  std::optional<std::string> data;
  std::vector<std::string> files;
  bool nul_separated = false;
  bool whole = false;
  std::optional<std::string> key;
  bool keyed = false;
  std::optional<std::string> hash_key;
  std::optional<Durability> durability;
  Duration wait = std::chrono::seconds(5);
  std::optional<double> rate;
};

bool is_lines(const Options& options) {
  return !options.data && options.files.empty() && !options.whole;
}

void refuse_contradictions(const Options& options) {
  const int sources = (options.data ? 1 : 0) + (options.files.empty() ? 0 : 1) +
                      (options.whole ? 1 : 0) + (options.nul_separated ? 1 : 0);
  if (sources > 1) {
    throw usage_failure("the records come from more than one place",
                        "give one of: a record, --file, --whole, or -0 (see ringpost put --help)");
  }
  if (options.keyed && (options.key || !is_lines(options))) {
    throw usage_failure("--keyed is of lines, each with a key of its own",
                        "drop it, or --key and whatever else gives records");
  }
}

std::optional<HashKey> hash_key_of(const Options& options) {
  if (!options.hash_key) return std::nullopt;
  const auto key = HashKey::parse(*options.hash_key);
  if (key) return key;
  throw usage_failure(fmt::format("\"{}\" is no hash key", printable(*options.hash_key)),
                      "write a decimal number below 2^128");
}

/// Puts batches, and again what was not taken for the moment.
class Putter {
 public:
  Putter(Context& context, Stream& stream, const Options& options)
      : context_(context),
        stream_(stream),
        options_(options),
        hash_key_(hash_key_of(options)),
        pacer_(options.rate),
        progress_("put", !context.globals.quiet && !context.globals.json, work(options), "record") {
  }

  void put_all() {
    const std::uint64_t most = *stream_.settings().record_bytes_max;
    if (options_.data) put_one(*options_.data, 0);
    if (options_.whole) put_one(read_whole(STDIN_FILENO, most, "standard input"), 0);
    for (const std::string& path : options_.files) put_one(read_file(path, most), 1);
    if (!is_lines(options_)) return;
    RecordSource source(STDIN_FILENO, options_.nul_separated ? '\0' : '\n', most + 1024);
    for (const auto* lines = &source.next(); !lines->empty(); lines = &source.next()) {
      for (const std::string_view line : *lines) add_line(line);
      flush();
    }
  }
  Progress& progress() noexcept { return progress_; }
  [[nodiscard]] const Put& last() const noexcept { return last_; }

 private:
  static std::optional<std::uint64_t> work(const Options& options) {
    if (is_lines(options)) return RecordSource::bytes_left(STDIN_FILENO);
    return options.files.size();
  }
  void put_one(std::string_view data, std::uint64_t work) {
    add(options_.key.value_or(std::to_string(++number_)), data, work);
    flush();
  }
  void add_line(std::string_view line) {
    const std::uint64_t work = line.size() + 1;
    ++number_;
    if (!options_.keyed) {
      return add(options_.key.value_or(std::to_string(number_)), line, work);
    }
    const std::size_t tab = line.find('\t');
    if (tab == 0 || tab == std::string_view::npos) {
      flush();
      throw usage_failure(fmt::format("record {} has no key: KEY, a tab, then the data", number_),
                          "give all records one key with --key, or drop --keyed");
    }
    add(std::string(line.substr(0, tab)), line.substr(tab + 1), work);
  }
  void add(std::string key, std::string_view data, std::uint64_t work) {
    if (batch_.size() == kBatchMax || bytes_ + data.size() > kBatchBytesMax) flush();
    keys_.push_back(std::move(key));
    batch_.push_back({{}, as_bytes(data), hash_key_});
    works_.push_back(work);
    bytes_ += data.size();
  }

  void flush() {
    for (std::size_t i = 0; i < batch_.size(); ++i) batch_[i].key = keys_[i];
    for (std::size_t done = 0; done < batch_.size();) {
      const std::size_t count = pacer_.wait(batch_.size() - done);
      put_until_taken(done, count);
      done += count;
    }
    batch_.clear();
    keys_.clear();
    works_.clear();
    bytes_ = 0;
  }

  void put_until_taken(std::size_t first, std::size_t count) {
    std::vector<std::size_t> left;
    for (std::size_t i = first; i < first + count; ++i) left.push_back(i);
    const auto begin = std::chrono::steady_clock::now();
    while (!left.empty()) {
      std::vector<PutEntry> entries;
      for (const std::size_t i : left) entries.push_back(batch_[i]);
      PutOptions put_options;
      put_options.durability = options_.durability;
      put_options.wait = std::min(options_.wait, kInterruptSlice * 5);
      const auto results = stream_.put_batch(entries, put_options);
      if (!results) fail(results.error());
      std::vector<std::size_t> refused;
      Errc why = Errc::kOk;
      for (std::size_t i = 0; i < left.size(); ++i) {
        if (const auto& result = (*results)[i]) {
          last_ = *result;
          progress_.add(1, batch_[left[i]].data.size(), works_[left[i]]);
          continue;
        }
        why = (*results)[i].error();
        if (why != Errc::kThrottled && why != Errc::kFull) fail(why);
        refused.push_back(left[i]);
      }
      left = std::move(refused);
      if (left.empty()) return;
      if (std::chrono::steady_clock::now() - begin >= options_.wait) fail(why);
      sleep_or_stop(kPause);
    }
  }

  template <class E>
  [[noreturn]] void fail(const E& error) {
    progress_.clear();
    throw failure_of_stream(
        context_, error,
        fmt::format("put record {} into stream {}", progress_.count() + 1, stream_.name()),
        stream_.name());
  }

  Context& context_;
  Stream& stream_;
  const Options& options_;
  std::optional<HashKey> hash_key_;
  Pacer pacer_;
  Progress progress_;
  Put last_;
  std::uint64_t number_ = 0;
  std::vector<PutEntry> batch_;
  std::vector<std::string> keys_;
  std::vector<std::uint64_t> works_;
  std::size_t bytes_ = 0;
};

void print_result(Context& context, const Options& options, Putter& putter) {
  Progress& progress = putter.progress();
  progress.clear();
  const bool any = progress.count() != 0;
  if (context.globals.json) {
    JsonObject object{{"stream", options.stream},
                      {"put", progress.count()},
                      {"bytes", progress.bytes()},
                      {"seconds", progress.seconds()}};
    object["last_shard"] = any ? JsonValue(ShardInfo::id_of(putter.last().shard)) : JsonValue();
    object["last_sequence"] = any ? JsonValue(putter.last().sequence.to_string()) : JsonValue();
    object["interrupted"] = interrupted();
    context.out.line(json_line(object));
    return;
  }
  if (progress.count() == 1 && !is_lines(options)) {
    context.report(putter.last().sequence.to_string());
  }
  context.note(fmt::format("{}{}", progress.summary(), interrupted() ? ", then interrupted" : ""));
}

ExitCode run(Context& context, const Options& options) {
  refuse_contradictions(options);
  Bus bus = open_bus(context);
  Stream stream = open_stream(context, bus, options.stream);
  if (is_lines(options) && is_terminal(STDIN_FILENO)) {
    context.note("one record a line; Ctrl-D ends");
  }
  Putter putter(context, stream, options);
  ExitCode exit_code = ExitCode::kOk;
  try {
    putter.put_all();
  } catch (const Interrupted&) {
    exit_code = ExitCode::kSignal;
  } catch (const Failure&) {
    if (putter.progress().count() != 0) print_result(context, options, putter);
    throw;
  }
  print_result(context, options, putter);
  return exit_code;
}

}  // namespace

void add_put(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "put", "Put records into a stream: an argument, lines, or files",
                        "  ringpost put trades '{\"price\": 7}' --key BTC\n"
                        "  zcat feed.gz | ringpost put trades --rate 10k/s\n"
                        "  printf 'BTC\\t7\\nETH\\t8\\n' | ringpost put trades --keyed\n"
                        "  ringpost put images --file *.png --durability memory");
  verb.group("Streams");
  auto options = std::make_shared<Options>();
  add_stream_name(verb, options->stream);
  verb.add_option("DATA", options->data,
                  "One record; without it each line of standard input is one")
      ->type_name("");
  verb.add_option("-f,--file", options->files, "Each file is one record")->type_name("PATH");
  verb.add_flag("-0,--null", options->nul_separated,
                "Records on standard input end with NUL, not a newline");
  verb.add_flag("--whole", options->whole, "All of standard input is one record");
  verb.add_option("-k,--key", options->key,
                  "Partition key of every record: it chooses the shard (1, 2, 3, …)")
      ->type_name("KEY");
  verb.add_flag("--keyed", options->keyed, "Each line is a key, a tab, and the data");
  verb.add_option("--hash-key", options->hash_key, "In place of the MD5 of the key")
      ->type_name("NUMBER");
  add_choice<std::optional<Durability>>(
      verb, "--durability", options->durability,
      {{"durable", Durability::kDurable}, {"memory", Durability::kMemory}},
      "What a put waits for: durable, memory (the stream's)");
  add_duration(verb, "-w,--wait", options->wait,
               "How long to wait for room, and for throttled shards (5s)");
  add_rate(verb, "--rate", options->rate, "At most so many records a second");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
