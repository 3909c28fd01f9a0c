// What the service manager is told (sd_notify); nothing where there is none.
#pragma once

#include <string>

namespace ringpost::daemon {

void tell_ready(const std::string& status);
/// That the loop still turns, for WatchdogSec=, and what it does.
void tell_alive(const std::string& status);
void tell_stopping();

}  // namespace ringpost::daemon
