#include "service.hpp"

#include <systemd/sd-daemon.h>

namespace ringpost::daemon {

void tell_ready(const std::string& status) { sd_notify(0, ("READY=1\nSTATUS=" + status).c_str()); }
void tell_alive(const std::string& status) {
  sd_notify(0, ("WATCHDOG=1\nSTATUS=" + status).c_str());
}
void tell_stopping() { sd_notify(0, "STOPPING=1"); }

}  // namespace ringpost::daemon
