// A message move task, for people and as JSON.
#pragma once

#include <optional>
#include <string>

#include "json.hpp"
#include "ringpost/bus.hpp"

namespace ringpost::cli {

/// {"task", "status", "source", "destination", "per_second", "to_move", "moved", "started_at",
/// "failure_reason"}; null: each to its own queue, as fast as possible, no failure.
JsonObject json_task(const MoveTask& task);
/// "to queue there", "back to where they came from".
std::string direction_text(const MoveTask& task);
/// "COMPLETED, 3 of 3 messages moved back to where they came from".
std::string task_text(const MoveTask& task);
/// The latest task of a queue; nothing: there was none.
std::optional<MoveTask> latest_task(const Bus& bus, const std::string& queue);

}  // namespace ringpost::cli
