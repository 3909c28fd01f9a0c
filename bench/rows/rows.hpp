// The rows of the bench. A part of the project adds its own in a file beside this and here.
#pragma once

#include "harness/row.hpp"

namespace ringpost::bench {

/// Our standard queue beside the peers.
void add_queue_rows(Rows& rows);

/// FIFO queues beside the standard queue: groups, a long backlog in one of them, deduplication.
void add_fifo_rows(Rows& rows);

/// Topics: one publish to many queues, and filters.
void add_topic_rows(Rows& rows);

/// What grows with the number of queues, messages and leases: nothing should.
void add_scale_rows(Rows& rows);

/// Streams: live tail, durable puts of one and of many.
void add_stream_rows(Rows& rows);

/// The segment log: append, replay, open, seek.
void add_log_rows(Rows& rows);

/// Bare loops over the disk: the limits of the log.
void add_log_raw_rows(Rows& rows);

/// The peers by themselves: the limits of this machine.
void add_peer_rows(Rows& rows);

inline Rows all_rows() {
  Rows rows;
  add_queue_rows(rows);
  add_fifo_rows(rows);
  add_topic_rows(rows);
  add_scale_rows(rows);
  add_stream_rows(rows);
  add_log_rows(rows);
  add_log_raw_rows(rows);
  add_peer_rows(rows);
  return rows;
}

}  // namespace ringpost::bench
