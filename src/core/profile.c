#include "core/profile.h"

#include "core/arena.h"
#include "core/hash.h"
#include "core/status_text.h"
#include "core/text.h"
#include "core/walker.h"

#include "core/profile_shape.h"

#include <string.h>

#define KEY_BYTES_MAX 256
#define DOCUMENT_BYTES_MAX ((size_t)1024 * 1024)

/* False: too long to be a status that a profile names. */
static bool make_key(const char *status, char out[static KEY_BYTES_MAX])
{
    size_t size = 0;
    for (size_t position = 0; status[position] != '\0';) {
        char byte = status_text_next(status, &position);
        if (byte == '\0') {
            continue;
        }
        if (size == KEY_BYTES_MAX - 1) {
            return false;
        }
        out[size++] = byte;
    }
    out[size] = '\0';
    return true;
}

static int find_kind(const struct status_table *table, const char *status, int unknown)
{
    char key[KEY_BYTES_MAX];
    if (status == NULL || !make_key(status, key)) {
        return unknown;
    }
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->meanings[i].key, key) == 0) {
            return table->meanings[i].kind;
        }
    }
    return unknown;
}

enum order_kind profile_order_kind(const struct profile *profile, const char *status)
{
    return (enum order_kind)find_kind(&profile->order_statuses, status, ORDER_UNKNOWN);
}

enum appointment_kind profile_appointment_kind(const struct profile *profile, const char *status)
{
    return (enum appointment_kind)find_kind(&profile->appointment_statuses, status,
                                            APPOINTMENT_UNKNOWN);
}

static const struct status_meaning *find_key(const struct status_meaning *meanings, size_t count,
                                             const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(meanings[i].key, key) == 0) {
            return &meanings[i];
        }
    }
    return NULL;
}

/* Adds the words of one kind; returns the new count. */
static size_t add_meanings(struct walker *walker, const struct node *map, const struct texts *words,
                           int kind, struct status_meaning *meanings, size_t count)
{
    for (size_t i = 0; i < words->count; i++) {
        char key[KEY_BYTES_MAX];
        if (words->texts[i] == NULL) {
            continue; /* its problem is told already */
        }
        if (!make_key(words->texts[i], key) || key[0] == '\0') {
            problem_add(walker->problems, map, walker->path,
                        "\"%.60s\" is not a status; accepted: texts with letters or digits",
                        words->texts[i]);
            continue;
        }
        const struct status_meaning *other = find_key(meanings, count, key);
        if (other != NULL && other->kind != kind) {
            problem_add(walker->problems, map, walker->path,
                        "\"%.60s\" is there under two kinds; accepted: one meaning for each text",
                        words->texts[i]);
        } else if (other == NULL) {
            meanings[count].key = arena_text(walker->arena, span_of(key));
            meanings[count++].kind = kind;
        }
    }
    return count;
}

void profile_build_statuses(struct walker *walker, const struct node *map,
                            const struct texts *words, size_t kind_count, struct status_table *out)
{
    size_t room = 0;
    for (size_t kind = 0; kind < kind_count; kind++) {
        room += words[kind].count;
    }
    struct status_meaning *meanings = arena_array(walker->arena, room, sizeof *meanings);
    size_t count = 0;
    for (size_t kind = 0; kind < kind_count; kind++) {
        count = add_meanings(walker, map, &words[kind], (int)kind, meanings, count);
    }
    *out = (struct status_table){.meanings = meanings, .count = count};
}

/* Comments, quoting, and the description say nothing about what is read. */
static void add_document(struct text *out, const struct node *node)
{
    if (node->key != NULL) {
        text_add_json_text(out, node->key);
    }
    if (node->kind == NODE_SCALAR) {
        text_add_json_text(out, node->text);
        return;
    }
    text_add_char(out, node->kind == NODE_LIST ? '[' : '{');
    for (const struct node *entry = node->child; entry != NULL; entry = entry->next) {
        if (entry->key == NULL || strcmp(entry->key, "description") != 0) {
            add_document(out, entry);
        }
    }
    text_add_char(out, node->kind == NODE_LIST ? ']' : '}');
}

static uint64_t fingerprint_of(const struct node *document)
{
    struct text bytes;
    text_init(&bytes, DOCUMENT_BYTES_MAX);
    add_document(&bytes, document);
    uint64_t fingerprint = hash64(text_span(&bytes));
    text_fini(&bytes);
    return fingerprint;
}

enum status profile_create(const struct node *document, const char *name,
                           struct problem_list *problems, struct profile **out)
{
    size_t errors_before = problems->error_count;
    struct arena *arena = arena_create();
    struct walker walker = {.problems = problems, .arena = arena};
    struct profile_draft *draft = arena_alloc(arena, sizeof *draft);
    walker_read(&walker, profile_shape(), document, draft);
    if (problems->error_count != errors_before) {
        arena_destroy(arena);
        return STATUS_INVALID;
    }
    draft->profile.name = arena_text(arena, span_of(name));
    draft->profile.fingerprint = fingerprint_of(document);
    draft->profile.arena = arena;
    profile_gather_names(&draft->profile, arena);
    *out = &draft->profile;
    return STATUS_OK;
}

void profile_destroy(struct profile *profile)
{
    if (profile != NULL) {
        arena_destroy(profile->arena);
    }
}
