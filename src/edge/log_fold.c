#include "log_fold.h"

#include "core/hash.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

#define KEY_BYTES_MAX 8192

static const char *text_of(const struct log_field *fields, const char *key)
{
    for (; fields->key != NULL; fields++) {
        if (fields->text != NULL && strcmp(fields->key, key) == 0) {
            return fields->text;
        }
    }
    return "";
}

/* Numbers that differ from line to line (a port, a duration) do not make another kind. */
static void add_reason(struct text *key, const char *reason)
{
    for (const char *byte = reason; *byte != '\0' && key->size + 1 < KEY_BYTES_MAX; byte++) {
        if (*byte < '0' || *byte > '9') {
            text_add_char(key, *byte);
        }
    }
}

static uint64_t key_of(const char *event, const struct log_field *fields)
{
    static const char *const reasons[] = {"reason", "detail"};
    struct text key;
    text_init(&key, KEY_BYTES_MAX);
    text_addf(&key, "%s/%s/%s/", event, text_of(fields, "source"), text_of(fields, "sink"));
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        add_reason(&key, text_of(fields, reasons[i]));
    }
    uint64_t hash = hash64(text_span(&key));
    text_fini(&key);
    return hash != 0 ? hash : 1;
}

static void end_kind(struct fold_kind *kind, int64_t now_mono_ms, fold_tell_fn *tell)
{
    if (kind->folded != 0) {
        tell(kind, now_mono_ms);
    }
    *kind = (struct fold_kind){.key = 0};
}

/* Its place; or a free one; or that of the kind that began first, which is told. */
static struct fold_kind *place_of(struct log_fold *fold, uint64_t key, int64_t now_mono_ms,
                                  fold_tell_fn *tell)
{
    struct fold_kind *oldest = &fold->kinds[0];
    for (size_t i = 0; i < FOLD_KINDS_MAX; i++) {
        struct fold_kind *kind = &fold->kinds[i];
        if (kind->key == key) {
            return kind;
        }
        bool is_better = kind->key == 0 || kind->since_mono_ms < oldest->since_mono_ms;
        oldest = oldest->key != 0 && is_better ? kind : oldest;
    }
    end_kind(oldest, now_mono_ms, tell);
    return oldest;
}

void fold_turn(struct log_fold *fold, int64_t now_mono_ms, bool is_last, fold_tell_fn *tell)
{
    for (size_t i = 0; i < FOLD_KINDS_MAX; i++) {
        struct fold_kind *kind = &fold->kinds[i];
        if (kind->key != 0 && (is_last || now_mono_ms - kind->since_mono_ms >= FOLD_WINDOW_MS)) {
            end_kind(kind, now_mono_ms, tell);
        }
    }
}

bool fold_admits(struct log_fold *fold, enum log_level level, const char *event,
                 const struct log_field *fields, int64_t now_mono_ms, fold_tell_fn *tell)
{
    fold_turn(fold, now_mono_ms, false, tell);
    if (text_of(fields, "source")[0] == '\0' && text_of(fields, "sink")[0] == '\0') {
        return true; /* what an operator has just asked for, or what happens once */
    }
    uint64_t key = key_of(event, fields);
    struct fold_kind *kind = place_of(fold, key, now_mono_ms, tell);
    if (kind->key == 0) {
        *kind = (struct fold_kind){.key = key, .since_mono_ms = now_mono_ms, .level = level};
        (void)snprintf(kind->event, sizeof kind->event, "%s", event);
        (void)snprintf(kind->source, sizeof kind->source, "%s", text_of(fields, "source"));
        (void)snprintf(kind->sink, sizeof kind->sink, "%s", text_of(fields, "sink"));
    }
    if (kind->told < FOLD_TELLS) {
        kind->told++;
        return true;
    }
    kind->folded++;
    return false;
}
