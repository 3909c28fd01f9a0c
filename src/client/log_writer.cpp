#include "ringpost/log_writer.hpp"

#include "journal/log_thread.hpp"

namespace ringpost {

LogWriter::LogWriter() noexcept = default;
LogWriter::LogWriter(LogWriter&&) noexcept = default;
LogWriter& LogWriter::operator=(LogWriter&&) noexcept = default;
LogWriter::~LogWriter() = default;
LogWriter::LogWriter(std::unique_ptr<detail::LogThread> thread) noexcept
    : thread_(std::move(thread)) {}
Errc LogWriter::failure() const noexcept { return thread_->failure(); }

}  // namespace ringpost
