#include "message_sheet.h"

#include "core/glob.h"
#include "core/utf8.h"
#include "core/words.h"
#include "core/zone.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define QUOTE_BYTES_MAX 4200
#define JOINED_BYTES_MAX 400
#define ID_BYTES_MAX 64

struct block *sheet_add(struct sheet *sheet, enum block_kind kind, const char *text)
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

struct table table_create(const struct telling *telling)
{
    return (struct table){.rows = arena_array(telling->arena, ROW_COUNT_MAX, sizeof(struct row))};
}

void table_add(struct table *table, const char *label, const char *from, const char *to)
{
    if (table->count < ROW_COUNT_MAX) {
        table->rows[table->count++] = (struct row){.label = label, .from = from, .to = to};
    }
}

void sheet_add_table(struct sheet *sheet, enum block_kind kind, const struct table *table)
{
    if (table->count != 0) {
        struct block *block = sheet_add(sheet, kind, NULL);
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
    table_add(table, telling_field(telling, field),
              is_hidden ? "" : telling_value(telling, field, from),
              is_hidden ? hidden : telling_value(telling, field, to));
}

/* What has just come has no before: its details tell it all. Notes are quoted instead. */
bool story_has_old_and_new(const struct story *story, const struct json *change)
{
    enum event_type type = story->event->type;
    return type != EVENT_ORDER_CREATED && type != EVENT_APPOINTMENT_CREATED &&
           type != EVENT_APPOINTMENT_REMOVED &&
           !text_equal(json_member_text(change, "field"), "notes");
}

static void write_changes(struct sheet *sheet, const struct telling *telling,
                          const struct story *story)
{
    struct table table = table_create(telling);
    for (const struct json *change = json_first(story->changes); change != NULL;
         change = json_next(change)) {
        if (story_has_old_and_new(story, change)) {
            add_change(telling, change, &table);
        }
    }
    sheet_add_table(sheet, BLOCK_CHANGES, &table);
}

/* NULL where it is not known. */
static const char *number_of(const struct telling *telling, const struct json *object,
                             const char *name, bool with_sign)
{
    const struct json *member = json_member(object, name);
    if (member == NULL || json_kind(member) != JSON_NUMBER) {
        return NULL;
    }
    int64_t number = json_member_integer(object, name, 0);
    return with_sign ? arena_format(telling->arena, "%+" PRId64, number)
                     : arena_format(telling->arena, "%" PRId64, number);
}

/* First promised date, number of moves, and what they add up to. */
static void write_moves(struct sheet *sheet, const struct telling *telling, const struct json *move,
                        const char *first_name)
{
    if (json_member_integer(move, "count", 0) == 0) {
        return; /* the first promise is the present one */
    }
    struct table table = table_create(telling);
    const char *first = json_member_text(move, first_name);
    if (first != NULL) {
        table_add(&table, words_phrase(PHRASE_FIRST_PROMISED, telling->language), NULL,
                  telling_value(telling, "start", first));
    }
    const char *count = number_of(telling, move, "count", false);
    const char *total = number_of(telling, move, "total_days", true);
    if (count != NULL && total != NULL) {
        table_add(&table, words_phrase(PHRASE_MOVES, telling->language), NULL,
                  telling_phrase(telling, PHRASE_MOVE_TOTAL, count,
                                 telling_phrase(telling, PHRASE_DAYS, total, NULL)));
    }
    const char *business = number_of(telling, move, "business_days", true);
    if (business != NULL) {
        table_add(&table, words_phrase(PHRASE_BUSINESS_DAYS, telling->language), NULL, business);
    }
    sheet_add_table(sheet, BLOCK_FACTS, &table);
}

static void write_quote(struct sheet *sheet, const struct telling *telling, const char *text)
{
    struct text clean;
    text_init(&clean, QUOTE_BYTES_MAX + 8);
    utf8_add_clean_block(&clean, span_of(text), QUOTE_BYTES_MAX);
    sheet_add(sheet, BLOCK_QUOTE, arena_text(telling->arena, text_span(&clean)));
    text_fini(&clean);
}

/* Every new note; of the latest one it is known who wrote it, and when. */
static void write_notes(struct sheet *sheet, const struct telling *telling,
                        const struct story *story)
{
    const struct json *latest = json_member(story->data, "note");
    for (const struct json *change = json_first(story->changes); change != NULL;
         change = json_next(change)) {
        const char *text = json_member_text(change, "to");
        bool is_note = text_equal(json_member_text(change, "field"), "notes") && text != NULL;
        if (is_note && !text_equal(text, json_member_text(latest, "text"))) {
            write_quote(sheet, telling, text);
        }
    }
    const char *author = json_member_text(latest, "author");
    const char *date = json_member_text(latest, "date");
    if (author != NULL && date != NULL) {
        sheet_add(sheet, BLOCK_LABEL,
                  telling_phrase(telling, PHRASE_NOTE_BY, telling_clean(telling, author, 80),
                                 telling_value(telling, "date", date)));
    }
    if (json_member_text(latest, "text") != NULL) {
        write_quote(sheet, telling, json_member_text(latest, "text"));
    }
}

static bool is_told_elsewhere(const char *name)
{
    static const char *const names[] = {
        "summary",     "order",    "appointment", "changes", "sweep",        "source", "reschedule",
        "note",        "notes",    "reminder",    "late",    "appointments", "as_of",  "overdue",
        "date_change", "calendar", "stalled",     "hold",    "test",
    };
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (text_equal(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* A list of plain values on one line. */
static const char *join_values(const struct telling *telling, const struct json *list)
{
    struct text joined;
    text_init(&joined, (size_t)EVENT_BYTES_MAX * 2);
    for (const struct json *entry = json_first(list); entry != NULL; entry = json_next(entry)) {
        text_add_text(&joined, joined.size != 0 && json_text(entry).size != 0 ? ", " : "");
        text_add(&joined, json_text(entry));
    }
    const char *line = telling_clean(telling, text_cstr(&joined), JOINED_BYTES_MAX);
    text_fini(&joined);
    return line;
}

/* Told by the headline, in words. */
static bool is_said(const char *name)
{
    return text_equal(name, "name") || text_equal(name, "kind") || text_equal(name, "days_left") ||
           text_equal(name, "failing_since") || text_equal(name, "parked");
}

static void add_other(const struct telling *telling, const struct json *member, struct table *table)
{
    if (is_said(json_key(member))) {
        return;
    }
    const char *label = telling_field(telling, json_key(member));
    if (json_kind(member) == JSON_LIST) {
        const char *line = join_values(telling, member);
        if (line[0] != '\0') {
            table_add(table, label, NULL, line);
        }
        return;
    }
    struct span value = json_text(member);
    if (value.size != 0) {
        table_add(table, label, NULL,
                  telling_value(telling, "extra.", arena_text(telling->arena, value)));
    }
}

/* Further members of data, such as a reason, a sample, a day of expiry; objects are laid flat. */
static void write_other_data(struct sheet *sheet, const struct telling *telling,
                             const struct story *story)
{
    struct table table = table_create(telling);
    for (const struct json *member = json_first(story->data); member != NULL;
         member = json_next(member)) {
        bool is_object = json_kind(member) == JSON_OBJECT;
        if (is_told_elsewhere(json_key(member))) {
            continue;
        }
        for (const struct json *inner = is_object ? json_first(member) : NULL; inner != NULL;
             inner = json_next(inner)) {
            add_other(telling, inner, &table);
        }
        if (!is_object) {
            add_other(telling, member, &table);
        }
    }
    sheet_add_table(sheet, BLOCK_FACTS, &table);
}

/* As a heading or a label. */
static const char *capitalised(const struct telling *telling, const char *words)
{
    bool is_small = words[0] >= 'a' && words[0] <= 'z';
    return is_small ? arena_format(telling->arena, "%c%s", words[0] - 'a' + 'A', words + 1) : words;
}

static const char *name_event(const struct telling *telling, enum event_type type)
{
    struct text words;
    text_init(&words, 256);
    words_add_event(&words, type, telling->language);
    const char *name = capitalised(telling, arena_text(telling->arena, text_span(&words)));
    text_fini(&words);
    return name;
}

/* The appointments that a cancelled order took with it: what became of each, and when it was. */
static void write_followers(struct sheet *sheet, const struct telling *telling,
                            const struct story *story)
{
    struct table table = table_create(telling);
    for (const struct json *node = json_first(json_member(story->data, "appointments"));
         node != NULL; node = json_next(node)) {
        static const char prefix[] = "orderwatch.";
        const char *type_name = json_member_text(node, "type");
        enum event_type type;
        if (type_name == NULL || strncmp(type_name, prefix, sizeof prefix - 1) != 0 ||
            !event_type_parse(type_name + sizeof prefix - 1, &type)) {
            continue;
        }
        const struct json *appointment = json_member(node, "appointment");
        const char *start = json_member_text(appointment, "start");
        const char *id = json_member_text(appointment, "id");
        table_add(&table, name_event(telling, type), NULL,
                  start != NULL ? telling_value(telling, "start", start)
                                : telling_clean(telling, id != NULL ? id : "-", ID_BYTES_MAX));
    }
    sheet_add_table(sheet, BLOCK_FACTS, &table);
}

static void write_story(struct sheet *sheet, const struct telling *telling,
                        const struct story *story)
{
    if (json_member_true(story->data, "late")) {
        sheet_add(sheet, BLOCK_PARAGRAPH, words_phrase(PHRASE_LATE_REMINDER, telling->language));
    }
    struct date as_of = date_of_wall(json_member_text(story->data, "as_of"));
    if (as_of.kind != DATE_NONE) {
        sheet_add(sheet, BLOCK_PARAGRAPH,
                  telling_phrase(telling, PHRASE_STALE, telling_date(telling, as_of, true), NULL));
    }
    struct date until = date_of_wall(json_member_text(json_member(story->data, "hold"), "until"));
    if (until.kind != DATE_NONE) {
        sheet_add(
            sheet, BLOCK_PARAGRAPH,
            telling_phrase(telling, PHRASE_HELD_UNTIL, telling_date(telling, until, true), NULL));
    }
    write_changes(sheet, telling, story);
    write_followers(sheet, telling, story);
    write_moves(sheet, telling, json_member(story->data, "reschedule"), "first_start");
    write_moves(sheet, telling, json_member(story->data, "date_change"), "first_date");
    if (story->event->type == EVENT_ORDER_NOTE_ADDED) {
        write_notes(sheet, telling, story);
    }
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
            table_add(table, telling_field(telling, name), NULL,
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
        table_add(&table, telling_field(telling, "id"), NULL, telling_value(telling, "id", id));
    }
    add_facts(telling, order, "", &table);
    add_facts(telling, json_member(order, "extra"), "extra.", &table);
    add_facts(telling, json_member(order, "contact"), "contact.", &table);
    if (table.count != 0) {
        sheet_add(sheet, BLOCK_LABEL, words_phrase(PHRASE_ORDER_DETAILS, telling->language));
        sheet_add_table(sheet, BLOCK_FACTS, &table);
    }
}

static void write_appointment(struct sheet *sheet, const struct telling *telling,
                              const struct json *appointment)
{
    struct table table = table_create(telling);
    const char *id = json_member_text(appointment, "id");
    if (id != NULL) {
        table_add(&table, telling_field(telling, "appointment"), NULL,
                  telling_value(telling, "id", id));
    }
    add_facts(telling, appointment, "", &table);
    add_facts(telling, json_member(appointment, "extra"), "extra.", &table);
    if (table.count != 0) {
        sheet_add(sheet, BLOCK_LABEL, words_phrase(PHRASE_APPOINTMENT_DETAILS, telling->language));
        sheet_add_table(sheet, BLOCK_FACTS, &table);
    }
}

/* --- why, and how to be left alone ---------------------------------------------------------- */

static bool leads_here(const struct telling *telling, const struct route_config *route,
                       const struct event *event)
{
    bool has_sink = false;
    for (size_t i = 0; i < route->sink_count; i++) {
        has_sink = has_sink ||
                   text_equal(telling->config->sinks[route->sinks[i]].name, telling->sink->name);
    }
    bool has_type = false;
    for (size_t i = 0; i < route->type_count; i++) {
        has_type = has_type || glob_matches(route->types[i], event_type_name(event->type));
    }
    return has_sink && has_type && event->severity >= route->severity;
}

static const char *quoted(const struct telling *telling, const char *name)
{
    return telling_phrase(telling, PHRASE_QUOTED, name, NULL);
}

static const char *find_route(const struct telling *telling, const struct event *event)
{
    for (size_t i = 0; i < telling->config->route_count; i++) {
        const struct route_config *route = &telling->config->routes[i];
        if (route->name != NULL && leads_here(telling, route, event)) {
            return telling_phrase(telling, PHRASE_WHY_ROUTE, quoted(telling, route->name), NULL);
        }
    }
    return words_phrase(PHRASE_WHY_SOME_ROUTE, telling->language);
}

/* Only an id that a shell takes as it is may stand in a command. */
static bool is_plain_word(const char *id)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._";
    return id[0] != '\0' && strlen(id) <= ID_BYTES_MAX && id[strspn(id, letters)] == '\0';
}

/* " --order 123456", or what else the mail is about. */
static const char *silence_options(const struct telling *telling, const struct event *event,
                                   bool is_single)
{
    if (!is_single) {
        return " --order ID";
    }
    if (is_plain_word(event->order_id)) {
        return arena_format(telling->arena, " --order %s", event->order_id);
    }
    return arena_format(telling->arena, " --type %s", event_type_name(event->type));
}

/* Why it came, and how to get fewer. */
static const char *reason(const struct telling *telling, const struct event *event, bool is_single)
{
    const char *sink = telling->sink->name;
    if (event->type == EVENT_TEST || event->type == EVENT_DIGEST) {
        return telling_phrase(
            telling, event->type == EVENT_TEST ? PHRASE_WHY_TEST : PHRASE_WHY_DIGEST, sink, NULL);
    }
    const char *file = telling->config->file != NULL ? telling->config->file : "orderwatch.yaml";
    const char *why =
        telling_phrase(telling, PHRASE_WHY, find_route(telling, event), quoted(telling, sink));
    const char *options = silence_options(telling, event, is_single);
    return arena_format(telling->arena, "%s %s", why,
                        telling_phrase(telling, PHRASE_SILENCE, options, file));
}

void sheet_write_foot(struct sheet *sheet, const struct telling *telling, const struct event *event,
                      bool is_single)
{
    const char *times = telling_phrase(telling, PHRASE_TIMES, zone_name(telling->zone), NULL);
    const char *url = telling_page(telling, event->source_name, is_single ? event->order_id : "");
    if (url != NULL) {
        struct block *link = sheet_add(sheet, BLOCK_LINK, url);
        link->label = words_phrase(PHRASE_STATUS_PAGE, telling->language);
    }
    sheet_add(sheet, BLOCK_FOOT,
              arena_format(telling->arena, "%s %s", reason(telling, event, is_single), times));
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
    struct block *first = sheet_add(sheet, BLOCK_LEAD, NULL);
    first->severity = lead->event->severity;
    const char *sentence = telling_titled(telling, chapter->title, story_headline(telling, lead));
    struct text text;
    text_init(&text, (size_t)64 * 1024);
    text_addf(&text, "%s%s ", sentence, is_ended(sentence) ? "" : ".");
    words_add_advice(&text, lead->event->type, telling->language, lead->event->source_name);
    first->text = arena_text(telling->arena, text_span(&text));
    text_fini(&text);
    write_story(sheet, telling, lead);
    for (size_t i = 0; i < chapter->story_count; i++) {
        const struct story *story = &chapter->stories[i];
        if (story != lead) {
            struct block *heading = sheet_add(sheet, BLOCK_HEADING,
                                              capitalised(telling, story_headline(telling, story)));
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
    sheet_write_foot(sheet, telling, lead->event, true);
}
