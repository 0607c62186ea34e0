#include "recipients.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/utf8.h"

#define WORDS_MAX 200

static const char *const state_names[] = {"open", "done", "refused"};
_Static_assert(ARRAY_COUNT(state_names) == RECIPIENT_REFUSED + 1, "a name for each state");

static const char *clean_words(struct recipients *recipients, const char *words)
{
    struct text clean;
    text_init(&clean, WORDS_MAX + 8);
    utf8_add_clean_line(&clean, span_of(words), WORDS_MAX);
    const char *copy = arena_text(recipients->arena, text_span(&clean));
    text_fini(&clean);
    return copy;
}

static struct recipient *find(struct recipients *recipients, const char *address)
{
    for (size_t i = 0; i < recipients->count; i++) {
        if (text_equal(recipients->all[i].address, address)) {
            return &recipients->all[i];
        }
    }
    return NULL;
}

static void restore(struct recipients *recipients, const struct json *entry)
{
    struct recipient *recipient = find(recipients, json_key(entry));
    if (recipient == NULL) {
        return;
    }
    const char *name = json_member_text(entry, "state");
    for (size_t i = 0; i < ARRAY_COUNT(state_names); i++) {
        if (text_equal(name, state_names[i])) {
            recipient->state = (enum recipient_state)i;
        }
    }
    const char *words = json_member_text(entry, "words");
    recipient->words = clean_words(recipients, words != NULL ? words : "");
}

/* All had their end, and the mail is here again: somebody wants those asked anew who refused. */
static void reopen_refused(struct recipients *recipients)
{
    for (size_t i = 0; i < recipients->count; i++) {
        if (recipients->all[i].state == RECIPIENT_REFUSED) {
            recipients->all[i].state = RECIPIENT_OPEN;
        }
    }
}

void recipients_init(struct recipients *recipients, const char *const *addresses, size_t count,
                     const char *progress, struct arena *arena)
{
    *recipients = (struct recipients){
        .all = arena_array(arena, count, sizeof *recipients->all), .count = count, .arena = arena};
    for (size_t i = 0; i < count; i++) {
        recipients->all[i] = (struct recipient){.address = addresses[i], .words = ""};
    }
    struct json *root = NULL;
    if (progress[0] == '\0' || json_parse(span_of(progress), &root, NULL) != STATUS_OK) {
        return;
    }
    for (const struct json *entry = json_first(root); entry != NULL; entry = json_next(entry)) {
        restore(recipients, entry);
    }
    json_destroy(root);
    if (recipients_open_count(recipients) == 0) {
        reopen_refused(recipients);
    }
}

size_t recipients_open_count(const struct recipients *recipients)
{
    size_t count = 0;
    for (size_t i = 0; i < recipients->count; i++) {
        count += recipients->all[i].state == RECIPIENT_OPEN ? 1 : 0;
    }
    return count;
}

void recipients_answer(struct recipients *recipients, struct recipient *recipient, int code,
                       const char *words)
{
    CHECK(recipient->state == RECIPIENT_OPEN);
    recipient->words = clean_words(recipients, words);
    if (code >= 200 && code < 300) {
        recipient->state = RECIPIENT_DONE;
    } else if (code >= 500 && code < 600) {
        recipient->state = RECIPIENT_REFUSED;
    }
}

void recipients_add_progress(const struct recipients *recipients, struct text *out)
{
    const char *separator = "{";
    for (size_t i = 0; i < recipients->count; i++) {
        const struct recipient *recipient = &recipients->all[i];
        text_add_text(out, separator);
        separator = ",";
        text_add_json_text(out, recipient->address);
        text_addf(out, ":{\"state\":\"%s\",\"words\":", state_names[recipient->state]);
        text_add_json_text(out, recipient->words);
        text_add_char(out, '}');
    }
    text_add_char(out, '}');
}

static void add_who(const struct recipients *recipients, enum recipient_state state,
                    struct text *detail)
{
    const char *separator = "";
    for (size_t i = 0; i < recipients->count; i++) {
        const struct recipient *recipient = &recipients->all[i];
        if (recipient->state == state) {
            text_addf(detail, "%s%s: %s", separator, recipient->address, recipient->words);
            separator = "; ";
        }
    }
}

enum send_outcome recipients_outcome(const struct recipients *recipients, struct text *detail)
{
    size_t counts[ARRAY_COUNT(state_names)] = {0};
    for (size_t i = 0; i < recipients->count; i++) {
        counts[recipients->all[i].state]++;
    }
    if (counts[RECIPIENT_OPEN] != 0) {
        add_who(recipients, RECIPIENT_OPEN, detail);
        return SEND_TRY_LATER;
    }
    if (counts[RECIPIENT_REFUSED] != 0) {
        text_addf(detail, "%zu of %zu recipients refused: ", counts[RECIPIENT_REFUSED],
                  recipients->count);
        add_who(recipients, RECIPIENT_REFUSED, detail);
        return SEND_REJECTED;
    }
    text_add_text(detail, recipients->count != 0 ? recipients->all[0].words : "");
    return SEND_ACCEPTED;
}
