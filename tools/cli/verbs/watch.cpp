// ringpost watch: what happens to the files of directories, as messages of a topic.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <system_error>

#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "../support/interrupt.hpp"
#include "../support/message_text.hpp"
#include "../support/topic_text.hpp"
#include "../support/units.hpp"
#include "../watch/event_document.hpp"
#include "../watch/file_watch.hpp"
#include "../work/descriptor.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

constexpr int kQuietLookMs = 200;
constexpr Duration kFullPause = std::chrono::milliseconds(100);

struct Options {
  std::vector<std::string> directories;
  std::string topic;
  std::string bucket;
  std::vector<std::string> events;
  FileWatchOptions watch;
  bool etag = false;
  Duration wait = std::chrono::seconds(10);
};

struct Totals {
  std::uint64_t created = 0;
  std::uint64_t written = 0;
  std::uint64_t removed = 0;
  std::uint64_t delivered = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t dropped = 0;
  std::uint64_t overflows = 0;
  std::uint64_t unpublished = 0;

  void add(FileChange change) noexcept {
    if (change == FileChange::kCreated) ++created;
    if (change == FileChange::kWritten) ++written;
    if (change == FileChange::kRemoved) ++removed;
  }
};

std::int64_t wall_clock_ns() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Empty: it cannot be read any more.
std::string md5_of_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest(EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free);
  if (!file.is_open() || EVP_DigestInit_ex(digest.get(), EVP_md5(), nullptr) != 1) return {};
  std::vector<unsigned char> bytes(256 * 1024);
  ssize_t got = 0;
  while ((got = ::read(file.number(), bytes.data(), bytes.size())) > 0) {
    EVP_DigestUpdate(digest.get(), bytes.data(), static_cast<std::size_t>(got));
    stop_if_interrupted();
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> md5{};
  unsigned length = 0;
  EVP_DigestFinal_ex(digest.get(), md5.data(), &length);
  return got < 0 ? "" : fmt::format("{:02x}", fmt::join(md5.begin(), md5.begin() + length, ""));
}

/// Publishes what a FileWatch finds, and says so.
class Watcher {
 public:
  Watcher(Context& context, Topic& topic, const Options& options)
      : context_(context),
        topic_(topic),
        options_(options),
        watch_(options.directories, options.watch, wall_clock_ns) {
    for (const std::string& directory : options.directories) {
      const std::string name = std::filesystem::canonical(directory).filename();
      buckets_.push_back(!options.bucket.empty() ? options.bucket : name.empty() ? "root" : name);
    }
  }

  /// Until a signal comes, or no directory is left. What had happened before is published.
  void run() {
    announce();
    while (!interrupted()) {
      if (publish_all(watch_.look())) continue;
      if (roots_gone_ == options_.directories.size()) throw nothing_left();
      wait();
    }
    publish_all(watch_.look());
    stop_if_interrupted();
  }
  void print_summary();

 private:
  [[nodiscard]] bool is_json() const noexcept { return context_.globals.json; }
  void announce();
  bool publish_all(const FileLook& look);
  void publish(const FileEvent& event);
  Published publish_one(const FileFacts& facts, const std::string& path);
  void tell_of(const FileFacts& facts, const Published& published);
  void tell_of(const FileLook& look);
  void wait() const;
  [[nodiscard]] Failure nothing_left() const {
    return {ExitCode::kNotFound, "NotFound", "the watched directories are gone",
            "make them again, and start ringpost watch again"};
  }
  [[nodiscard]] bool is_asked_for(FileChange change) const {
    return std::find(options_.events.begin(), options_.events.end(), name_of(change)) !=
           options_.events.end();
  }
  void line(JsonObject event) {
    event["time"] = iso_time(std::chrono::system_clock::now());
    if (!context_.globals.quiet) context_.out.line(json_line(event));
  }

  Context& context_;
  Topic& topic_;
  const Options& options_;
  FileWatch watch_;
  std::vector<std::string> buckets_;
  std::uint64_t sequencer_ = 0;
  std::size_t roots_gone_ = 0;
  bool is_full_ = false;
  Totals totals_;
};

void Watcher::announce() {
  if (is_json()) {
    JsonArray directories;
    for (const std::string& each : options_.directories)
      directories.push_back(as_text(each).c_str());
    line({{"event", "watching"},
          {"topic", options_.topic},
          {"directories", std::move(directories)},
          {"directories_watched", watch_.directories_watched()},
          {"files_known", watch_.files_known()}});
  } else {
    const std::size_t directories = watch_.directories_watched();
    context_.report(fmt::format(
        "watching {} for topic {}: {} {}, {}", fmt::join(options_.directories, " "), options_.topic,
        format_count(directories), directories == 1 ? "directory" : "directories",
        format_counted(watch_.files_known(), "file")));
  }
  context_.out.flush();
}

/// Whether there was anything.
bool Watcher::publish_all(const FileLook& look) {
  tell_of(look);
  totals_.unpublished += look.events.size();
  for (const FileEvent& event : look.events) {
    if (is_asked_for(event.change)) publish(event);
    --totals_.unpublished;
  }
  context_.out.flush();
  return !look.events.empty();
}

void Watcher::publish(const FileEvent& event) {
  const std::string path = options_.directories[event.root] + "/" + event.key;
  sequencer_ = std::max(sequencer_ + 1, static_cast<std::uint64_t>(wall_clock_ns()));
  FileFacts facts{.change = event.change,
                  .bucket = buckets_[event.root],
                  .key = event.key,
                  .size = event.size,
                  .etag = {},
                  .time = iso_time(std::chrono::system_clock::now()),
                  .sequencer = sequencer_};
  if (options_.etag && event.size) facts.etag = md5_of_file(path);
  const Published published = publish_one(facts, path);
  totals_.add(event.change);
  totals_.delivered += published.delivered;
  totals_.dead_letters += published.dead_letters;
  totals_.dropped += published.dropped;
  tell_of(facts, published);
}

/// Waits as long as it takes for queues that must not miss anything: what happens to files
/// meanwhile is not lost.
Published Watcher::publish_one(const FileFacts& facts, const std::string& path) {
  const std::string document = event_document(facts);
  const EventAttributes attributes(facts);
  while (true) {
    const auto published =
        topic_.publish(document, {.attributes = attributes.list(), .wait = options_.wait});
    if (published) {
      is_full_ = false;
      return *published;
    }
    if (published.error() != Errc::kFull && published.error() != Errc::kNoSpace) {
      throw failure_of_topic(
          context_, published.error(),
          fmt::format("publish that {} was {}", printable(path), name_of(facts.change)),
          topic_.name());
    }
    if (!is_full_) {
      context_.out.flush();
      context_.note(fmt::format(
          "topic {}: {}; waiting for room", topic_.name(),
          published.error() == Errc::kFull ? "a queue is full" : "the shared memory is full"));
    }
    is_full_ = true;
    sleep_or_stop(kFullPause);
  }
}

void Watcher::tell_of(const FileFacts& facts, const Published& published) {
  const std::uint64_t lost = published.dead_letters + published.dropped;
  if (!is_json()) {
    context_.report(
        fmt::format("{:<8} {}/{}  {}{}", name_of(facts.change), printable(facts.bucket),
                    printable(facts.key), format_counted(published.delivered, "queue"),
                    lost == 0 ? "" : fmt::format(", {} dead letters or dropped", lost)));
    return;
  }
  JsonObject event{{"event", name_of(facts.change)},
                   {"bucket", as_text(facts.bucket)},
                   {"key", as_text(facts.key)}};
  event["size"] = facts.size ? JsonValue(*facts.size) : JsonValue();
  event["id"] = published.id.to_string();
  event["delivered"] = published.delivered;
  event["dead_lettered"] = published.dead_letters;
  event["dropped"] = published.dropped;
  line(std::move(event));
}

void Watcher::tell_of(const FileLook& look) {
  if (look.lost_events) {
    ++totals_.overflows;
    if (is_json()) line({{"event", "overflow"}});
    if (!is_json()) {
      context_.note(
          "too many changes at once, the kernel dropped some: looked at everything again");
    }
  }
  for (const std::string& path : look.unreadable) {
    if (is_json()) line({{"event", "unreadable"}, {"directory", as_text(path)}});
    if (!is_json()) context_.note(fmt::format("{} may not be watched", printable(path)));
  }
  for (const std::size_t root : look.roots_gone) {
    ++roots_gone_;
    const std::string& path = options_.directories[root];
    if (is_json()) line({{"event", "gone"}, {"directory", as_text(path)}});
    if (!is_json()) context_.note(fmt::format("{} is gone", printable(path)));
  }
}

void Watcher::wait() const {
  pollfd sources[2] = {{watch_.descriptor(), POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};
  ::poll(sources, 2, watch_.has_found_files() ? kQuietLookMs : -1);
}

void Watcher::print_summary() {
  context_.out.flush();
  if (context_.globals.quiet) return;
  if (is_json()) {
    JsonObject line;
    line["summary"] = JsonObject{
        {"created", totals_.created},     {"written", totals_.written},
        {"removed", totals_.removed},     {"delivered", totals_.delivered},
        {"dropped", totals_.dropped},     {"dead_lettered", totals_.dead_letters},
        {"overflows", totals_.overflows}, {"unpublished", totals_.unpublished},
    };
    context_.note(json_line(line));
    return;
  }
  const auto if_any = [](std::uint64_t count, const char* what) {
    return count == 0 ? std::string() : fmt::format(", {} {}", format_count(count), what);
  };
  context_.note(fmt::format(
      "{} created, {} written, {} removed; {} delivered{}{}{}", format_count(totals_.created),
      format_count(totals_.written), format_count(totals_.removed), format_count(totals_.delivered),
      if_any(totals_.dead_letters, "to dead-letter queues"), if_any(totals_.dropped, "dropped"),
      if_any(totals_.unpublished, "changes not published")));
}

/// A directory below another one, or given twice, would be watched once.
void refuse_nested(const Options& options) {
  std::vector<std::string> paths;
  for (const std::string& each : options.directories) {
    std::error_code error;
    const std::string path = std::filesystem::canonical(each, error);
    if (error) {
      throw Failure(ExitCode::kNotFound, "File",
                    fmt::format("cannot watch {}: {}", printable(each), error.message()),
                    "give directories that there are: ringpost watch DIR --topic TOPIC");
    }
    paths.push_back(path + "/");
  }
  std::sort(paths.begin(), paths.end());
  for (std::size_t i = 1; i < paths.size(); ++i) {
    const bool nested = options.watch.recursive && paths[i].starts_with(paths[i - 1]);
    if (!nested && paths[i] != paths[i - 1]) continue;
    throw usage_failure(
        fmt::format("{} lies in another directory that is given", printable(paths[i])),
        "give each directory once; with --recursive only the outermost");
  }
}

Failure failure_of_watching(const std::system_error& error) {
  const int code = error.code().value();
  const bool limit = code == ENOSPC || code == EMFILE;
  return {code == ENOENT ? ExitCode::kNotFound : ExitCode::kError, "File",
          fmt::format("cannot watch {}", error.what()),
          limit ? "raise the kernel's limits: sysctl fs.inotify.max_user_watches=1000000 "
                  "fs.inotify.max_user_instances=1000"
                : "see whether it is a directory that may be read: ls -ld"};
}

ExitCode run(Context& context, const Options& options) {
  refuse_nested(options);
  Bus bus = open_bus(context);
  Topic topic = open_topic(context, bus, options.topic);
  try {
    Watcher watcher(context, topic, options);
    try {
      watcher.run();
    } catch (const Interrupted&) {
      watcher.print_summary();
      return ExitCode::kSignal;
    } catch (const Failure&) {
      watcher.print_summary();
      throw;
    }
  } catch (const std::system_error& error) {
    throw failure_of_watching(error);
  }
  return ExitCode::kOk;
}

}  // namespace

void add_watch(CLI::App& app, Context& context) {
  auto& verb = add_verb(
      app, "watch", "Publish what happens to files, as S3 tells it of its objects",
      "  ringpost watch /srv/in --topic files\n"
      "  ringpost watch /srv/in --topic files --recursive --suffix .csv --events created,written\n"
      "  ringpost subscribe files big --filter '{\"size\": [{\"numeric\": [\">\", 1000000]}]}'");
  verb.group("Topics");
  auto options = std::make_shared<Options>();
  options->events = {"created", "written", "removed"};
  verb.add_option("DIR", options->directories, "Directories")->required()->type_name("");
  verb.add_option("-t,--topic", options->topic, "Name of the topic")
      ->required()
      ->type_name("TOPIC");
  verb.add_option("--prefix", options->watch.prefix,
                  "Only files whose path below the directory begins so")
      ->type_name("TEXT");
  verb.add_option("--suffix", options->watch.suffix, "Only files whose name ends so")
      ->type_name("TEXT");
  verb.add_option("--events", options->events, "Some of created,written,removed (all)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"created", "written", "removed"}))
      ->type_name("WORDS");
  verb.add_flag("-r,--recursive", options->watch.recursive, "Directories below too, also new ones");
  verb.add_flag("--existing", options->watch.existing,
                "Files that are there already count as created");
  verb.add_option("--bucket", options->bucket, "Name of the bucket (that of the directory)")
      ->type_name("NAME");
  verb.add_flag("--etag", options->etag, "With the MD5 of the content; reads each file");
  add_duration(verb, "-w,--wait", options->wait,
               "How long a publish waits for queues that are full (10s)");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
