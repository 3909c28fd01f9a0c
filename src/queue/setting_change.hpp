// Changing settings: all that are given or none, whoever dies.
//
//   1  take a free record, write every setting into it           nobody sees it
//   2  CAS QueueHeader::settings_change → {n + 1, record, pending}   the change is made
//   3  bring each word of SettingWords to its value and tag n + 1    anybody
//   4  CAS settings_change → {n + 1, record}                         anybody
//   5  give up the record that was in force before
//
// A word is brought to its value by CAS, from what was read while change n + 1 was still pending: a
// helper that was stopped comes too late and changes nothing.
//
// Crash  before 2: nothing has changed; the sweeper frees the record. After 2: the next setter,
//        opener, reader of all settings or sweeper goes on. Meanwhile some calls work with new
//        values and others with old ones.
#pragma once

#include <cstdint>

#include "queue/queue_layout.hpp"
#include "ringpost/options.hpp"
#include "ringpost/result.hpp"

namespace ringpost::queue {

/// At creation: every setting is given.
void initialise_settings(QueueHeader& header, const QueueSettings& all) noexcept;

/// Checked changes, by participant `me`. kBusy: others prepare changes in every free record.
[[nodiscard]] Errc change_settings(QueueHeader& header, const QueueSettings& changes,
                                   std::uint16_t me);

/// Carries out a change that was made and not yet carried out.
void finish_settings(QueueHeader& header) noexcept;

/// Of a dead participant: finishes what it began.
void sweep_settings(QueueHeader& header, std::uint16_t dead) noexcept;

/// Every changeable setting, of one change. Bytes of a peer: check them.
[[nodiscard]] QueueSettings changeable_settings(QueueHeader& header);

/// What calls work with just now: numbers only, and redrive's queue is not named.
[[nodiscard]] QueueSettings settings_in_force(const QueueHeader& header);

/// The dead-letter queue in force; empty: none.
[[nodiscard]] std::string dead_letter_queue_of(QueueHeader& header);

}  // namespace ringpost::queue
