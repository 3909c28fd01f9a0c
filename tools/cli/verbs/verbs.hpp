// Every verb of the ringpost command; each is defined in the file of its name.
#pragma once

#include <CLI/CLI.hpp>

#include "../support/context.hpp"

namespace ringpost::cli {

void add_send(CLI::App& app, Context& context);
void add_receive(CLI::App& app, Context& context);
void add_acknowledge(CLI::App& app, Context& context);
void add_release(CLI::App& app, Context& context);
void add_extend(CLI::App& app, Context& context);
void add_peek(CLI::App& app, Context& context);
void add_work(CLI::App& app, Context& context);

void add_queue_create(CLI::App& queue, Context& context);
void add_queue_list(CLI::App& queue, Context& context);
void add_queue_show(CLI::App& queue, Context& context);
void add_queue_set(CLI::App& queue, Context& context);
void add_queue_tag(CLI::App& queue, Context& context);
void add_queue_untag(CLI::App& queue, Context& context);
void add_queue_purge(CLI::App& queue, Context& context);
void add_queue_delete(CLI::App& queue, Context& context);

void add_redrive_start(CLI::App& redrive, Context& context);
void add_redrive_list(CLI::App& redrive, Context& context);
void add_redrive_cancel(CLI::App& redrive, Context& context);
void add_redrive_sources(CLI::App& redrive, Context& context);

void add_topic(CLI::App& app, Context& context);
void add_topic_set(CLI::App& topic, Context& context);
void add_topic_tag(CLI::App& topic, Context& context);
void add_topic_untag(CLI::App& topic, Context& context);
void add_subscribe(CLI::App& app, Context& context);
void add_unsubscribe(CLI::App& app, Context& context);
void add_publish(CLI::App& app, Context& context);
void add_watch(CLI::App& app, Context& context);
void add_deliver(CLI::App& app, Context& context);

void add_stream(CLI::App& app, Context& context);
void add_stream_set(CLI::App& stream, Context& context);
void add_stream_retention(CLI::App& stream, Context& context);
void add_stream_tag(CLI::App& stream, Context& context);
void add_stream_untag(CLI::App& stream, Context& context);
void add_stream_split(CLI::App& stream, Context& context);
void add_stream_merge(CLI::App& stream, Context& context);
void add_stream_scale(CLI::App& stream, Context& context);
void add_put(CLI::App& app, Context& context);
void add_get(CLI::App& app, Context& context);
void add_tail(CLI::App& app, Context& context);
void add_replay(CLI::App& app, Context& context);
void add_log(CLI::App& app, Context& context);

void add_bus_list(CLI::App& bus, Context& context);
void add_bus_show(CLI::App& bus, Context& context);
void add_bus_remove(CLI::App& bus, Context& context);

void add_stat(CLI::App& app, Context& context);
/// `names`: none are all.
ExitCode stat_streams(Context& context, std::vector<std::string> names);
void add_top(CLI::App& app, Context& context);
void add_bench(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);
void add_version(CLI::App& app, Context& context);

}  // namespace ringpost::cli
