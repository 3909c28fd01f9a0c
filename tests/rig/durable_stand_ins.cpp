// What durable queues of the rig stand on instead of files: journals in the world's memory, its
// disks, its word of who lives, its locks. Other rigs of whole queues have nothing on disk. And
// nobody sleeps: see futex_stub.cpp.
#include "durable/home.hpp"
#include "journal/journal_file.hpp"
#include "rig/durable_world.hpp"
#include "sys/error.hpp"
#include "sys/futex.hpp"

namespace ringpost {

namespace sys {

void futex_wait(const std::atomic<std::uint32_t>&, std::uint32_t, std::uint64_t) noexcept {
  if (rig::DurableWorld::active != nullptr) rig::DurableWorld::active->slept();
}
int futex_wake(const std::atomic<std::uint32_t>&, int) noexcept { return 0; }
bool futex_wait_any(std::span<const FutexAt>, std::uint64_t) noexcept { return true; }
bool join_fences() noexcept { return true; }
void fence_other_processes() noexcept {}

}  // namespace sys

namespace journal {

std::uint64_t start_after(std::uint64_t log_end, std::uint32_t cells_log2) noexcept {
  return log_end + (std::uint64_t{1} << cells_log2);
}
Result<std::shared_ptr<JournalFile>> JournalFile::create(const shm::Participant&,
                                                         const JournalOptions&) {
  return sys::error(Errc::kUnsupported, "journal", "there are no others");
}
Result<std::shared_ptr<JournalFile>> JournalFile::open(const shm::BusFiles&, std::uint64_t id) {
  std::shared_ptr<JournalFile> file(new JournalFile);
  file->view_ = rig::DurableWorld::active->journal(static_cast<int>(id) - 1);
  file->id_ = id;
  file->number_ = kOfQueue;
  return file;
}
void JournalFile::remove(const shm::BusFiles&, std::uint64_t) noexcept {}

BusLiveness::BusLiveness(std::shared_ptr<const shm::BusFiles> bus) : bus_(std::move(bus)) {}
bool BusLiveness::is_alive(std::uint64_t creator_word) const noexcept {
  return rig::DurableWorld::active->words.dead[creator_word & 7].load() == 0;
}

}  // namespace journal

namespace durable {

Result<void> Home::open(bool) { return {}; }
std::vector<std::string> Home::names() { return {}; }
bool Home::has(const std::string&) { return false; }
std::string Home::log_path(const std::string& name) const { return name; }
Result<std::unique_ptr<disk::Directory>> Home::log(const std::string& name) {
  return rig::DurableWorld::active->mount(name);
}
Result<Meta> Home::read(const std::string& name) {
  return sys::error(Errc::kNotFound, name, "is not on disk");
}
Result<sys::Fd> Home::lock(const std::string& name) { return lock(name, 0, Duration::zero()); }
Result<sys::Fd> Home::lock(const std::string&, std::uint64_t, Duration) {
  return rig::DurableWorld::active->lock_log();
}
Result<void> Home::make(const Meta&) { return {}; }
Result<void> Home::write(const Meta&) { return {}; }
Result<void> Home::remove(const std::string&) { return {}; }

}  // namespace durable
}  // namespace ringpost
