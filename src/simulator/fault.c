#include "simulator/fault.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next;
    struct fault fault;
};

struct fault_list {
    struct entry *first;
    struct entry *spent; /* the one given out last, kept until the next call */
};

static const char *const kind_names[FAULT_KIND_COUNT] = {
    [FAULT_STATUS] = "status",
    [FAULT_HTML] = "html",
    [FAULT_TRUNCATED] = "truncated",
    [FAULT_CUT] = "cut",
    [FAULT_DEEP] = "deep",
    [FAULT_BIG] = "big",
    [FAULT_GZIP_BOMB] = "gzip_bomb",
    [FAULT_SLOW] = "slow",
    [FAULT_HANG] = "hang",
    [FAULT_DROP] = "drop",
    [FAULT_REDIRECT] = "redirect",
    [FAULT_EMPTY] = "empty",
    [FAULT_TOTAL] = "total",
    [FAULT_ENDLESS] = "endless",
    [FAULT_REPEAT_PAGE] = "repeat_page",
    [FAULT_DUPLICATE] = "duplicate",
    [FAULT_SHIFT] = "shift",
    [FAULT_SHORT] = "short",
    [FAULT_EXPIRES_IN] = "expires_in",
};

static const char *const place_names[] = {
    [PLACE_ANY] = "any",
    [PLACE_TOKEN] = "token",
    [PLACE_ORDERS] = "orders",
    [PLACE_DETAIL] = "detail",
    [PLACE_APPOINTMENTS] = "appointments",
};

static const char *const body_names[] = {"plain", "text", "list", "tmf", "oauth", "html", "empty"};

const char *fault_kind_name(enum fault_kind kind)
{
    return kind_names[kind];
}

struct fault_list *fault_list_create(void)
{
    return alloc(sizeof(struct fault_list));
}

static void entry_destroy(struct entry *entry)
{
    if (entry != NULL) {
        free(entry->fault.retry_after);
        free(entry->fault.location);
        free(entry->fault.value);
        free(entry->fault.body);
        free(entry);
    }
}

void fault_list_clear(struct fault_list *faults)
{
    while (faults->first != NULL) {
        struct entry *next = faults->first->next;
        entry_destroy(faults->first);
        faults->first = next;
    }
}

void fault_list_destroy(struct fault_list *faults)
{
    if (faults != NULL) {
        fault_list_clear(faults);
        entry_destroy(faults->spent);
        free(faults);
    }
}

static int find_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static const char *scalar(const struct node *description, const char *key, const char *fallback)
{
    const struct node *entry = node_member(description, key);
    return entry != NULL && entry->kind == NODE_SCALAR ? entry->text : fallback;
}

static long number(const struct node *description, const char *key, long fallback)
{
    const char *text = scalar(description, key, NULL);
    return text != NULL ? strtol(text, NULL, 10) : fallback;
}

enum status fault_list_add(struct fault_list *faults, const struct node *description,
                           struct failure *why)
{
    const char *kind_text = scalar(description, "kind", "");
    int kind = find_name(kind_names, FAULT_KIND_COUNT, kind_text);
    if (kind < 0) {
        return fail(why, STATUS_INVALID,
                    "fault.kind: %s: no such fault; status, html, … see "
                    "orderwatch-sim --help",
                    kind_text);
    }
    const char *place_text =
        scalar(description, "on", kind == FAULT_EXPIRES_IN ? "token" : "orders");
    int place = find_name(place_names, ARRAY_COUNT(place_names), place_text);
    if (place < 0) {
        return fail(why, STATUS_INVALID,
                    "fault.on: %s: no such place; any, token, orders, detail or appointments",
                    place_text);
    }
    const char *body = scalar(description, "body", body_names[0]);
    if (find_name(body_names, ARRAY_COUNT(body_names), body) < 0) {
        return fail(why, STATUS_INVALID,
                    "fault.body: %s: no such form; plain, text, list, tmf, oauth, html or empty",
                    body);
    }
    struct entry **link = &faults->first;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = alloc(sizeof **link);
    long count = number(description, "count", 1);
    (*link)->fault = (struct fault){
        .kind = (enum fault_kind)kind,
        .place = (enum fault_place)place,
        .remaining = count > 0 ? count : LONG_MAX,
        .http_code = (int)number(description, "code", 503),
        .api_code = (int)number(description, "api_code", 0),
        .retry_after = alloc_text(scalar(description, "retry_after", NULL)),
        .location = alloc_text(scalar(description, "location", "https://elsewhere.example.com/")),
        .value = alloc_text(scalar(description, "value", "0")),
        .body = alloc_text(body),
        .by = number(description, "by", 1),
        .bytes = (size_t)number(description, "bytes", 50L * 1000 * 1000),
    };
    return STATUS_OK;
}

const struct fault *fault_list_take(struct fault_list *faults, enum fault_place place)
{
    entry_destroy(faults->spent);
    faults->spent = NULL;
    for (struct entry **link = &faults->first; *link != NULL; link = &(*link)->next) {
        struct entry *entry = *link;
        if (entry->fault.place != PLACE_ANY && entry->fault.place != place) {
            continue;
        }
        if (entry->fault.remaining != LONG_MAX && --entry->fault.remaining == 0) {
            *link = entry->next;
            faults->spent = entry;
        }
        return &entry->fault;
    }
    return NULL;
}
