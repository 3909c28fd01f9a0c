// The bare loops beside rows of the log, as rivals: every way that may be the fastest.
#pragma once

#include "harness/row.hpp"

namespace ringpost::bench::rivals {

/// Records of 1 KiB a second: overwriting, nothing synced; no more than copying and CRC allow.
std::vector<Variant> raw_append();
/// The same, all of it durable at the end.
std::vector<Variant> raw_append_durable();
/// One durable write of 4 KiB after the other.
std::vector<Variant> raw_commit();
/// The same in another process, which is woken for each and wakes when it is done.
std::vector<Variant> raw_commit_elsewhere();
/// Durable writes of `records` records of 1 KiB each, one after the other; counts records.
std::vector<Variant> raw_group_commit(std::size_t records);
/// 1 KiB copied and its CRC32C taken, by one core.
std::vector<Variant> copy_and_crc();

}  // namespace ringpost::bench::rivals
