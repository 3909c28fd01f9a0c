#include "ringpost/log_writer.hpp"

#include "stream/log_writer_core.hpp"

namespace ringpost {

LogWriter::LogWriter() noexcept = default;
LogWriter::LogWriter(LogWriter&&) noexcept = default;
LogWriter& LogWriter::operator=(LogWriter&&) noexcept = default;
LogWriter::~LogWriter() = default;
LogWriter::LogWriter(std::unique_ptr<detail::LogWriterCore> core) noexcept
    : core_(std::move(core)) {}
Errc LogWriter::failure() const noexcept { return core_->failure(); }
std::vector<WrittenLog> LogWriter::logs() const { return core_->logs(); }

}  // namespace ringpost
