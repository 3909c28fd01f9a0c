// Random programs on a log whose machine loses power: at each moment at which the disk is at work,
// several images of what might be left are recovered and compared with the model. Some of them are
// gone on with, until power goes again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "log/anatomy.hpp"
#include "log/log_model.hpp"
#include "ringpost/clock.hpp"
#include "support/sim_disk.hpp"

namespace ringpost::log_rig {

/// What a set of programs is about; each is otherwise as random as the others.
struct Theme {
  const char* name = "all";
  bool deaths = true;
  bool retention = true;
  bool hand_over = true;
  bool full_disk = true;
  unsigned failures_percent = 25;  ///< of programs in which the disk fails once
  unsigned calls = 40;
  unsigned images_per_step = 2;
  unsigned gone_on_percent = 3;  ///< of images
};

/// What all runs of one program share.
struct Context {
  Tally& tally;
  const Theme& theme;
  log::LogOptions options;
  std::uint64_t seed = 0;
  std::uint64_t epochs = 0;
  std::string broken;  ///< the first thing that was

  [[nodiscard]] bool is_over() const { return !broken.empty(); }
};

/// One life of a machine, from boot to power cut.
class Run {
 public:
  Run(Context& context, sim::Disk& disk, Model model, std::uint64_t seed, unsigned depth);
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run();
  void go(unsigned calls);

 private:
  struct Process {
    std::unique_ptr<sim::Mount> mount;
    std::unique_ptr<log::Writer> writer;
  };

  // The calls of a program.
  void call();
  void append();
  void submit();
  void write_now();
  void reap();
  void flush();
  void mark_durable();
  void prepare();
  void drop();
  void read();
  void hand_over();
  void die();
  void pass();
  void fill_or_free();

  bool start();
  void adopt();
  bool let_go();
  bool add_one();
  [[nodiscard]] EntryPointer next_entry();
  [[nodiscard]] std::uint64_t end_of_batch();
  void take(const log::Progress& progress);
  void judge(Errc code, const char* what, bool may_lack_space);
  [[nodiscard]] bool is_failed_housekeeping(Errc code);
  void note_failure();
  void plan_failure();
  void new_reader();
  void skip_what_was_dropped(std::uint64_t position);

  // Power cuts.
  void on_step(sim::Step step);
  void examine(sim::Disk& image, std::uint64_t seed);
  void go_on(sim::Disk& image, Model after, std::uint64_t end, std::uint64_t seed);
  void broken(const std::string& what);
  void broken_if(const std::string& what);
  [[nodiscard]] bool is_well() const;
  [[nodiscard]] bool disk_failed_by_plan() const;
  void trace(const std::string& what);

  Context& context_;
  sim::Disk& disk_;
  Model model_;
  rig::Random random_;
  unsigned depth_;
  std::uint64_t late_one_in_;  ///< writes of the dead land at one step in so many
  ManualClock clock_;
  log::LogOptions options_;
  Process now_;
  Process before_;  ///< let go, and may take over again
  std::unique_ptr<sim::Mount> readers_mount_;
  std::unique_ptr<log::Reader> reader_;
  std::uint64_t found_end_ = 0;              ///< by whoever has judged the image; of depth > 0
  std::size_t read_to_ = 0;                  ///< entries that the reader has handed out or passed
  std::uint64_t gathered_end_ = 0;           ///< of the last record that was added
  sim::Step planned_ = sim::Step::kCountOf;  ///< what fails in this program; kCountOf: nothing
  bool has_adopted_ = false;
  bool reader_is_new_ = false;
  bool failure_is_known_ = false;
  bool failed_ = false;  ///< the log, for the present writer
  bool full_ = false;
  bool recovering_ = false;
  bool examining_ = false;
  std::string trace_;
};

/// One program from an empty disk; empty: everything held.
[[nodiscard]] std::string run_program(const Theme& theme, std::uint64_t seed, Tally& tally);
/// Programs until there are so many images. `first`: number of the first program.
[[nodiscard]] std::string run_images(const Theme& theme, std::uint64_t seed, std::uint64_t images,
                                     Tally& tally);

}  // namespace ringpost::log_rig
