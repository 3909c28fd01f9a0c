#include "process/history/recorder.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace ringpost::history {

namespace {

using Words = std::array<std::uint64_t, sizeof(Record) / sizeof(std::uint64_t)>;

bool is_blank(const Record& record) noexcept {
  for (const auto word : std::bit_cast<Words>(record)) {
    if (word != 0) return false;
  }
  return true;
}

bool is_complete(const Record& record) noexcept {
  return record.check != 0 && record.check == check_of(record);
}

void* map_file(int file, std::size_t bytes) noexcept {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

std::uint64_t check_of(const Record& record) noexcept {
  const auto words = std::bit_cast<Words>(record);
  std::uint64_t sum = 0x9e37'79b9'7f4a'7c15u;
  for (std::size_t i = 1; i < words.size(); ++i) {
    sum = (std::rotl(sum, 23) ^ words[i]) * 0xff51'afd7'ed55'8ccdu;
  }
  return sum != 0 ? sum : 1;
}

std::optional<Recorder> Recorder::create(const std::string& path, std::uint32_t process,
                                         std::uint64_t capacity) {
  const int file = open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) return std::nullopt;
  const auto bytes = static_cast<std::size_t>(capacity) * sizeof(Record);
  void* memory = ftruncate(file, static_cast<off_t>(bytes)) == 0 ? map_file(file, bytes) : nullptr;
  close(file);
  if (memory == nullptr) return std::nullopt;
  return Recorder(static_cast<Record*>(memory), process, capacity);
}

Recorder::Recorder(Recorder&& other) noexcept
    : records_(std::exchange(other.records_, nullptr)),
      process_(other.process_),
      capacity_(other.capacity_),
      written_(other.written_) {}

Recorder::~Recorder() {
  if (records_ != nullptr) munmap(records_, static_cast<std::size_t>(capacity_) * sizeof(Record));
}

void Recorder::append(Record record) noexcept {
  if (written_ == capacity_) return;
  Record& place = records_[written_++];
  record.process = process_;
  record.check = 0;
  place = record;
  // Release, so that no store of the record is moved behind it: SIGKILL strikes between two
  // instructions, and what this core stored before it stays stored.
  std::atomic_ref(place.check).store(check_of(record), std::memory_order_release);
}

Log Recorder::read() const { return read_log(records_, capacity_, process_); }

Log read_log(const Record* records, std::uint64_t capacity, std::uint32_t process) {
  Log log;
  log.process = process;
  std::uint64_t i = 0;
  for (; i < capacity && is_complete(records[i]); ++i) log.records.push_back(records[i]);
  if (i == capacity) return log;
  log.torn = !is_blank(records[i]);
  log.damaged = i + 1 < capacity && !is_blank(records[i + 1]);
  for (const Record& record : log.records) log.damaged |= record.process != process;
  return log;
}

std::optional<Log> read_log(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  struct stat status {};
  const bool known = fstat(file, &status) == 0 && status.st_size >= off_t{sizeof(Record)};
  const auto bytes = known ? static_cast<std::size_t>(status.st_size) : 0;
  void* memory = known ? map_file(file, bytes) : nullptr;
  close(file);
  if (memory == nullptr) return std::nullopt;
  const auto* records = static_cast<const Record*>(memory);
  Log log = read_log(records, bytes / sizeof(Record), records->process);
  munmap(memory, bytes);
  return log;
}

}  // namespace ringpost::history
