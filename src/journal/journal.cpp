#include "journal/journal.hpp"

namespace ringpost::journal {

Journal::Journal(std::shared_ptr<JournalFile> file, const shm::Participant& me,
                 const Liveness& alive, std::unique_ptr<LogPort> log)
    : file_(std::move(file)),
      view_(file_->view()),
      producer_(view_, me.index()),
      log_(std::move(log)),
      role_(log_ == nullptr ? nullptr
                            : std::make_unique<DrainRole>(view_, me.creator_word(), alive, *log_)),
      waits_(view_, me.bus().time(), alive, role_.get()) {}

}  // namespace ringpost::journal
