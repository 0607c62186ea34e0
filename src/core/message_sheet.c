#include "message_parts.h"

#include "core/date.h"
#include "core/glob.h"
#include "core/utf8.h"
#include "core/words.h"
#include "core/zone.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROW_COUNT_MAX 64 /* of one table */
#define QUOTE_BYTES_MAX 4200
#define STEP_COUNT_MAX 12 /* of one order in a digest */

static struct block *add_block(struct sheet *sheet, enum block_kind kind, const char *text)
{
    if (sheet->count == sheet->capacity) {
        sheet->capacity = sheet->capacity == 0 ? 32 : sheet->capacity * 2;
        sheet->blocks = alloc_resize(sheet->blocks, sheet->capacity, sizeof *sheet->blocks);
    }
    struct block *block = &sheet->blocks[sheet->count++];
    *block = (struct block){.kind = kind, .text = text};
    return block;
}

void sheet_fini(struct sheet *sheet)
{
    free(sheet->blocks);
    *sheet = (struct sheet){.language = sheet->language};
}

/* --- tables --------------------------------------------------------------------------------- */

struct table {
    struct row *rows;
    size_t count;
};

static struct table table_create(const struct telling *telling)
{
    return (struct table){.rows = arena_array(telling->arena, ROW_COUNT_MAX, sizeof(struct row))};
}

static void add_row(struct table *table, const char *label, const char *from, const char *to)
{
    if (table->count < ROW_COUNT_MAX) {
        table->rows[table->count++] = (struct row){.label = label, .from = from, .to = to};
    }
}

static void add_table(struct sheet *sheet, enum block_kind kind, const struct table *table)
{
    if (table->count != 0) {
        struct block *block = add_block(sheet, kind, NULL);
        block->rows = table->rows;
        block->row_count = table->count;
    }
}

/* --- one event ------------------------------------------------------------------------------ */

/* Without values a change of a contact says only that it happened. */
static void add_change(const struct telling *telling, const struct json *change,
                       struct table *table)
{
    const char *field = json_member_text(change, "field");
    if (field == NULL) {
        return;
    }
    const char *from = json_member_text(change, "from");
    const char *to = json_member_text(change, "to");
    const char *hidden = words_phrase(PHRASE_NOT_SHOWN, telling->language);
    bool is_hidden = from == NULL && to == NULL;
    add_row(table, telling_field(telling, field),
            is_hidden ? hidden : telling_value(telling, field, from),
            is_hidden ? hidden : telling_value(telling, field, to));
}

static void write_changes(struct sheet *sheet, const struct telling *telling,
                          const struct story *story)
{
    struct table table = table_create(telling);
    for (const struct json *change = json_first(story->changes); change != NULL;
         change = json_next(change)) {
        add_change(telling, change, &table);
    }
    add_table(sheet, BLOCK_CHANGES, &table);
}

/* First promised date, number of moves, and what they add up to. */
static void write_moves(struct sheet *sheet, const struct telling *telling, const struct json *move,
                        const char *first_name)
{
    if (move == NULL) {
        return;
    }
    struct table table = table_create(telling);
    const char *first = json_member_text(move, first_name);
    if (first != NULL) {
        add_row(&table, words_phrase(PHRASE_FIRST_PROMISED, telling->language), NULL,
                telling_value(telling, "start", first));
    }
    const char *count =
        arena_format(telling->arena, "%" PRId64, json_member_integer(move, "count", 1));
    const char *total =
        arena_format(telling->arena, "%+" PRId64, json_member_integer(move, "total_days", 0));
    const char *days = telling_phrase(telling, PHRASE_DAYS, total, NULL);
    add_row(&table, words_phrase(PHRASE_MOVES, telling->language), NULL,
            telling_phrase(telling, PHRASE_MOVE_TOTAL, count, days));
    add_table(sheet, BLOCK_FACTS, &table);
}

static void write_note(struct sheet *sheet, const struct telling *telling, const struct json *note)
{
    const char *text = json_member_text(note, "text");
    if (text == NULL) {
        return;
    }
    const char *author = json_member_text(note, "author");
    const char *date = json_member_text(note, "date");
    if (author != NULL && date != NULL) {
        add_block(sheet, BLOCK_LABEL,
                  telling_phrase(telling, PHRASE_NOTE_BY, telling_clean(telling, author, 80),
                                 telling_value(telling, "date", date)));
    }
    struct text clean;
    text_init(&clean, QUOTE_BYTES_MAX + 8);
    utf8_add_clean_block(&clean, span_of(text), QUOTE_BYTES_MAX);
    add_block(sheet, BLOCK_QUOTE, arena_text(telling->arena, text_span(&clean)));
    text_fini(&clean);
}

static bool is_told_elsewhere(const char *name)
{
    static const char *const names[] = {"summary", "order",  "appointment", "changes",
                                        "sweep",   "source", "sink",        "reschedule",
                                        "note",    "notes",  "date_change"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (text_equal(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* Further members of data (a reason, a sample, a threshold): named as they are. */
static void write_other_data(struct sheet *sheet, const struct telling *telling,
                             const struct story *story)
{
    struct table table = table_create(telling);
    for (const struct json *member = json_first(story->data); member != NULL;
         member = json_next(member)) {
        struct span value = json_text(member);
        if (!is_told_elsewhere(json_key(member)) && value.size != 0) {
            add_row(&table, telling_field(telling, json_key(member)), NULL,
                    telling_value(telling, "extra.", arena_text(telling->arena, value)));
        }
    }
    add_table(sheet, BLOCK_FACTS, &table);
}

static void write_story(struct sheet *sheet, const struct telling *telling,
                        const struct story *story)
{
    bool is_about_order = story->event->order_id[0] != '\0';
    if (!is_about_order && json_member_text(story->data, "summary") != NULL) {
        add_block(sheet, BLOCK_PARAGRAPH,
                  telling_clean(telling, json_member_text(story->data, "summary"), 1000));
    }
    write_changes(sheet, telling, story);
    write_moves(sheet, telling, json_member(story->data, "reschedule"), "first_start");
    write_moves(sheet, telling, json_member(story->data, "date_change"), "first_date");
    write_note(sheet, telling, json_member(story->data, "note"));
    write_other_data(sheet, telling, story);
}

/* --- the order as it is now ----------------------------------------------------------------- */

static void add_facts(const struct telling *telling, const struct json *object, const char *prefix,
                      struct table *table)
{
    for (const struct json *member = json_first(object); member != NULL;
         member = json_next(member)) {
        struct span value = json_text(member);
        const char *name = arena_format(telling->arena, "%s%s", prefix, json_key(member));
        bool is_told = text_equal(name, "id") || text_equal(name, "status_kind");
        if (value.size != 0 && !is_told) {
            add_row(table, telling_field(telling, name), NULL,
                    telling_value(telling, name, arena_text(telling->arena, value)));
        }
    }
}

static void write_order(struct sheet *sheet, const struct telling *telling,
                        const struct json *order)
{
    struct table table = table_create(telling);
    const char *id = json_member_text(order, "id");
    if (id != NULL) {
        add_row(&table, telling_field(telling, "id"), NULL, telling_value(telling, "id", id));
    }
    add_facts(telling, order, "", &table);
    add_facts(telling, json_member(order, "extra"), "extra.", &table);
    add_facts(telling, json_member(order, "contact"), "contact.", &table);
    if (table.count != 0) {
        add_block(sheet, BLOCK_LABEL, words_phrase(PHRASE_ORDER_DETAILS, telling->language));
        add_table(sheet, BLOCK_FACTS, &table);
    }
}

static void write_appointment(struct sheet *sheet, const struct telling *telling,
                              const struct json *appointment)
{
    struct table table = table_create(telling);
    const char *id = json_member_text(appointment, "id");
    if (id != NULL) {
        add_row(&table, telling_field(telling, "appointment"), NULL,
                telling_value(telling, "id", id));
    }
    add_facts(telling, appointment, "", &table);
    add_facts(telling, json_member(appointment, "extra"), "extra.", &table);
    if (table.count != 0) {
        add_block(sheet, BLOCK_LABEL, words_phrase(PHRASE_APPOINTMENT_DETAILS, telling->language));
        add_table(sheet, BLOCK_FACTS, &table);
    }
}

/* --- why, and how to be left alone ---------------------------------------------------------- */

static bool leads_here(const struct telling *telling, const struct route_config *route,
                       const struct event *event)
{
    bool has_sink = false;
    for (size_t i = 0; i < route->sink_count; i++) {
        has_sink = has_sink || &telling->config->sinks[route->sinks[i]] == telling->sink;
    }
    bool has_type = false;
    for (size_t i = 0; i < route->type_count; i++) {
        has_type = has_type || glob_matches(route->types[i], event_type_name(event->type));
    }
    return has_sink && has_type && event->severity >= route->severity;
}

static const char *find_route(const struct telling *telling, const struct event *event)
{
    for (size_t i = 0; i < telling->config->route_count; i++) {
        const struct route_config *route = &telling->config->routes[i];
        if (route->name != NULL && leads_here(telling, route, event)) {
            return telling_phrase(telling, PHRASE_WHY_ROUTE, route->name, NULL);
        }
    }
    return words_phrase(PHRASE_WHY_SOME_ROUTE, telling->language);
}

static void write_foot(struct sheet *sheet, const struct telling *telling,
                       const struct event *event)
{
    const char *sink = arena_format(telling->arena, "'%s'", telling->sink->name);
    const char *why = telling_phrase(telling, PHRASE_WHY, find_route(telling, event), sink);
    const char *times = telling_phrase(telling, PHRASE_TIMES, zone_name(telling->zone), NULL);
    const char *url = telling->sink->email.status_url;
    if (url != NULL) {
        struct block *link = add_block(sheet, BLOCK_LINK, url);
        link->label = words_phrase(PHRASE_STATUS_PAGE, telling->language);
    }
    add_block(sheet, BLOCK_FOOT,
              arena_format(telling->arena, "%s %s %s", why,
                           words_phrase(PHRASE_SILENCE, telling->language), times));
}

/* --- whole mails ---------------------------------------------------------------------------- */

/* Abbreviated months and cut texts end with a mark of their own. */
static bool is_ended(const char *sentence)
{
    static const char *const marks[] = {".", "!", "?", "…"};
    for (size_t i = 0; i < ARRAY_COUNT(marks); i++) {
        size_t size = strlen(marks[i]);
        if (strlen(sentence) >= size && strcmp(sentence + strlen(sentence) - size, marks[i]) == 0) {
            return true;
        }
    }
    return false;
}

void sheet_write_chapter(struct sheet *sheet, const struct telling *telling,
                         const struct chapter *chapter)
{
    const struct story *lead = chapter->lead;
    struct block *first = add_block(sheet, BLOCK_LEAD, NULL);
    first->severity = lead->event->severity;
    const char *sentence = telling_titled(telling, chapter->title, story_headline(telling, lead));
    first->text = arena_format(telling->arena, "%s%s %s", sentence, is_ended(sentence) ? "" : ".",
                               words_advice(lead->event->type, telling->language));
    write_story(sheet, telling, lead);
    for (size_t i = 0; i < chapter->story_count; i++) {
        const struct story *story = &chapter->stories[i];
        if (story != lead) {
            struct block *heading = add_block(sheet, BLOCK_HEADING, story_headline(telling, story));
            heading->severity = story->event->severity;
            write_story(sheet, telling, story);
        }
    }
    if (lead->appointment != NULL) {
        write_appointment(sheet, telling, lead->appointment);
    }
    const struct story *latest = &chapter->stories[chapter->story_count - 1];
    if (latest->order != NULL) {
        write_order(sheet, telling, latest->order);
    }
    write_foot(sheet, telling, lead->event);
}

const char *sheet_digest_title(const struct telling *telling, size_t chapter_count,
                               const struct delivery *delivery)
{
    struct text text;
    text_init(&text, 1024);
    text_add_text(&text,
                  telling_count(telling, PHRASE_CHANGE, PHRASE_CHANGES, delivery->event_total));
    if (delivery->event_total == delivery->event_count) {
        text_add_text(&text,
                      telling_count(telling, PHRASE_ON_ORDER, PHRASE_ON_ORDERS, chapter_count));
    }
    size_t critical = delivery->severity_counts[SEVERITY_CRITICAL];
    size_t warnings = delivery->severity_counts[SEVERITY_WARNING];
    const char *separator = " (";
    if (critical != 0) {
        text_addf(&text, "%s%s", separator,
                  telling_count(telling, PHRASE_CRITICAL, PHRASE_CRITICAL, critical));
        separator = ", ";
    }
    if (warnings != 0) {
        text_addf(&text, "%s%s", separator,
                  telling_count(telling, PHRASE_WARNING, PHRASE_WARNINGS, warnings));
    }
    text_add_text(&text, critical + warnings != 0 ? ")" : "");
    const char *title = arena_text(telling->arena, text_span(&text));
    text_fini(&text);
    return title;
}

/* What a field was before the first of the steps, and what it is after the last. */
struct net_change {
    const char *appointment_id, *field;
    const char *from, *to;
};

struct net {
    struct net_change changes[ROW_COUNT_MAX];
    size_t count;
};

static void net_add(struct net *net, const char *appointment_id, const struct json *change)
{
    const char *field = json_member_text(change, "field");
    for (size_t i = 0; i < net->count; i++) {
        if (text_equal(net->changes[i].field, field) &&
            text_equal(net->changes[i].appointment_id, appointment_id)) {
            net->changes[i].to = json_member_text(change, "to");
            return;
        }
    }
    if (net->count < ROW_COUNT_MAX && field != NULL) {
        net->changes[net->count++] = (struct net_change){.appointment_id = appointment_id,
                                                         .field = field,
                                                         .from = json_member_text(change, "from"),
                                                         .to = json_member_text(change, "to")};
    }
}

static void write_net(struct sheet *sheet, const struct telling *telling,
                      const struct chapter *chapter)
{
    struct net net = {.count = 0};
    for (size_t i = 0; i < chapter->story_count; i++) {
        const struct story *story = &chapter->stories[i];
        for (const struct json *change = json_first(story->changes); change != NULL;
             change = json_next(change)) {
            net_add(&net, story->event->appointment_id, change);
        }
    }
    struct table table = table_create(telling);
    for (size_t i = 0; i < net.count; i++) {
        const struct net_change *change = &net.changes[i];
        if (!text_equal(change->from, change->to)) {
            add_row(&table, telling_field(telling, change->field),
                    telling_value(telling, change->field, change->from),
                    telling_value(telling, change->field, change->to));
        }
    }
    add_table(sheet, BLOCK_CHANGES, &table);
    if (net.count != 0 && table.count == 0) {
        add_block(sheet, BLOCK_PARAGRAPH, words_phrase(PHRASE_NO_NET_CHANGE, telling->language));
    }
}

static void write_steps(struct sheet *sheet, const struct telling *telling,
                        const struct chapter *chapter)
{
    struct table table = table_create(telling);
    size_t hidden = 0;
    if (chapter->story_count > STEP_COUNT_MAX) {
        hidden = chapter->story_count - STEP_COUNT_MAX;
    }
    for (size_t i = hidden; i < chapter->story_count; i++) {
        const struct story *story = &chapter->stories[i];
        struct date when = {.kind = DATE_INSTANT, .ms = story->event->wall_ms};
        add_row(&table, NULL, NULL,
                telling_titled(telling, telling_date(telling, when, false),
                               story_headline(telling, story)));
    }
    add_table(sheet, BLOCK_STEPS, &table);
}

void sheet_write_digest(struct sheet *sheet, const struct telling *telling,
                        const struct chapter *chapters, size_t count,
                        const struct delivery *delivery)
{
    struct date now = {.kind = DATE_INSTANT, .ms = telling->now_wall_ms};
    const char *as_of =
        telling_phrase(telling, PHRASE_AS_OF, telling_date(telling, now, true), NULL);
    struct block *first = add_block(sheet, BLOCK_LEAD, NULL);
    first->severity = chapters[0].lead->event->severity;
    first->text =
        arena_format(telling->arena, "%s. %s %s.", sheet_digest_title(telling, count, delivery),
                     words_phrase(PHRASE_DIGEST_ADVICE, telling->language), as_of);
    for (size_t i = 0; i < count; i++) {
        const struct chapter *chapter = &chapters[i];
        struct block *heading = add_block(sheet, BLOCK_HEADING,
                                          arena_format(telling->arena, "%s: %s", chapter->title,
                                                       story_headline(telling, chapter->lead)));
        heading->severity = chapter->lead->event->severity;
        write_net(sheet, telling, chapter);
        if (chapter->story_count > 1) {
            write_steps(sheet, telling, chapter);
        }
    }
    if (delivery->event_total > delivery->event_count) {
        add_block(sheet, BLOCK_PARAGRAPH,
                  telling_count(telling, PHRASE_REST_ONE, PHRASE_REST,
                                delivery->event_total - delivery->event_count));
    }
    write_foot(sheet, telling, chapters[0].lead->event);
}
