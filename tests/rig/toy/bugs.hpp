// Bugs that are put into the toys on purpose: the rig has to find each of them.
#pragma once

namespace ringpost::rig::toy {

enum class Bug {
  kNone,
  // slot.hpp
  kPublishBeforePayload,  ///< the payload is written after it became visible
  kLeaseByStore,          ///< the lease is stored and not exchanged by comparison
  kStaleReceipt,          ///< acknowledge does not compare the receive count
  kCopyUnchecked,         ///< nobody looks whether the lease still held after the copy
  kVoidPublished,         ///< the sweeper voids a published message
  kPublishReadEarly,      ///< the sweeper reads publish before liveness
  kSweepByStore,          ///< the sweeper stores the lease word
  kNeverVoided,           ///< claims of the dead stay for ever
  // ring.hpp
  kTailByStore,    ///< the producers' cursor is stored
  kSequenceFirst,  ///< the sequence is written before the payload
  // sleeper.hpp
  kNoMembarrier,  ///< the sleeper does not pay for the fence
};

}  // namespace ringpost::rig::toy
