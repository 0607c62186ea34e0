/* A source with a profile, and one order of it that moves from document to document. */
#ifndef TESTS_SUPPORT_ORDER_WORLD_H
#define TESTS_SUPPORT_ORDER_WORLD_H

#include "core/arena.h"
#include "core/config.h"
#include "core/extract.h"
#include "core/reconcile.h"
#include "core/zone.h"
#include "tests/support/order_profile.h"
#include "tests/support/paris.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORLD_NOW_MS INT64_C(1795421730123) /* 2026-11-23T08:15:30.123Z */
#define UNUSED __attribute__((unused))
struct world {
    struct arena *arena;
    struct zone *zone;
    struct source_config source;
    struct sink_config sinks[3]; /* desk (email), noc (mqtt), tickets (webhook) */
    struct route_config route;   /* everything to all of them */
    struct config config;
    struct reconcile_context context;
    bool is_known;
    struct stored_order known;
    struct deadline deadlines[64];
    size_t deadline_count;
    struct reconcile_result result; /* of the latest step */
};

static const char *const world_types[] = {"*"};
static const size_t world_sinks[] = {0, 1, 2};
static const int64_t world_remind_ms[] = {24 * HOUR_MS};

UNUSED static void world_init(struct world *world)
{
    *world = (struct world){.arena = arena_create()};
    world->zone = paris();
    world->source = (struct source_config){
        .name = "orange",
        .profile = &world_profile,
        .zone = world->zone,
        .remind_ms = world_remind_ms,
        .remind_count = 1,
        .stalled_after_ms = 14 * DAY_MS,
    };
    world->sinks[0] = (struct sink_config){.name = "desk", .kind = SINK_EMAIL};
    world->sinks[1] = (struct sink_config){.name = "noc", .kind = SINK_MQTT};
    world->sinks[2] = (struct sink_config){.name = "tickets", .kind = SINK_WEBHOOK};
    world->route = (struct route_config){
        .types = world_types, .type_count = 1, .sinks = world_sinks, .sink_count = 3};
    world->config = (struct config){
        .sources = &world->source,
        .source_count = 1,
        .sinks = world->sinks,
        .sink_count = 3,
        .routes = &world->route,
        .route_count = 1,
    };
    world->context = (struct reconcile_context){
        .config = &world->config,
        .source = &world->source,
        .sweep = 1,
        .now_wall_ms = WORLD_NOW_MS,
        .is_baseline = true,
    };
}

UNUSED static void world_fini(struct world *world)
{
    zone_destroy(world->zone);
    arena_destroy(world->arena);
}

/* JSON written with ' for ", to be readable inside C. */
UNUSED static struct span world_json(struct world *world, const char *quoted)
{
    size_t size = strlen(quoted);
    char *json = arena_alloc(world->arena, size + 1);
    for (size_t i = 0; i < size; i++) {
        json[i] = quoted[i];
        if (json[i] == '\'') {
            json[i] = '"';
        }
    }
    return (struct span){.data = json, .size = size};
}

UNUSED static struct record *world_record(struct world *world, const char *quoted)
{
    struct extractor extractor = {.profile = world->source.profile, .zone = world->zone};
    struct extraction *extraction = arena_alloc(world->arena, sizeof *extraction);
    struct failure why;
    enum status status =
        extract_order(&extractor, world_json(world, quoted), world->arena, extraction, &why);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", quoted, why.detail);
    }
    return &extraction->record;
}

/* What a commit does: the result becomes what is known. */
UNUSED static void world_commit(struct world *world)
{
    const struct staged_order *staged = &world->result.staged;
    world->known = staged->order;
    world->is_known = true;
    world->deadline_count = staged->deadline_count;
    assert_true(staged->deadline_count <= ARRAY_COUNT(world->deadlines));
    for (size_t i = 0; i < staged->deadline_count; i++) {
        world->deadlines[i] = staged->deadlines[i];
    }
}

UNUSED static void world_step(struct world *world, const struct reconcile_input *input)
{
    struct reconcile_input whole = *input;
    struct failure why;
    whole.before = world->is_known ? &world->known : NULL;
    enum status status =
        reconcile_order(&world->context, &whole, world->arena, &world->result, &why);
    if (status != STATUS_OK) {
        fail_msg("reconcile: %s", why.detail);
    }
    if (world->result.is_changed) {
        world_commit(world);
    }
    world->context.sweep++;
    world->context.is_baseline = false;
}

/* The list shows this document. */
UNUSED static void world_show(struct world *world, const char *quoted)
{
    struct reconcile_input input = {
        .sighting = SIGHTING_LISTED,
        .after = world_record(world, quoted),
    };
    world_step(world, &input);
}

/* "order.status.held/warning appointment.created/notice" of the latest step. */
UNUSED static const char *world_told(struct world *world)
{
    struct text told;
    text_init(&told, 65536);
    for (size_t i = 0; i < world->result.staged.event_count; i++) {
        const struct event *event = &world->result.staged.events[i].event;
        text_addf(&told, "%s%s/%s", i != 0 ? " " : "", event_type_name(event->type),
                  severity_name(event->severity));
    }
    const char *kept = arena_text(world->arena, text_span(&told));
    text_fini(&told);
    return kept;
}

UNUSED static const char *world_event_json(const struct world *world, size_t index)
{
    assert_true(index < world->result.staged.event_count);
    return world->result.staged.events[index].event.json.data;
}

UNUSED static void expect_told(struct world *world, const char *expected)
{
    if (strcmp(world_told(world), expected) != 0) {
        fail_msg("told <%s>, expected <%s>", world_told(world), expected);
    }
}

UNUSED static void expect_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("<%s> is not in <%s>", part, text);
    }
}

UNUSED static void expect_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("<%s> is in <%s>", part, text);
    }
}

#endif
