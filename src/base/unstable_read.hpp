// Reads of bytes that another process may be writing: what was read counts only if a word that is
// looked at afterwards, or a CAS on it, says that nobody was.
#pragma once

// The thread sanitizer cannot know about the second look, so such a function is hidden from it. Not
// from the rigs, which order all reads and writes themselves.
#if defined(__SANITIZE_THREAD__) && !defined(RINGPOST_RIG)
#define RINGPOST_UNSTABLE_READ __attribute__((noinline, no_sanitize("thread")))
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) && !defined(RINGPOST_RIG)
#define RINGPOST_UNSTABLE_READ __attribute__((noinline, no_sanitize("thread")))
#endif
#endif
#if !defined(RINGPOST_UNSTABLE_READ)
#define RINGPOST_UNSTABLE_READ
#endif
