#include "core/profile_shape.h"

#include "core/arena.h"

#include <string.h>

#define LIST_MAX 64

#define POINTER "a JSON Pointer such as /status or /site/name, or a list of them"

/* The rules of RFC 6901; a "-" segment is ours. */
static const char *pointer_fault(const char *text)
{
    if (text[0] != '\0' && text[0] != '/') {
        return "not a JSON Pointer: it begins with a slash";
    }
    for (const char *tilde = strchr(text, '~'); tilde != NULL; tilde = strchr(tilde + 1, '~')) {
        if (tilde[1] != '0' && tilde[1] != '1') {
            return "not a JSON Pointer: ~ is written ~0 and a slash in a name ~1";
        }
    }
    return NULL;
}

static const char *path_fault(const char *text)
{
    if (text[0] != '/') {
        return "not a path below base_url: it begins with a slash";
    }
    for (const char *byte = text; *byte != '\0'; byte++) {
        if ((unsigned char)*byte <= ' ' || (unsigned char)*byte >= 0x7f || *byte == '#') {
            return "not a path of a URL: blanks, # and letters beyond ASCII are percent-encoded";
        }
    }
    return NULL;
}

static const char *list_path_fault(const char *text)
{
    return strpbrk(text, "{}") != NULL ? "a path with a place holder" : path_fault(text);
}

static const char *detail_path_fault(const char *text)
{
    const char *place = strstr(text, "{id}");
    return place == NULL || strchr(place + 1, '{') != NULL ? "without exactly one {id}"
                                                           : path_fault(text);
}

static const char *parameter_fault(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        if ((unsigned char)*byte <= ' ' || (unsigned char)*byte >= 0x7f ||
            strchr("&=#?/%", *byte) != NULL) {
            return "not the name of a parameter";
        }
    }
    return text[0] == '\0' ? "not the name of a parameter" : NULL;
}

#define CANDIDATES(key_name, field)                                                                \
    {                                                                                              \
        .name = (key_name), .kind = KEY_TEXTS,                                                     \
        .offset = offsetof(struct profile_draft, profile.field.pointers),                          \
        .count_offset = offsetof(struct profile_draft, profile.field.count), .max = LIST_MAX,      \
        .fault = pointer_fault, .accepted = POINTER                                                \
    }
#define CANDIDATES_OR(key_name, field, default_pointer)                                            \
    {                                                                                              \
        .name = (key_name), .kind = KEY_TEXTS,                                                     \
        .offset = offsetof(struct profile_draft, profile.field.pointers),                          \
        .count_offset = offsetof(struct profile_draft, profile.field.count), .min = 1,             \
        .max = LIST_MAX, .fault = pointer_fault, .accepted = POINTER, .initial = (default_pointer) \
    }
#define WORDS(key_name, field)                                                                     \
    {                                                                                              \
        .name = (key_name), .kind = KEY_TEXTS,                                                     \
        .offset = offsetof(struct profile_draft, words.field.texts),                               \
        .count_offset = offsetof(struct profile_draft, words.field.count), .max = LIST_MAX,        \
        .accepted = "status texts"                                                                 \
    }
/* The draft is one struct whatever the nesting of its document. */
#define SECTION(key_name, section_shape)                                                           \
    {                                                                                              \
        .name = (key_name), .kind = KEY_MAP, .shape = &(section_shape), .initial = "{}"            \
    }
#define SHAPE(table, finisher)                                                                     \
    {                                                                                              \
        .keys = (table), .count = ARRAY_COUNT(table), .size = sizeof(struct profile_draft),        \
        .finish = (finisher)                                                                       \
    }

/* --- paging --------------------------------------------------------------------------------- */

static const struct word paging_words[] = {{"none", PAGING_NONE},     {"offset", PAGING_OFFSET},
                                           {"page", PAGING_PAGE},     {"link", PAGING_LINK},
                                           {"cursor", PAGING_CURSOR}, {NULL, 0}};

static const struct key paging_keys[] = {
    {.name = "style",
     .kind = KEY_CHOICE,
     .offset = offsetof(struct paging, kind),
     .words = paging_words,
     .is_required = true,
     .accepted = "none, offset, page, link or cursor"},
    {.name = "parameter",
     .kind = KEY_TEXT,
     .offset = offsetof(struct paging, offset_parameter),
     .fault = parameter_fault,
     .accepted = "the name of a parameter such as offset"},
    {.name = "limit",
     .kind = KEY_TEXT,
     .offset = offsetof(struct paging, limit_parameter),
     .fault = parameter_fault,
     .accepted = "the name of a parameter such as limit"},
    {.name = "first",
     .kind = KEY_COUNT,
     .offset = offsetof(struct paging, first_page),
     .max = 1,
     .initial = "1"},
    {.name = "cursor",
     .kind = KEY_TEXT,
     .offset = offsetof(struct paging, cursor_pointer),
     .fault = pointer_fault,
     .accepted = "the JSON Pointer of the next cursor"},
    {.name = "total_header",
     .kind = KEY_TEXT,
     .offset = offsetof(struct paging, total_header),
     .fault = parameter_fault,
     .accepted = "the name of a header such as X-Total-Count"},
    {.name = "total",
     .kind = KEY_TEXT,
     .offset = offsetof(struct paging, total_pointer),
     .fault = pointer_fault,
     .accepted = "the JSON Pointer of the number of elements"},
    {.name = "size",
     .kind = KEY_COUNT,
     .offset = offsetof(struct paging, page_size),
     .min = 1,
     .max = 10000,
     .initial = "100"},
};

static void finish_paging(struct walker *walker, const struct node *map, void *target)
{
    struct paging *paging = target;
    static const char *const usual[] = {[PAGING_OFFSET] = "offset",
                                        [PAGING_PAGE] = "page",
                                        [PAGING_LINK] = NULL,
                                        [PAGING_CURSOR] = "cursor"};
    if (paging->offset_parameter == NULL) {
        paging->offset_parameter = usual[paging->kind];
    }
    if (paging->kind == PAGING_CURSOR && paging->cursor_pointer == NULL) {
        problem_add(walker->problems, map, walker->path,
                    "cursor is missing; accepted: the JSON Pointer of the next cursor");
    }
}

static const struct shape paging_shape = {.keys = paging_keys,
                                          .count = ARRAY_COUNT(paging_keys),
                                          .size = sizeof(struct paging),
                                          .finish = finish_paging};

/* --- watched fields ------------------------------------------------------------------------- */

static const char *watch_name_fault(const char *name)
{
    for (const char *byte = name; *byte != '\0'; byte++) {
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", *byte) == NULL) {
            return "not a name";
        }
    }
    return name[0] == '\0' || strlen(name) > 60 ? "not a name" : NULL;
}

static void read_watched_field(struct walker *walker, const struct node *node,
                               struct watched_field *out)
{
    static const struct key key = {.name = "watch",
                                   .kind = KEY_TEXTS,
                                   .offset = offsetof(struct candidates, pointers),
                                   .count_offset = offsetof(struct candidates, count),
                                   .min = 1,
                                   .max = LIST_MAX,
                                   .fault = pointer_fault,
                                   .accepted = POINTER};
    if (watch_name_fault(node->key) != NULL) {
        problem_add(walker->problems, node, walker->path,
                    "is not a name; accepted: small letters, digits and _");
    }
    out->name = arena_text(walker->arena, span_of(node->key));
    walker_read_value(walker, &key, node, &out->where);
}

static void read_watch(struct walker *walker, const struct node *node,
                       const struct watched_field **fields, size_t *field_count)
{
    size_t count = 0;
    if (node->kind != NODE_MAP) {
        problem_add(walker->problems, node, walker->path,
                    "is not a map; accepted: names, each with " POINTER);
        return;
    }
    for (const struct node *entry = node->child; entry != NULL; entry = entry->next) {
        count++;
    }
    struct watched_field *watched = arena_array(walker->arena, count, sizeof *watched);
    size_t index = 0;
    for (const struct node *entry = node->child; entry != NULL; entry = entry->next) {
        size_t path_size = walker_enter(walker, entry->key);
        read_watched_field(walker, entry, &watched[index++]);
        walker_leave(walker, path_size);
    }
    *fields = watched;
    *field_count = count;
}

static void read_order_watch(struct walker *walker, const struct node *node, void *target)
{
    struct profile *profile = &((struct profile_draft *)target)->profile;
    read_watch(walker, node, &profile->watch, &profile->watch_count);
}

static void read_appointment_watch(struct walker *walker, const struct node *node, void *target)
{
    struct profile *profile = &((struct profile_draft *)target)->profile;
    read_watch(walker, node, &profile->appointment_watch, &profile->appointment_watch_count);
}

/* --- orders --------------------------------------------------------------------------------- */

static const struct key order_field_keys[] = {
    CANDIDATES("reference", order_fields[ORDER_REFERENCE]),
    CANDIDATES("status", order_fields[ORDER_STATUS]),
    CANDIDATES("step", order_fields[ORDER_STEP]),
    CANDIDATES("site", order_fields[ORDER_SITE]),
    CANDIDATES("offer", order_fields[ORDER_OFFER]),
    CANDIDATES("requested_date", order_fields[ORDER_REQUESTED_DATE]),
    CANDIDATES("committed_date", order_fields[ORDER_COMMITTED_DATE]),
    CANDIDATES("completed_date", order_fields[ORDER_COMPLETED_DATE]),
    CANDIDATES("url", order_fields[ORDER_URL]),
};
static const struct shape order_fields_shape = SHAPE(order_field_keys, NULL);

static const struct key contact_keys[] = {
    CANDIDATES("object", contact),
    CANDIDATES("name", order_fields[ORDER_CONTACT_NAME]),
    CANDIDATES("phone", order_fields[ORDER_CONTACT_PHONE]),
    CANDIDATES("email", order_fields[ORDER_CONTACT_EMAIL]),
};
static const struct shape contact_shape = SHAPE(contact_keys, NULL);

static const struct key note_keys[] = {
    CANDIDATES("list", notes),
    CANDIDATES_OR("id", note_id, "/id"),
    CANDIDATES_OR("date", note_date, "/date"),
    CANDIDATES_OR("author", note_author, "/author"),
    CANDIDATES_OR("text", note_text, "/text"),
};
static const struct shape note_shape = SHAPE(note_keys, NULL);

static const struct key order_status_keys[] = {
    WORDS("open", order[ORDER_OPEN]),           WORDS("held", order[ORDER_HELD]),
    WORDS("completed", order[ORDER_COMPLETED]), WORDS("cancelled", order[ORDER_CANCELLED]),
    WORDS("failed", order[ORDER_FAILED]),
};

static void finish_order_statuses(struct walker *walker, const struct node *map, void *target)
{
    struct profile_draft *draft = target;
    profile_build_statuses(walker, map, draft->words.order, ORDER_KIND_COUNT,
                           &draft->profile.order_statuses);
}

static const struct shape order_statuses_shape = SHAPE(order_status_keys, finish_order_statuses);

#define COLLECTION(field)                                                                          \
    {.name = "list",                                                                               \
     .kind = KEY_TEXT,                                                                             \
     .offset = offsetof(struct profile_draft, profile.field.path),                                 \
     .fault = list_path_fault,                                                                     \
     .is_required = offsetof(struct profile, field) == offsetof(struct profile, orders),           \
     .accepted = "a path below base_url such as /orders?status=Current"},                          \
        {.name = "detail",                                                                         \
         .kind = KEY_TEXT,                                                                         \
         .offset = offsetof(struct profile_draft, profile.field.detail_path),                      \
         .fault = detail_path_fault,                                                               \
         .accepted = "a path with {id} such as /orders/{id}"},                                     \
        {.name = "items",                                                                          \
         .kind = KEY_TEXT,                                                                         \
         .offset = offsetof(struct profile_draft, profile.field.items_pointer),                    \
         .fault = pointer_fault,                                                                   \
         .initial = "",                                                                            \
         .accepted = "the JSON Pointer of the list in a page"},                                    \
    {                                                                                              \
        .name = "paging", .kind = KEY_MAP,                                                         \
        .offset = offsetof(struct profile_draft, profile.field.paging), .shape = &paging_shape     \
    }

static const struct key order_keys[] = {
    COLLECTION(orders),
    CANDIDATES_OR("id", order_id, "/id"),
    SECTION("fields", order_fields_shape),
    SECTION("contact", contact_shape),
    SECTION("notes", note_shape),
    SECTION("statuses", order_statuses_shape),
    {.name = "watch", .kind = KEY_CUSTOM, .read = read_order_watch},
};
static const struct shape order_shape = SHAPE(order_keys, NULL);

/* --- appointments --------------------------------------------------------------------------- */

static const struct key appointment_field_keys[] = {
    CANDIDATES("status", appointment_fields[APPOINTMENT_STATUS]),
    CANDIDATES("start", appointment_fields[APPOINTMENT_START]),
    CANDIDATES("end", appointment_fields[APPOINTMENT_END]),
    CANDIDATES("location", appointment_fields[APPOINTMENT_LOCATION]),
};
static const struct shape appointment_fields_shape = SHAPE(appointment_field_keys, NULL);

static const struct key appointment_status_keys[] = {
    WORDS("new", appointment[APPOINTMENT_NEW]),
    WORDS("confirmed", appointment[APPOINTMENT_CONFIRMED]),
    WORDS("cancelled", appointment[APPOINTMENT_CANCELLED]),
    WORDS("completed", appointment[APPOINTMENT_COMPLETED]),
    WORDS("missed", appointment[APPOINTMENT_MISSED]),
};

static void finish_appointment_statuses(struct walker *walker, const struct node *map, void *target)
{
    struct profile_draft *draft = target;
    profile_build_statuses(walker, map, draft->words.appointment, APPOINTMENT_KIND_COUNT,
                           &draft->profile.appointment_statuses);
}

static const struct shape appointment_statuses_shape =
    SHAPE(appointment_status_keys, finish_appointment_statuses);

static const struct key appointment_keys[] = {
    CANDIDATES("nested", order_appointments),
    COLLECTION(appointments),
    CANDIDATES("order", appointment_order_id),
    CANDIDATES_OR("id", appointment_id, "/id"),
    SECTION("fields", appointment_fields_shape),
    SECTION("statuses", appointment_statuses_shape),
    {.name = "watch", .kind = KEY_CUSTOM, .read = read_appointment_watch},
};

static void finish_appointments(struct walker *walker, const struct node *map, void *target)
{
    struct profile *profile = &((struct profile_draft *)target)->profile;
    profile->has_appointments_collection = profile->appointments.path != NULL;
    if (profile->has_appointments_collection && profile->order_appointments.count != 0) {
        problem_add(walker->problems, map, walker->path,
                    "nested and list are both there; accepted: nested for appointments inside "
                    "their order, list for a collection of their own");
    }
    if (profile->has_appointments_collection && profile->appointment_order_id.count == 0) {
        problem_add(walker->problems, map, walker->path,
                    "order is missing; accepted: where the id of its order is in an appointment");
    }
}

static const struct shape appointment_shape = SHAPE(appointment_keys, finish_appointments);

/* --- the document --------------------------------------------------------------------------- */

static const struct key profile_keys[] = {
    {.name = "description",
     .kind = KEY_TEXT,
     .offset = offsetof(struct profile_draft, profile.description),
     .initial = ""},
    {.name = "accept",
     .kind = KEY_TEXT,
     .offset = offsetof(struct profile_draft, profile.accept),
     .initial = "application/json"},
    {.name = "orders", .kind = KEY_MAP, .shape = &order_shape, .is_required = true},
    SECTION("appointments", appointment_shape),
    {.name = "ignore",
     .kind = KEY_TEXTS,
     .offset = offsetof(struct profile_draft, profile.ignore),
     .count_offset = offsetof(struct profile_draft, profile.ignore_count),
     .max = 1000,
     .accepted = "names of members"},
};

static const struct shape whole_shape = SHAPE(profile_keys, NULL);

const struct shape *profile_shape(void)
{
    return &whole_shape;
}
