#include "core/message.h"

#include "core/date.h"
#include "core/hash.h"
#include "core/zone.h"
#include "message_calendar.h"
#include "message_sheet.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECT_BYTES_MAX 400
#define BODY_BYTES_MAX ((size_t)8 << 20)
#define ID_BYTES_MAX 1000
#define IDS_BYTES_MAX ((size_t)BUNDLE_EVENTS_MAX * 40)

void message_init(struct message *message)
{
    *message = (struct message){.arena = arena_create()};
    text_init(&message->subject, (size_t)4 * SUBJECT_BYTES_MAX);
    text_init(&message->plain, BODY_BYTES_MAX);
    text_init(&message->html, BODY_BYTES_MAX);
    text_init(&message->message_id, ID_BYTES_MAX);
    text_init(&message->root_id, ID_BYTES_MAX);
    text_init(&message->event_ids, IDS_BYTES_MAX);
}

void message_fini(struct message *message)
{
    text_fini(&message->subject);
    text_fini(&message->plain);
    text_fini(&message->html);
    text_fini(&message->message_id);
    text_fini(&message->root_id);
    text_fini(&message->event_ids);
    arena_destroy(message->arena);
}

/* --- events to chapters --------------------------------------------------------------------- */

struct book {
    struct story *stories; /* grouped by chapter, oldest first in each */
    size_t story_count;
    struct chapter *chapters;
    size_t chapter_count;
};

static int compare_numbers(uint64_t left, uint64_t right)
{
    return left < right ? -1 : left > right ? 1 : 0;
}

static int compare_stories(const void *left, const void *right)
{
    const struct event *a = ((const struct story *)left)->event;
    const struct event *b = ((const struct story *)right)->event;
    int order = strcmp(a->source_name, b->source_name);
    order = order != 0 ? order : strcmp(a->order_id, b->order_id);
    return order != 0 ? order : compare_numbers(a->sequence, b->sequence);
}

/* Critical first; of equals what is soonest on site. */
static int compare_chapters(const void *left, const void *right)
{
    const struct chapter *a = left;
    const struct chapter *b = right;
    if (a->lead->event->severity != b->lead->event->severity) {
        return a->lead->event->severity > b->lead->event->severity ? -1 : 1;
    }
    if (a->start_ms != b->start_ms) {
        return a->start_ms < b->start_ms ? -1 : 1;
    }
    return compare_stories(a->stories, b->stories);
}

static bool is_same_chapter(const struct story *left, const struct story *right)
{
    return text_equal(left->event->source_name, right->event->source_name) &&
           text_equal(left->event->order_id, right->event->order_id);
}

static struct chapter chapter_of(const struct telling *telling, const struct story *stories,
                                 size_t count)
{
    struct chapter chapter = {
        .stories = stories, .story_count = count, .lead = stories, .start_ms = INT64_MAX};
    for (size_t i = 0; i < count; i++) {
        if (stories[i].event->severity > chapter.lead->event->severity) {
            chapter.lead = &stories[i];
        }
        struct date start = date_of(json_member_text(stories[i].appointment, "start"));
        if (start.kind != DATE_NONE && start.ms < chapter.start_ms) {
            chapter.start_ms = start.ms;
        }
    }
    chapter.title = story_title(telling, &stories[count - 1]);
    return chapter;
}

static void make_chapters(struct book *book, const struct telling *telling)
{
    qsort(book->stories, book->story_count, sizeof *book->stories, compare_stories);
    book->chapters = alloc_array(book->story_count, sizeof *book->chapters);
    for (size_t first = 0; first < book->story_count;) {
        size_t next = first + 1;
        while (next < book->story_count &&
               is_same_chapter(&book->stories[first], &book->stories[next])) {
            next++;
        }
        book->chapters[book->chapter_count++] =
            chapter_of(telling, &book->stories[first], next - first);
        first = next;
    }
    qsort(book->chapters, book->chapter_count, sizeof *book->chapters, compare_chapters);
}

static enum status book_open(struct book *book, const struct telling *telling,
                             const struct delivery *delivery, struct failure *why)
{
    book->stories = alloc_array(delivery->event_count, sizeof *book->stories);
    for (size_t i = 0; i < delivery->event_count; i++) {
        if (delivery->events[i].type == EVENT_DIGEST) {
            continue; /* it only makes the mail leave */
        }
        enum status status =
            story_open(telling, &delivery->events[i], &book->stories[book->story_count], why);
        if (status != STATUS_OK) {
            return status;
        }
        book->story_count++;
    }
    make_chapters(book, telling);
    return STATUS_OK;
}

static void book_close(struct book *book)
{
    for (size_t i = 0; i < book->story_count; i++) {
        story_close(&book->stories[i]);
    }
    free(book->stories);
    free(book->chapters);
}

/* Without the events that only make a digest leave: nobody counts them. */
static struct delivery without_seeds(const struct delivery *delivery, const struct book *book)
{
    struct delivery told = *delivery;
    size_t seed_count = delivery->event_count - book->story_count;
    told.event_count -= seed_count;
    told.event_total -= seed_count;
    told.severity_counts[SEVERITY_INFO] -= (uint32_t)seed_count;
    return told;
}

/* --- the head ------------------------------------------------------------------------------- */

static bool is_digest(const struct delivery *delivery)
{
    const char *bundle = delivery->bundle;
    bool is_bundle = bundle != NULL && (bundle[0] == 'd' || bundle[0] == 'q');
    return is_bundle || delivery->events[0].type == EVENT_DIGEST;
}

static void write_subject(const struct telling *telling, const struct book *book,
                          const struct delivery *delivery, struct message *out)
{
    const char *prefix = telling->sink->email.subject_prefix;
    struct text subject;
    text_init(&subject, (size_t)4 * SUBJECT_BYTES_MAX);
    if (prefix == NULL || prefix[0] != '\0') {
        text_addf(&subject, "[%s] ", prefix != NULL ? prefix : "orderwatch");
    }
    if (is_digest(delivery)) {
        text_add_text(&subject,
                      telling_titled(telling, words_phrase(PHRASE_DIGEST, telling->language),
                                     sheet_digest_title(telling, book->chapters,
                                                        book->chapter_count, delivery)));
    } else {
        const struct chapter *chapter = &book->chapters[0];
        text_add_text(&subject, telling_titled(telling, chapter->title,
                                               story_headline(telling, chapter->lead)));
        if (delivery->event_total > 1) {
            text_addf(&subject, " %s",
                      telling_count(telling, PHRASE_MORE_EVENTS, PHRASE_MORE_EVENTS,
                                    delivery->event_total - 1));
        }
    }
    text_add_text(&out->subject, telling_clean(telling, text_cstr(&subject), SUBJECT_BYTES_MAX));
    text_fini(&subject);
}

/* One conversation for each order, for each source or sink, and for the digests of one day. */
static void write_root(const struct telling *telling, const struct book *book,
                       const struct delivery *delivery, struct message *out)
{
    const struct event *event = delivery->events;
    struct text subject;
    text_init(&subject, (size_t)8192);
    if (is_digest(delivery)) {
        struct date due = {.kind = DATE_INSTANT, .ms = delivery->first_due_wall_ms};
        text_addf(&subject, "digest/%lld", (long long)date_day_number(due, telling->zone));
    } else if (event->order_id[0] != '\0') {
        text_addf(&subject, "order/%s/%s", event->source_name, event->order_id);
    } else {
        text_addf(&subject, "other/%s", book->chapter_count != 0 ? book->chapters[0].title : "");
    }
    char hash[33];
    hash128_hex(text_span(&subject), hash);
    text_fini(&subject);
    text_addf(&out->root_id, "%s.%s@%s", hash, telling->sink->name, telling->sink->email.host);
}

static void write_ids(const struct telling *telling, const struct book *book,
                      const struct delivery *delivery, struct message *out)
{
    text_addf(&out->message_id, "%s.%s@%s", delivery->events[0].id, telling->sink->name,
              telling->sink->email.host);
    write_root(telling, book, delivery, out);
    for (size_t i = 0; i < delivery->event_count; i++) {
        text_addf(&out->event_ids, i == 0 ? "%s" : " %s", delivery->events[i].id);
        out->is_critical = out->is_critical || delivery->events[i].severity == SEVERITY_CRITICAL;
    }
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool is_told_of(const struct delivery *delivery, const struct source_config *source)
{
    for (size_t i = 0; i < delivery->event_count; i++) {
        if (text_equal(delivery->events[i].source_name, source->name)) {
            return true;
        }
    }
    return false;
}

/* The sink's zone; else that of the first source the mail is about, or of the only one. */
static const struct zone *choose_zone(const struct sink_config *sink, const struct config *config,
                                      const struct delivery *delivery)
{
    if (sink->email.zone != NULL) {
        return sink->email.zone;
    }
    for (size_t i = 0; i < config->source_count; i++) {
        const struct source_config *source = &config->sources[i];
        bool is_it = config->source_count == 1 || is_told_of(delivery, source);
        if (is_it && source->zone != NULL) {
            return source->zone;
        }
    }
    bool is_digest_of_nothing = delivery->events[0].type == EVENT_DIGEST;
    const struct zone *first = config->source_count != 0 ? config->sources[0].zone : NULL;
    return is_digest_of_nothing && first != NULL ? first : zone_utc();
}

static void write_bodies(const struct telling *telling, const struct book *book,
                         const struct delivery *delivery, struct message *out)
{
    struct sheet sheet = {.language = telling->language};
    if (is_digest(delivery)) {
        sheet_write_digest(&sheet, telling, book->chapters, book->chapter_count, delivery);
    } else {
        for (size_t i = 0; i < book->chapter_count; i++) {
            sheet_write_chapter(&sheet, telling, &book->chapters[i]);
        }
    }
    sheet_add_plain(&sheet, &out->plain);
    sheet_add_html(&sheet, text_cstr(&out->subject), &out->html);
    sheet_fini(&sheet);
}

/* Of several events the oldest one decides: a mail has one language. */
static enum language choose_language(const struct sink_config *sink, const struct event *first)
{
    return first->manner != NULL && first->manner->language != 0
               ? (enum language)(first->manner->language - 1)
               : sink->email.language;
}

enum status message_compose(const struct sink_config *sink, const struct config *config,
                            const struct delivery *delivery, int64_t now_wall_ms,
                            struct message *out, struct failure *why)
{
    CHECK(delivery->event_count > 0 && delivery->event_total >= delivery->event_count);
    struct telling telling = {
        .sink = sink,
        .config = config,
        .language = choose_language(sink, &delivery->events[0]),
        .zone = choose_zone(sink, config, delivery),
        .now_wall_ms = now_wall_ms,
        .arena = arena_create(),
    };
    struct book book = {.story_count = 0};
    enum status status = book_open(&book, &telling, delivery, why);
    if (status == STATUS_OK) {
        const struct delivery told = without_seeds(delivery, &book);
        write_subject(&telling, &book, &told, out);
        write_ids(&telling, &book, delivery, out);
        write_bodies(&telling, &book, &told, out);
        out->zone = telling.zone;
        message_add_appointments(out, &telling, book.stories, book.story_count);
        bool fits = out->subject.status == STATUS_OK && out->plain.status == STATUS_OK &&
                    out->html.status == STATUS_OK && out->event_ids.status == STATUS_OK;
        if (!fits) {
            status = fail(why, STATUS_TOO_LARGE, "event %s: its mail is too large",
                          delivery->events[0].id);
        }
    }
    book_close(&book);
    arena_destroy(telling.arena);
    return status;
}
