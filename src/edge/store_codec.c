#include "store_codec.h"

#include "core/text.h"

#include <string.h>

/* The size of a text that is NULL. */
#define SIZE_OF_NULL INT64_MAX

static void put_number(struct text *out, int64_t number)
{
    char bytes[sizeof number];
    memcpy(bytes, &number, sizeof number);
    text_add(out, (struct span){.data = bytes, .size = sizeof bytes});
}

static void put_bytes(struct text *out, struct span bytes)
{
    put_number(out, (int64_t)bytes.size);
    text_add(out, bytes);
    text_add_char(out, '\0');
}

static void put_text(struct text *out, const char *text)
{
    if (text == NULL) {
        put_number(out, SIZE_OF_NULL);
        return;
    }
    put_bytes(out, span_of(text));
}

static void put_plan(struct text *out, const struct planned_delivery *planned)
{
    put_text(out, planned->lane);
    put_text(out, planned->bundle);
    put_number(out, planned->due_wall_ms);
}

static void put_delivery(struct text *out, const struct planned_delivery *delivery)
{
    put_text(out, delivery->sink_name);
    put_plan(out, delivery);
    put_number(out, delivery->if_late != NULL);
    if (delivery->if_late != NULL) {
        put_plan(out, delivery->if_late);
    }
}

void codec_encode_event(const struct new_event *event, struct text *out)
{
    const struct event *facts = &event->event;
    put_text(out, facts->id);
    put_number(out, (int64_t)facts->type);
    put_number(out, (int64_t)facts->severity);
    put_text(out, facts->source_name);
    put_text(out, facts->order_id);
    put_text(out, facts->appointment_id);
    put_number(out, (int64_t)facts->sequence);
    put_number(out, facts->wall_ms);
    put_number(out, (int64_t)facts->sweep);
    put_bytes(out, facts->json);
    put_bytes(out, facts->personal);
    put_text(out, event->silence_id);
    put_number(out, (int64_t)event->delivery_count);
    for (size_t i = 0; i < event->delivery_count; i++) {
        put_delivery(out, &event->deliveries[i]);
    }
}

void codec_encode_order(const struct staged_order *order, struct text *out)
{
    put_text(out, order->order.id);
    put_number(out, (int64_t)order->order.raw_fingerprint);
    put_number(out, (int64_t)order->order.sequence);
    put_number(out, order->order.has_left);
    put_bytes(out, order->order.canonical);
    put_bytes(out, order->order.history);
    put_number(out, (int64_t)order->deadline_count);
    for (size_t i = 0; i < order->deadline_count; i++) {
        put_number(out, (int64_t)order->deadlines[i].kind);
        put_number(out, order->deadlines[i].due_wall_ms);
        put_text(out, order->deadlines[i].key);
    }
    put_number(out, (int64_t)order->event_count);
    for (size_t i = 0; i < order->event_count; i++) {
        codec_encode_event(&order->events[i], out);
    }
}

static int64_t get_number(struct span *rest)
{
    int64_t number;
    CHECK(rest->size >= sizeof number);
    memcpy(&number, rest->data, sizeof number);
    *rest = (struct span){.data = rest->data + sizeof number, .size = rest->size - sizeof number};
    return number;
}

static size_t get_count(struct span *rest)
{
    int64_t count = get_number(rest);
    CHECK(count >= 0 && (uint64_t)count <= rest->size); /* each item takes bytes */
    return (size_t)count;
}

static struct span get_bytes(struct span *rest)
{
    int64_t size = get_number(rest);
    if (size == SIZE_OF_NULL) {
        return (struct span){.data = NULL};
    }
    CHECK(size >= 0 && (uint64_t)size < rest->size);
    struct span bytes = {.data = rest->data, .size = (size_t)size};
    *rest = (struct span){.data = rest->data + size + 1, .size = rest->size - bytes.size - 1};
    return bytes;
}

static const char *get_text(struct span *rest)
{
    return get_bytes(rest).data;
}

static struct planned_delivery get_plan(struct span *rest, const char *sink_name)
{
    struct planned_delivery planned = {.sink_name = sink_name};
    planned.lane = get_text(rest);
    planned.bundle = get_text(rest);
    planned.due_wall_ms = get_number(rest);
    return planned;
}

static struct planned_delivery get_delivery(struct span *rest, struct arena *arena)
{
    const char *sink_name = get_text(rest);
    struct planned_delivery planned = get_plan(rest, sink_name);
    if (get_number(rest) != 0) {
        struct planned_delivery *late = arena_alloc(arena, sizeof *late);
        *late = get_plan(rest, sink_name);
        planned.if_late = late;
    }
    return planned;
}

static struct new_event get_event(struct span *rest, struct arena *arena)
{
    struct new_event event = {.silence_id = NULL};
    const char *id = get_text(rest);
    CHECK(id != NULL && strlen(id) < sizeof event.event.id);
    memcpy(event.event.id, id, strlen(id) + 1);
    event.event.type = (enum event_type)get_number(rest);
    event.event.severity = (enum severity)get_number(rest);
    event.event.source_name = get_text(rest);
    event.event.order_id = get_text(rest);
    event.event.appointment_id = get_text(rest);
    event.event.sequence = (uint64_t)get_number(rest);
    event.event.wall_ms = get_number(rest);
    event.event.sweep = (uint64_t)get_number(rest);
    event.event.json = get_bytes(rest);
    event.event.personal = get_bytes(rest);
    event.silence_id = get_text(rest);
    event.delivery_count = get_count(rest);
    struct planned_delivery *deliveries =
        arena_array(arena, event.delivery_count, sizeof *deliveries);
    for (size_t i = 0; i < event.delivery_count; i++) {
        deliveries[i] = get_delivery(rest, arena);
    }
    event.deliveries = deliveries;
    return event;
}

struct new_event codec_decode_event(struct span bytes, struct arena *arena)
{
    struct new_event event = get_event(&bytes, arena);
    CHECK(bytes.size == 0);
    return event;
}

struct staged_order codec_decode_order(struct span bytes, struct arena *arena)
{
    struct staged_order order = {.order.id = get_text(&bytes)};
    order.order.raw_fingerprint = (uint64_t)get_number(&bytes);
    order.order.sequence = (uint64_t)get_number(&bytes);
    order.order.has_left = get_number(&bytes) != 0;
    order.order.canonical = get_bytes(&bytes);
    order.order.history = get_bytes(&bytes);
    order.deadline_count = get_count(&bytes);
    struct deadline *deadlines = arena_array(arena, order.deadline_count, sizeof *deadlines);
    for (size_t i = 0; i < order.deadline_count; i++) {
        deadlines[i].kind = (enum deadline_kind)get_number(&bytes);
        deadlines[i].due_wall_ms = get_number(&bytes);
        deadlines[i].key = get_text(&bytes);
    }
    order.deadlines = deadlines;
    order.event_count = get_count(&bytes);
    struct new_event *events = arena_array(arena, order.event_count, sizeof *events);
    for (size_t i = 0; i < order.event_count; i++) {
        events[i] = get_event(&bytes, arena);
    }
    order.events = events;
    CHECK(bytes.size == 0);
    return order;
}
