// All of Ringpost.
#pragma once

#include "ringpost/admin.hpp"
#include "ringpost/bus.hpp"
#include "ringpost/delivery_policy.hpp"
#include "ringpost/errc.hpp"
#include "ringpost/message.hpp"
#include "ringpost/move_task.hpp"
#include "ringpost/options.hpp"
#include "ringpost/push.hpp"
#include "ringpost/queue.hpp"
#include "ringpost/result.hpp"
#include "ringpost/stats.hpp"
#include "ringpost/stream.hpp"
#include "ringpost/topic.hpp"
#include "ringpost/types.hpp"
#include "ringpost/wait_set.hpp"
