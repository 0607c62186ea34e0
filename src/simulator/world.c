#include "world_internal.h"

#include "core/date.h"
#include "core/zone.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_BYTES_MAX (64u << 20)

/* --- values ----------------------------------------------------------------------------------- */

bool world_add_relative_date(const struct world *world, const char *text, struct text *out)
{
    if (text[0] != '@' || (text[1] != '+' && text[1] != '-')) {
        return false;
    }
    char *end = NULL;
    long days = strtol(text + 1, &end, 10);
    if (*end != 'd') {
        return false;
    }
    int64_t offset_ms = (int64_t)zone_at(world->zone, world->start_wall_ms).offset_s * 1000;
    int64_t local_ms = world->start_wall_ms + offset_ms;
    int64_t day_ms = local_ms - ((local_ms % DAY_MS) + DAY_MS) % DAY_MS + days * DAY_MS;
    if (end[1] == '\0') {
        text_add_char(out, '"');
        date_add(out, (struct date){.kind = DATE_DAY, .ms = day_ms});
        text_add_char(out, '"');
        return true;
    }
    long hour = strtol(end + 1, &end, 10);
    long minute = *end == ':' ? strtol(end + 1, &end, 10) : 0;
    if (*end != '\0' || hour < 0 || hour > 23 || minute < 0 || minute > 59) {
        return false;
    }
    int64_t utc_ms = zone_to_utc(world->zone, day_ms + hour * HOUR_MS + minute * MINUTE_MS);
    text_add_char(out, '"');
    date_add(out, (struct date){.kind = DATE_INSTANT, .ms = utc_ms});
    text_add_char(out, '"');
    return true;
}

static bool is_json_word(const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || strcmp(text, "null") == 0) {
        return true;
    }
    if (text[0] == '0' && text[1] >= '0' && text[1] <= '9') {
        return false; /* an id with leading zeros */
    }
    char *end = NULL;
    (void)strtod(text, &end);
    return *text != '\0' && *end == '\0' && strspn(text, "+-0123456789.eE") == strlen(text) &&
           text[0] != '+' && text[0] != '.';
}

static void add_scalar(const struct world *world, const struct node *value, struct text *out)
{
    static const char raw[] = "@json ";
    if (strncmp(value->text, raw, sizeof raw - 1) == 0) {
        text_add_text(out, value->text + sizeof raw - 1);
        return;
    }
    if (world_add_relative_date(world, value->text, out)) {
        return;
    }
    if (value->is_plain && is_json_word(value->text)) {
        text_add_text(out, value->text);
        return;
    }
    text_add_json_text(out, value->text);
}

void world_add_value(const struct world *world, const struct node *value, struct text *out)
{
    if (value->kind == NODE_SCALAR) {
        add_scalar(world, value, out);
        return;
    }
    bool is_map = value->kind == NODE_MAP;
    text_add_char(out, is_map ? '{' : '[');
    for (const struct node *child = value->child; child != NULL; child = child->next) {
        if (child != value->child) {
            text_add_char(out, ',');
        }
        if (is_map) {
            text_add_json_text(out, child->key);
            text_add_char(out, ':');
        }
        world_add_value(world, child, out);
    }
    text_add_char(out, is_map ? '}' : ']');
}

static bool is_null(const struct node *value)
{
    return value->kind == NODE_SCALAR && value->is_plain && strcmp(value->text, "null") == 0;
}

/* Names that say where a value belongs, or that are kept apart. */
static bool is_reserved(const char *name)
{
    return strcmp(name, "id") == 0 || strcmp(name, "order") == 0 ||
           strcmp(name, "appointments") == 0;
}

static void merge(const struct world *world, struct member **list, const struct node *members)
{
    for (const struct node *entry = members->child; entry != NULL; entry = entry->next) {
        if (is_reserved(entry->key)) {
            continue;
        }
        if (is_null(entry)) {
            member_remove(list, entry->key);
            continue;
        }
        struct text json;
        text_init(&json, VALUE_BYTES_MAX);
        world_add_value(world, entry, &json);
        member_set(list, entry->key, text_take(&json));
    }
}

/* --- orders ----------------------------------------------------------------------------------- */

struct world *world_create(int64_t now_wall_ms, const struct zone *zone)
{
    struct world *world = alloc(sizeof *world);
    world->start_wall_ms = now_wall_ms;
    world->zone = zone;
    return world;
}

static void order_destroy(struct sim_order *order)
{
    members_destroy(order->members);
    while (order->appointments != NULL) {
        struct sim_appointment *next = order->appointments->next;
        members_destroy(order->appointments->members);
        free(order->appointments->id);
        free(order->appointments);
        order->appointments = next;
    }
    free(order->id);
    free(order);
}

void world_destroy(struct world *world)
{
    if (world == NULL) {
        return;
    }
    for (size_t i = 0; i < world->count; i++) {
        order_destroy(world->orders[i]);
    }
    free(world->orders);
    free(world);
}

static struct sim_order *find(const struct world *world, const char *order_id)
{
    for (size_t i = 0; i < world->count; i++) {
        if (strcmp(world->orders[i]->id, order_id) == 0) {
            return world->orders[i];
        }
    }
    return NULL;
}

struct sim_order *world_append(struct world *world, const char *order_id)
{
    if (world->count == world->capacity) {
        world->capacity = world->capacity == 0 ? 64 : world->capacity * 2;
        world->orders = alloc_resize(world->orders, world->capacity, sizeof(struct sim_order *));
    }
    struct sim_order *order = alloc(sizeof *order);
    order->id = alloc_text(order_id);
    order->is_listed = true;
    world->orders[world->count++] = order;
    return order;
}

static struct sim_order *find_or_append(struct world *world, const char *order_id)
{
    struct sim_order *order = find(world, order_id);
    return order != NULL ? order : world_append(world, order_id);
}

struct sim_appointment *sim_order_appointment(struct sim_order *order, const char *id)
{
    struct sim_appointment **link = &order->appointments;
    while (*link != NULL && strcmp((*link)->id, id) != 0) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        *link = alloc(sizeof **link);
        (*link)->id = alloc_text(id);
    }
    return *link;
}

void world_set_appointment(struct world *world, const char *order_id, const char *appointment_id,
                           const struct node *members)
{
    struct sim_order *order = find_or_append(world, order_id);
    merge(world, &sim_order_appointment(order, appointment_id)->members, members);
}

void world_set_order(struct world *world, const char *order_id, const struct node *members)
{
    struct sim_order *order = find_or_append(world, order_id);
    merge(world, &order->members, members);
    const struct node *appointments = node_member(members, "appointments");
    for (const struct node *entry = appointments != NULL ? appointments->child : NULL;
         entry != NULL; entry = entry->next) {
        const struct node *id = node_member(entry, "id");
        if (id != NULL && id->kind == NODE_SCALAR) {
            merge(world, &sim_order_appointment(order, id->text)->members, entry);
        }
    }
}

/* What a list has so far, open for one more element. Anything but a list is replaced. */
static void reopen_list(const char *json, struct text *out)
{
    size_t size = json != NULL && json[0] == '[' ? strlen(json) - 1 : 0;
    text_add(out, (struct span){.data = json, .size = size});
    text_add_text(out, size == 0 ? "[" : size == 1 ? "" : ",");
}

void world_add_note(struct world *world, const char *order_id, const struct node *members)
{
    struct sim_order *order = find_or_append(world, order_id);
    struct text json;
    text_init(&json, VALUE_BYTES_MAX);
    reopen_list(member_find(order->members, "notes"), &json);
    text_addf(&json, "{\"id\":\"N-%zu\"", ++order->note_count);
    for (const struct node *entry = members->child; entry != NULL; entry = entry->next) {
        if (strcmp(entry->key, "order") != 0 && strcmp(entry->key, "id") != 0) {
            text_add_char(&json, ',');
            text_add_json_text(&json, entry->key);
            text_add_char(&json, ':');
            world_add_value(world, entry, &json);
        }
    }
    text_add_text(&json, "}]");
    member_set(&order->members, "notes", text_take(&json));
}

bool world_remove_appointment(struct world *world, const char *order_id, const char *appointment_id)
{
    struct sim_order *order = find(world, order_id);
    if (order == NULL) {
        return false;
    }
    for (struct sim_appointment **link = &order->appointments; *link != NULL;
         link = &(*link)->next) {
        if (strcmp((*link)->id, appointment_id) == 0) {
            struct sim_appointment *gone = *link;
            *link = gone->next;
            members_destroy(gone->members);
            free(gone->id);
            free(gone);
            return true;
        }
    }
    return false;
}

static bool set_listed(struct world *world, const char *order_id, bool is_listed)
{
    struct sim_order *order = find(world, order_id);
    if (order == NULL) {
        return false;
    }
    order->is_listed = is_listed;
    return true;
}

bool world_close_order(struct world *world, const char *order_id)
{
    return set_listed(world, order_id, false);
}

bool world_relist_order(struct world *world, const char *order_id)
{
    return set_listed(world, order_id, true);
}

bool world_remove_order(struct world *world, const char *order_id)
{
    for (size_t i = 0; i < world->count; i++) {
        if (strcmp(world->orders[i]->id, order_id) == 0) {
            order_destroy(world->orders[i]);
            memmove(&world->orders[i], &world->orders[i + 1],
                    (world->count - i - 1) * sizeof(struct sim_order *));
            world->count--;
            return true;
        }
    }
    return false;
}

void world_set_many(struct world *world, size_t count, const struct node *members)
{
    for (size_t i = 0; i < world->count && count > 0; i++) {
        if (world->orders[i]->is_listed) {
            merge(world, &world->orders[i]->members, members);
            count--;
        }
    }
}

/* --- what an API shows ------------------------------------------------------------------------ */

size_t world_listed_count(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->count; i++) {
        count += world->orders[i]->is_listed ? 1 : 0;
    }
    return count;
}

size_t world_appointment_count(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->count; i++) {
        for (const struct sim_appointment *appointment = world->orders[i]->appointments;
             appointment != NULL && world->orders[i]->is_listed; appointment = appointment->next) {
            count++;
        }
    }
    return count;
}

static void add_appointment(const struct sim_order *order,
                            const struct sim_appointment *appointment, bool with_order_id,
                            struct text *out)
{
    text_add_text(out, "{\"id\":");
    text_add_json_text(out, appointment->id);
    if (with_order_id) {
        text_add_text(out, ",\"orderId\":");
        text_add_json_text(out, order->id);
    }
    members_add(appointment->members, out);
    text_add_char(out, '}');
}

static void add_order(const struct sim_order *order, bool with_appointments, struct text *out)
{
    text_add_text(out, "{\"id\":");
    text_add_json_text(out, order->id);
    members_add(order->members, out);
    if (with_appointments && order->appointments != NULL) {
        text_add_text(out, ",\"appointments\":[");
        for (const struct sim_appointment *appointment = order->appointments; appointment != NULL;
             appointment = appointment->next) {
            add_appointment(order, appointment, false, out);
            text_add_text(out, appointment->next != NULL ? "," : "");
        }
        text_add_char(out, ']');
    }
    text_add_char(out, '}');
}

void world_add_orders(const struct world *world, size_t offset, size_t limit,
                      bool with_appointments, struct text *out)
{
    size_t index = 0;
    size_t given = 0;
    for (size_t i = 0; i < world->count && given < limit; i++) {
        if (!world->orders[i]->is_listed || index++ < offset) {
            continue;
        }
        if (given++ != 0) {
            text_add_char(out, ',');
        }
        add_order(world->orders[i], with_appointments, out);
    }
}

/* Those of one order that fall into the page; *index counts all appointments so far. */
static void add_page_part(const struct sim_order *order, size_t offset, size_t limit, size_t *index,
                          struct text *out)
{
    for (const struct sim_appointment *appointment = order->appointments; appointment != NULL;
         appointment = appointment->next) {
        size_t position = (*index)++;
        if (position >= offset && position - offset < limit) {
            text_add_text(out, position > offset ? "," : "");
            add_appointment(order, appointment, true, out);
        }
    }
}

void world_add_appointments(const struct world *world, size_t offset, size_t limit,
                            struct text *out)
{
    size_t index = 0;
    for (size_t i = 0; i < world->count; i++) {
        if (world->orders[i]->is_listed) {
            add_page_part(world->orders[i], offset, limit, &index, out);
        }
    }
}

bool world_add_order(const struct world *world, const char *order_id, bool with_appointments,
                     struct text *out)
{
    const struct sim_order *order = find(world, order_id);
    if (order == NULL) {
        return false;
    }
    add_order(order, with_appointments, out);
    return true;
}
