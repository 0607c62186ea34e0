#include "core/silencer.h"

#include "core/arena.h"
#include "core/log.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_KEY "silences"
#define BYTES_MAX ((size_t)16 * 1024 * 1024)
#define REMEMBERED_MS (INT64_C(90) * DAY_MS) /* after its end, for those who ask why */

struct table {
    struct arena *arena;
    struct silence_list list;
};

struct silencer {
    struct store_port store;
    struct table now;
    struct table next; /* while it is being written */
    const char *changed_id;
    silenced_fn *on_done;
    void *arg;
};

struct silencer *silencer_create(struct store_port store)
{
    struct silencer *silencer = alloc(sizeof *silencer);
    silencer->store = store;
    return silencer;
}

void silencer_destroy(struct silencer *silencer)
{
    CHECK(silencer_is_idle(silencer));
    arena_destroy(silencer->now.arena);
    free(silencer);
}

void silencer_restore(struct silencer *silencer, const struct stored_value *value)
{
    if (!text_equal(value->key, VALUE_KEY)) {
        return;
    }
    struct table table = {.arena = arena_create()};
    struct failure why;
    if (silence_list_decode(value->value, table.arena, &table.list, &why) != STATUS_OK) {
        LOG_ERROR("silences_unreadable", log_text("detail", why.detail));
        arena_destroy(table.arena);
        return;
    }
    arena_destroy(silencer->now.arena);
    silencer->now = table;
}

const struct silence_list *silencer_list(const struct silencer *silencer)
{
    return silencer != NULL ? &silencer->now.list : NULL;
}

bool silencer_is_idle(const struct silencer *silencer)
{
    return silencer->on_done == NULL;
}

/* --- a change --- */

static void on_committed(void *arg, enum status status, const char *detail)
{
    struct silencer *silencer = arg;
    silenced_fn *on_done = silencer->on_done;
    struct table ended = silencer->next;
    if (status == STATUS_OK) {
        ended = silencer->now;
        silencer->now = silencer->next;
        LOG_INFO("silence_changed", log_text("id", silencer->changed_id));
    }
    const char *id = status == STATUS_OK ? silencer->changed_id : NULL;
    silencer->next = (struct table){0};
    silencer->on_done = NULL;
    on_done(silencer->arg, status, id, detail);
    arena_destroy(ended.arena);
}

static void write_next(struct silencer *silencer, const char *id, silenced_fn *on_done, void *arg)
{
    struct text bytes;
    text_init(&bytes, BYTES_MAX);
    silence_list_encode(&silencer->next.list, &bytes);
    CHECK(bytes.status == STATUS_OK);
    silencer->changed_id = id;
    silencer->on_done = on_done;
    silencer->arg = arg;
    struct stored_value value = {.key = VALUE_KEY, .value = text_span(&bytes)};
    struct commit commit = {.values = &value, .value_count = 1};
    silencer->store.commit(silencer->store.self, &commit, on_committed, silencer);
    text_fini(&bytes);
}

/* A copy of what is known, with room for one more, without what ended long ago. */
static struct silence *copy_known(const struct silencer *silencer, int64_t now_wall_ms,
                                  struct table *out)
{
    struct text bytes;
    text_init(&bytes, BYTES_MAX);
    silence_list_encode(&silencer->now.list, &bytes);
    struct silence_list known = {0};
    struct failure why;
    CHECK(silence_list_decode(text_span(&bytes), out->arena, &known, &why) == STATUS_OK);
    text_fini(&bytes);
    struct silence *items = arena_array(out->arena, known.count + 1, sizeof *items);
    out->list = (struct silence_list){.items = items};
    for (size_t i = 0; i < known.count; i++) {
        if (known.items[i].end_wall_ms > now_wall_ms - REMEMBERED_MS) {
            items[out->list.count++] = known.items[i];
        }
    }
    return items;
}

static enum status check_free(const struct silencer *silencer, struct failure *why)
{
    return silencer_is_idle(silencer)
               ? STATUS_OK
               : fail(why, STATUS_BUSY, "another silence is being written; try again");
}

static struct silence *find_by_id(struct silence *items, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (text_equal(items[i].id, id)) {
            return &items[i];
        }
    }
    return NULL;
}

static enum status add_to(struct table *table, struct silence *items, const struct silence *added,
                          struct failure *why)
{
    if (table->list.count >= SILENCES_MAX) {
        return fail(why, STATUS_FULL,
                    "there are %d silences, which is the limit; wait for the end "
                    "of some, or match more with one",
                    SILENCES_MAX);
    }
    if (find_by_id(items, table->list.count, added->id) != NULL) {
        return fail(why, STATUS_INVALID, "this silence is there already, as %s", added->id);
    }
    items[table->list.count++] = *added;
    return STATUS_OK;
}

static void on_tidied(void *arg, enum status status, const char *id, const char *detail)
{
    (void)arg;
    (void)status; /* the store tells of its troubles itself, and the next time comes */
    (void)id;
    (void)detail;
}

void silencer_tidy(struct silencer *silencer, int64_t now_wall_ms)
{
    const struct silence_list *list = &silencer->now.list;
    size_t young = 0;
    while (young < list->count && list->items[young].end_wall_ms > now_wall_ms - REMEMBERED_MS) {
        young++;
    }
    if (young == list->count || !silencer_is_idle(silencer)) {
        return;
    }
    struct table next = {.arena = arena_create()};
    const char *forgotten_id = arena_text(next.arena, span_of(list->items[young].id));
    (void)copy_known(silencer, now_wall_ms, &next);
    silencer->next = next;
    write_next(silencer, forgotten_id, on_tidied, NULL);
}

enum status silencer_add(struct silencer *silencer, const struct json *document,
                         int64_t now_wall_ms, silenced_fn *on_done, void *arg, struct failure *why)
{
    enum status status = check_free(silencer, why);
    if (status != STATUS_OK) {
        return status;
    }
    struct table next = {.arena = arena_create()};
    struct silence added;
    status = silence_read(document, now_wall_ms, next.arena, &added, why);
    if (status == STATUS_OK && added.end_wall_ms <= now_wall_ms) {
        status = fail(why, STATUS_INVALID, "end: is in the past");
    }
    if (status == STATUS_OK) {
        status = add_to(&next, copy_known(silencer, now_wall_ms, &next), &added, why);
    }
    if (status != STATUS_OK) {
        arena_destroy(next.arena);
        return status;
    }
    silencer->next = next;
    write_next(silencer, added.id, on_done, arg);
    return STATUS_OK;
}

enum status silencer_end(struct silencer *silencer, const char *id, int64_t now_wall_ms,
                         silenced_fn *on_done, void *arg, struct failure *why)
{
    enum status status = check_free(silencer, why);
    if (status != STATUS_OK) {
        return status;
    }
    struct table next = {.arena = arena_create()};
    struct silence *items = copy_known(silencer, now_wall_ms, &next);
    struct silence *ended = find_by_id(items, next.list.count, id);
    if (ended == NULL || ended->end_wall_ms <= now_wall_ms) {
        arena_destroy(next.arena);
        return fail(
            why, STATUS_NOT_FOUND,
            "%.64s: no such silence, or it has ended; /api/v1/silences lists those that there "
            "are",
            id);
    }
    if (ended->start_wall_ms >= now_wall_ms) {
        ended->start_wall_ms = now_wall_ms - 1; /* it never began: its time stays in order */
    }
    ended->end_wall_ms = now_wall_ms;
    silencer->next = next;
    write_next(silencer, ended->id, on_done, arg);
    return STATUS_OK;
}
