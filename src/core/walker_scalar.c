/* The walker's scalars: one text of the document into one typed field. */
#include "core/walker.h"

#include "core/arena.h"
#include "core/config.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN_BYTES_MAX 60

typedef void read_scalar(struct walker *walker, const struct key *key, const struct node *node,
                         void *field);

const char *walker_shown(struct walker *walker, const struct node *node)
{
    if (node->is_expanded) {
        return "the value of the variable";
    }
    if (strstr(node->text, "://") != NULL && strchr(node->text, '@') != NULL) {
        return "the value"; /* with a password in it, perhaps */
    }
    size_t size = strlen(node->text);
    size_t shown = size;
    if (size > SHOWN_BYTES_MAX) {
        shown = SHOWN_BYTES_MAX;
        while (shown > 0 && ((unsigned char)node->text[shown] & 0xc0) == 0x80) {
            shown--; /* never half a character */
        }
    }
    return arena_format(walker->arena, "\"%.*s%s\"", (int)shown, node->text,
                        shown < size ? "..." : "");
}

static bool has_control(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        if ((unsigned char)*byte < 0x20 || *byte == 0x7f) {
            return true;
        }
    }
    return false;
}

bool walker_is_text(struct walker *walker, const struct node *node, const char *accepted)
{
    const char *what = NULL;
    if (node->is_broken) {
        return false;
    }
    if (node->kind != NODE_SCALAR) {
        what = node->kind == NODE_LIST ? "is a list" : "is a map";
    } else if (node->is_plain && node->text[0] == '\0') {
        what = "is empty";
    } else if (has_control(node->text)) {
        what = "holds a line break or control character";
    }
    if (what != NULL) {
        problem_add(walker->problems, node, walker->path, "%s; accepted: %s", what, accepted);
    }
    return what == NULL;
}

const char *walker_file_path(struct walker *walker, const struct node *node)
{
    const char *slash = strrchr(node->file, '/');
    if (node->text[0] == '/' || slash == NULL) {
        return arena_text(walker->arena, span_of(node->text));
    }
    return arena_format(walker->arena, "%.*s/%s", (int)(slash - node->file), node->file,
                        node->text);
}

const char *walker_name_or_path(struct walker *walker, const struct node *node, const char *suffix)
{
    size_t size = strlen(node->text);
    size_t suffix_size = strlen(suffix);
    bool has_suffix = size > suffix_size && strcmp(node->text + size - suffix_size, suffix) == 0;
    if (strchr(node->text, '/') == NULL && !has_suffix) {
        return arena_text(walker->arena, span_of(node->text));
    }
    const char *path = walker_file_path(walker, node);
    return strchr(path, '/') != NULL ? path : arena_format(walker->arena, "./%s", path);
}

void walker_set_pointer(void *field, const void *value)
{
    memcpy(field, &value, sizeof value);
}

static void refuse(struct walker *walker, const struct node *node, const char *what,
                   const char *accepted)
{
    problem_add(walker->problems, node, walker->path, "%s is %s; accepted: %s",
                walker_shown(walker, node), what, accepted);
}

/* False: the problem is told. */
static bool is_within(struct walker *walker, const struct key *key, const struct node *node,
                      int64_t value)
{
    if (value >= key->min && (key->max == 0 || value <= key->max)) {
        return true;
    }
    bool is_duration = key->kind == KEY_DURATION;
    struct text range;
    text_init(&range, 128);
    text_add_text(&range, key->max == 0 ? "at least " : "from ");
    is_duration ? duration_add(&range, key->min) : text_addf(&range, "%lld", (long long)key->min);
    if (key->max != 0) {
        text_add_text(&range, " to ");
        is_duration ? duration_add(&range, key->max)
                    : text_addf(&range, "%lld", (long long)key->max);
    }
    refuse(walker, node, value < key->min ? "too small" : "too large", text_cstr(&range));
    text_fini(&range);
    return false;
}

static void read_text(struct walker *walker, const struct key *key, const struct node *node,
                      void *field)
{
    const char *what = key->fault != NULL ? key->fault(node->text) : NULL;
    if (what != NULL) {
        refuse(walker, node, what, key->accepted);
        return;
    }
    walker_set_pointer(field, arena_text(walker->arena, span_of(node->text)));
}

static void read_path(struct walker *walker, const struct key *key, const struct node *node,
                      void *field)
{
    if (node->text[0] == '\0') {
        refuse(walker, node, "not a path", key->accepted);
        return;
    }
    walker_set_pointer(field, walker_file_path(walker, node));
}

static void read_file(struct walker *walker, const struct key *key, const struct node *node,
                      void *field)
{
    (void)key;
    struct failure why;
    const char *path = walker_file_path(walker, node);
    if (walker->loader->readable_file(walker->loader->self, path, &why) != STATUS_OK) {
        problem_add(walker->problems, node, walker->path, "%s", why.detail);
        return;
    }
    walker_set_pointer(field, path);
}

static void read_duration(struct walker *walker, const struct key *key, const struct node *node,
                          void *field)
{
    int64_t duration_ms = 0;
    if (!duration_parse(node->text, &duration_ms)) {
        refuse(walker, node, "not a duration", "integers with units, such as 90s, 5m, 1h30m or 2d");
    } else if (is_within(walker, key, node, duration_ms)) {
        memcpy(field, &duration_ms, sizeof duration_ms);
    }
}

static void read_size(struct walker *walker, const struct key *key, const struct node *node,
                      void *field)
{
    size_t size = 0;
    if (!size_parse(node->text, &size)) {
        refuse(walker, node, "not a size", "bytes, or a number with KiB, MiB or GiB");
    } else if (is_within(walker, key, node, (int64_t)size)) {
        memcpy(field, &size, sizeof size);
    }
}

/* Digits only: strtol would also take signs, blanks and other bases. */
static bool parse_count(const char *text, size_t size, uint32_t *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || value > UINT32_MAX / 10) {
            return false;
        }
        value = value * 10 + (text[i] - '0');
    }
    *out = (uint32_t)value;
    return size != 0 && value <= UINT32_MAX;
}

static void read_count(struct walker *walker, const struct key *key, const struct node *node,
                       void *field)
{
    uint32_t count = 0;
    if (!parse_count(node->text, strlen(node->text), &count)) {
        refuse(walker, node, "not a number", "digits only");
    } else if (is_within(walker, key, node, count)) {
        memcpy(field, &count, sizeof count);
    }
}

static void read_percent(struct walker *walker, const struct key *key, const struct node *node,
                         void *field)
{
    (void)key;
    uint32_t percent = 0;
    size_t size = strlen(node->text);
    if (size < 2 || node->text[size - 1] != '%' || !parse_count(node->text, size - 1, &percent) ||
        percent == 0 || percent > 100) {
        refuse(walker, node, "not a share", "1% to 100%");
        return;
    }
    memcpy(field, &percent, sizeof percent);
}

static void read_rate(struct walker *walker, const struct key *key, const struct node *node,
                      void *field)
{
    (void)key;
    struct rate rate = {0};
    if (!rate_parse(node->text, &rate)) {
        refuse(walker, node, "not a rate", "a count per s, min, h or d, such as 60/min or 5/s");
        return;
    }
    memcpy(field, &rate, sizeof rate);
}

static const struct word switch_words[] = {{"on", 1},  {"off", 0}, {"true", 1}, {"false", 0},
                                           {"yes", 1}, {"no", 0},  {NULL, 0}};

static const struct word *find_word(struct walker *walker, const struct word *words,
                                    const struct node *node)
{
    const char *texts[24];
    size_t count = 0;
    for (const struct word *word = words; word->text != NULL; word++) {
        if (strcmp(word->text, node->text) == 0) {
            return word;
        }
        CHECK(count < ARRAY_COUNT(texts));
        texts[count++] = word->text;
    }
    problem_add(walker->problems, node, walker->path, "%s is not known here%s",
                walker_shown(walker, node),
                walker_choices(walker, node->is_expanded ? "" : node->text, texts, count));
    return NULL;
}

static void read_choice(struct walker *walker, const struct key *key, const struct node *node,
                        void *field)
{
    const struct word *word = find_word(walker, key->words, node);
    if (word != NULL) {
        memcpy(field, &word->value, sizeof word->value);
    }
}

static void read_switch(struct walker *walker, const struct key *key, const struct node *node,
                        void *field)
{
    const struct word *words = key->words != NULL ? key->words : switch_words;
    const struct word *word = find_word(walker, words, node);
    if (word != NULL) {
        bool value = word->value != 0;
        memcpy(field, &value, sizeof value);
    }
}

static void read_date(struct walker *walker, const struct key *key, const struct node *node,
                      void *field)
{
    (void)key;
    struct date date = date_of(node->text);
    if (date.kind != DATE_DAY) {
        refuse(walker, node, "not a date", "a day such as 2026-02-01");
        return;
    }
    memcpy(field, &date, sizeof date);
}

static void read_secret(struct walker *walker, const struct key *key, const struct node *node,
                        void *field)
{
    (void)key;
    const struct secret *secret = NULL;
    struct failure why;
    enum status status =
        walker->loader->secret(walker->loader->self, span_of(node->text), &secret, &why);
    if (status != STATUS_OK) {
        problem_add(walker->problems, node, walker->path, "%s", why.detail);
        return;
    }
    walker_set_pointer(field, secret);
}

static void read_zone(struct walker *walker, const struct key *key, const struct node *node,
                      void *field)
{
    (void)key;
    const struct zone *zone = NULL;
    struct failure why;
    if (walker->loader->zone(walker->loader->self, node->text, &zone, &why) != STATUS_OK) {
        problem_add(walker->problems, node, walker->path, "%s", why.detail);
        return;
    }
    walker_set_pointer(field, zone);
}

static read_scalar *const readers[KEY_KIND_COUNT] = {
    [KEY_TEXT] = read_text,         [KEY_PATH] = read_path, [KEY_FILE] = read_file,
    [KEY_DURATION] = read_duration, [KEY_SIZE] = read_size, [KEY_COUNT] = read_count,
    [KEY_PERCENT] = read_percent,   [KEY_RATE] = read_rate, [KEY_CHOICE] = read_choice,
    [KEY_SWITCH] = read_switch,     [KEY_DATE] = read_date, [KEY_SECRET] = read_secret,
    [KEY_ZONE] = read_zone,
};

/* What a message says where the key has nothing of its own to say. */
static const char *const accepted_kinds[KEY_KIND_COUNT] = {
    [KEY_TEXT] = "a text",
    [KEY_PATH] = "a path",
    [KEY_FILE] = "the path of a file",
    [KEY_DURATION] = "a duration such as 90s, 5m or 1h30m",
    [KEY_SIZE] = "a size such as 64KiB or 16MiB",
    [KEY_COUNT] = "a number",
    [KEY_PERCENT] = "a share such as 50%",
    [KEY_RATE] = "a rate such as 60/min",
    [KEY_CHOICE] = "one word",
    [KEY_SWITCH] = "on or off",
    [KEY_DATE] = "a day such as 2026-02-01",
    [KEY_SECRET] = "a secret",
    [KEY_ZONE] = "a time zone such as Europe/Paris",
};

void walker_read_scalar(struct walker *walker, const struct key *key, const struct node *node,
                        void *field)
{
    CHECK(readers[key->kind] != NULL);
    const char *accepted = key->accepted != NULL ? key->accepted : accepted_kinds[key->kind];
    if (walker_is_text(walker, node, accepted)) {
        readers[key->kind](walker, key, node, field);
    }
}
