#include "task_text.hpp"

#include <fmt/format.h>

#include "message_text.hpp"
#include "units.hpp"

namespace ringpost::cli {

JsonObject json_task(const MoveTask& task) {
  JsonObject object{
      {"task", task.id.to_string()}, {"status", name(task.status)}, {"source", task.source}};
  object["destination"] =
      task.destination.empty() ? JsonValue(nullptr) : JsonValue(task.destination);
  object["per_second"] = task.per_second ? JsonValue(*task.per_second) : JsonValue(nullptr);
  object["to_move"] = task.to_move;
  object["moved"] = task.moved;
  object["started_at"] = iso_time(task.started);
  object["failure_reason"] =
      task.failure_reason.empty() ? JsonValue(nullptr) : JsonValue(task.failure_reason);
  return object;
}

std::string direction_text(const MoveTask& task) {
  return task.destination.empty() ? "back to where they came from" : "to queue " + task.destination;
}

std::string task_text(const MoveTask& task) {
  std::string text =
      fmt::format("{}, {} of {} moved {}", name(task.status), format_count(task.moved),
                  format_counted(task.to_move, "message"), direction_text(task));
  if (task.per_second) text += fmt::format(", at most {}/s", *task.per_second);
  if (!task.failure_reason.empty()) text += ": " + task.failure_reason;
  return text;
}

std::optional<MoveTask> latest_task(const Bus& bus, const std::string& queue) {
  const auto tasks = bus.move_tasks(queue);
  if (!tasks || tasks->empty()) return std::nullopt;
  return tasks->front();
}

}  // namespace ringpost::cli
