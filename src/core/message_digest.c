#include "message_sheet.h"

#include "core/date.h"
#include "message_outlook.h"

#define STEP_COUNT_MAX 12 /* of one order */

/* The others are about sources and sinks. */
static size_t count_orders(const struct chapter *chapters, size_t count)
{
    size_t order_count = 0;
    for (size_t i = 0; i < count; i++) {
        order_count += chapters[i].lead->event->order_id[0] != '\0' ? 1 : 0;
    }
    return order_count;
}

const char *sheet_digest_title(const struct telling *telling, const struct chapter *chapters,
                               size_t count, const struct delivery *delivery)
{
    if (delivery->event_total == 0) {
        return words_phrase(PHRASE_NOTHING_CHANGED, telling->language);
    }
    struct text text;
    text_init(&text, 1024);
    text_add_text(&text,
                  telling_count(telling, PHRASE_CHANGE, PHRASE_CHANGES, delivery->event_total));
    size_t order_count = count_orders(chapters, count);
    if (delivery->event_total == delivery->event_count && order_count != 0) {
        text_add_text(&text,
                      telling_count(telling, PHRASE_ON_ORDER, PHRASE_ON_ORDERS, order_count));
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

/* What came in this digest was nothing before it: its story tells what it is now. */
static bool is_creation(const struct story *story)
{
    return story->event->type == EVENT_APPOINTMENT_CREATED ||
           story->event->type == EVENT_ORDER_CREATED;
}

static void net_add(struct net *net, const char *appointment_id, const struct net_change *change)
{
    for (size_t i = 0; i < net->count; i++) {
        if (text_equal(net->changes[i].field, change->field) &&
            text_equal(net->changes[i].appointment_id, appointment_id)) {
            net->changes[i].to = change->to;
            return;
        }
    }
    if (net->count < NET_COUNT_MAX && change->field != NULL) {
        net->changes[net->count] = *change;
        net->changes[net->count++].appointment_id = appointment_id;
    }
}

static void collect_net(const struct story *story, struct net *net)
{
    for (const struct json *change = json_first(story->changes); change != NULL;
         change = json_next(change)) {
        if (story_has_old_and_new(story, change)) {
            const struct net_change step = {.field = json_member_text(change, "field"),
                                            .from = json_member_text(change, "from"),
                                            .to = json_member_text(change, "to")};
            net_add(net, story->event->appointment_id, &step);
        }
    }
    const char *start = json_member_text(story->appointment, "start");
    if (story->event->type == EVENT_APPOINTMENT_CREATED && start != NULL) {
        const struct net_change step = {.field = "start", .to = start};
        net_add(net, story->event->appointment_id, &step);
    }
}

/* The last one that is about what the lead is about; a creation if there was one. */
static const struct story *find_latest(const struct chapter *chapter)
{
    const char *field = story_main_field(chapter->lead);
    const struct story *latest = chapter->lead;
    const struct story *creation = NULL;
    for (size_t i = 0; i < chapter->story_count; i++) {
        const struct story *story = &chapter->stories[i];
        if (!text_equal(story->event->appointment_id, chapter->lead->event->appointment_id)) {
            continue;
        }
        creation = is_creation(story) ? story : creation;
        if (field != NULL && text_equal(story_main_field(story), field)) {
            latest = story;
        }
    }
    bool is_moved = text_equal(field, "start");
    return is_moved && creation != NULL ? creation : latest;
}

/* From before the first step to after the last one. */
static const char *net_headline(const struct telling *telling, const struct chapter *chapter,
                                const struct net *net)
{
    const struct story *latest = find_latest(chapter);
    struct story story = *latest;
    const char *field = story_main_field(latest);
    const struct net_change *change =
        field != NULL ? net_find(net, latest->event->appointment_id, field) : NULL;
    if (chapter->story_count > 1 && change != NULL && text_equal(change->from, change->to)) {
        return words_phrase(PHRASE_BACK, telling->language);
    }
    if (is_creation(latest)) { /* as it is now */
        for (size_t i = 0; i < chapter->story_count; i++) {
            const struct story *later = &chapter->stories[i];
            bool is_same = text_equal(later->event->appointment_id, latest->event->appointment_id);
            story.appointment = is_same ? later->appointment : story.appointment;
            story.order = later->order;
        }
    }
    story.net = chapter->story_count > 1 ? net : NULL;
    return story_headline(telling, &story);
}

static void write_net(struct sheet *sheet, const struct telling *telling, const struct net *net)
{
    struct table table = table_create(telling);
    for (size_t i = 0; i < net->count; i++) {
        const struct net_change *change = &net->changes[i];
        if (!text_equal(change->from, change->to)) {
            table_add(&table, telling_field(telling, change->field),
                      telling_value(telling, change->field, change->from),
                      telling_value(telling, change->field, change->to));
        }
    }
    sheet_add_table(sheet, BLOCK_CHANGES, &table);
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
        table_add(&table, NULL, NULL,
                  telling_titled(telling, telling_date(telling, when, false),
                                 story_headline(telling, story)));
    }
    sheet_add_table(sheet, BLOCK_STEPS, &table);
}

static void write_digest_chapter(struct sheet *sheet, const struct telling *telling,
                                 const struct chapter *chapter)
{
    struct net net = {.count = 0};
    for (size_t i = 0; i < chapter->story_count; i++) {
        collect_net(&chapter->stories[i], &net);
    }
    struct block *heading =
        sheet_add(sheet, BLOCK_HEADING,
                  telling_titled(telling, chapter->title, net_headline(telling, chapter, &net)));
    heading->severity = chapter->lead->event->severity;
    write_net(sheet, telling, &net);
    if (chapter->story_count > 1) {
        write_steps(sheet, telling, chapter);
    }
}

static void write_changes(struct sheet *sheet, const struct telling *telling,
                          const struct chapter *chapters, size_t count,
                          const struct delivery *delivery)
{
    for (size_t i = 0; i < count; i++) {
        write_digest_chapter(sheet, telling, &chapters[i]);
    }
    if (delivery->event_total > delivery->event_count) {
        sheet_add(sheet, BLOCK_PARAGRAPH,
                  telling_count(telling, PHRASE_REST_ONE, PHRASE_REST,
                                delivery->event_total - delivery->event_count));
    }
}

void sheet_write_digest(struct sheet *sheet, const struct telling *telling,
                        const struct chapter *chapters, size_t count,
                        const struct delivery *delivery)
{
    struct date now = {.kind = DATE_INSTANT, .ms = telling->now_wall_ms};
    const char *as_of =
        telling_phrase(telling, PHRASE_AS_OF, telling_date(telling, now, true), NULL);
    struct block *first = sheet_add(sheet, BLOCK_LEAD, NULL);
    first->severity = count != 0 ? chapters[0].lead->event->severity : SEVERITY_INFO;
    first->text = count != 0
                      ? arena_format(telling->arena, "%s. %s %s.",
                                     sheet_digest_title(telling, chapters, count, delivery),
                                     words_phrase(PHRASE_DIGEST_ADVICE, telling->language), as_of)
                      : arena_format(telling->arena, "%s %s.",
                                     words_phrase(PHRASE_NOTHING_ADVICE, telling->language), as_of);
    write_changes(sheet, telling, chapters, count, delivery);
    if (delivery->outlook != NULL) {
        sheet_write_outlook(sheet, telling, delivery->outlook);
    }
    sheet_write_foot(sheet, telling, count != 0 ? chapters[0].lead->event : delivery->events,
                     count == 1);
}
