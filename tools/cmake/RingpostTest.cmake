# Tests, as ctest and tools/check know them.

# What every test includes is compiled once (tests/CMakeLists.txt).
set(ringpost_test_headers
  <gtest/gtest.h> <algorithm> <chrono> <functional> <map> <set> <thread>)

# A program of gtests.
#   ringpost_add_test(NAME name SOURCES file... [LIBS target...] [ENV NAME=value...]
#                     [ARGS arg...] [CI_ARGS arg...] [TIMEOUT seconds]
#                     [INSTRUMENTED | UNOPTIMISED] LABELS label...)
# Labels: fast (every build), tidy (release build only), rig (release build only; depth from
# RINGPOST_DEPTH, random numbers from RINGPOST_SEED), asan, tsan (a rig for these builds too), single
# (one thread at work, and nothing depends on what else the machine does: runs beside others), last
# (after all the others: it reads their reports).
# CI_ARGS follow ARGS at the depths ci and nightly. UNOPTIMISED for many tests that run once each:
# half the time of their build would go into optimising them. INSTRUMENTED if the sources are compiled
# with the hooks of the rigs.
function(ringpost_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "INSTRUMENTED;UNOPTIMISED" "NAME;TIMEOUT"
    "SOURCES;LIBS;ENV;ARGS;CI_ARGS;LABELS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME OR NOT arg_SOURCES)
    message(FATAL_ERROR "ringpost_add_test: wrong arguments: ${ARGV}")
  endif()
  find_package(GTest REQUIRED)
  find_package(Threads REQUIRED)
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE
    ${arg_LIBS} GTest::gtest GTest::gtest_main Threads::Threads ringpost_flags)
  target_include_directories(${arg_NAME} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  if(arg_UNOPTIMISED)
    target_compile_options(${arg_NAME} PRIVATE -O0)
    target_precompile_headers(${arg_NAME} PRIVATE ${ringpost_test_headers})
  elseif(NOT arg_INSTRUMENTED)
    target_precompile_headers(${arg_NAME} REUSE_FROM ringpost_test_headers)
    # GCC 12 warns of std::string's own operator+ when it comes from there (GCC bug 105651).
    target_compile_options(${arg_NAME} PRIVATE 
      $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds\;-Wno-restrict\;-Wno-stringop-overflow>)
  endif()
  # Not what this build would never run.
  if((RINGPOST_SANITIZE STREQUAL "thread" AND NOT arg_LABELS MATCHES "fast|tsan") OR
     (RINGPOST_SANITIZE MATCHES "address" AND NOT arg_LABELS MATCHES "fast|asan"))
    set_target_properties(${arg_NAME} PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_NAME} ${arg_ARGS})
  ringpost_describe_test("${arg_NAME}" "${arg_LABELS}" "${arg_TIMEOUT}"
    "${arg_ENV}" "${arg_CI_ARGS}")
endfunction()

# A test that is a script; it takes --gtest_output=xml:FILE and reports as a program of gtests does.
#   ringpost_add_script_test(NAME name COMMAND program arg... [ENV NAME=value...]
#                            [TIMEOUT seconds] LABELS label...)
function(ringpost_add_script_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TIMEOUT" "COMMAND;ENV;LABELS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME OR NOT arg_COMMAND)
    message(FATAL_ERROR "ringpost_add_script_test: wrong arguments: ${ARGV}")
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_COMMAND})
  ringpost_describe_test("${arg_NAME}" "${arg_LABELS}" "${arg_TIMEOUT}" "${arg_ENV}" "")
endfunction()

function(ringpost_describe_test name labels timeout env ci_args)
  set(known fast tidy rig asan tsan single last)
  foreach(label IN LISTS labels)
    if(NOT label IN_LIST known)
      message(FATAL_ERROR "test ${name}: unknown label ${label}; there are: ${known}")
    endif()
  endforeach()
  if(NOT labels)
    message(FATAL_ERROR "test ${name} has no label; there are: ${known}")
  endif()
  if(NOT timeout)
    set(timeout 1200)  # a watchdog against hanging, no promise of speed
  endif()
  if(ci_args)
    list(JOIN ci_args " " ci_args)
    list(APPEND env "RINGPOST_CI_ARGS=${ci_args}")
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${labels}" TIMEOUT ${timeout} ENVIRONMENT "${env}"
    WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
endfunction()
