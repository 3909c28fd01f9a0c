// What libringpost.so shows: everything else in it is hidden.
#pragma once

#define RINGPOST_API __attribute__((visibility("default")))
