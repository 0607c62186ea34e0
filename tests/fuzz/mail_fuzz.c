/* Any text in a mail: what leaves is one message with our headers, once each, and our parts. The
 * judge reads lines and boundaries by itself (RFC 5322, 2046). */
#include "edge/mime.h"

#include "tests/fuzz/fuzz_input.h"

#include <stdlib.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BOUNDARY_COUNT_MAX 2

static const char *const our_headers[] = {"From",           "To",
                                          "Subject",        "Date",
                                          "Message-Id",     "In-Reply-To",
                                          "References",     "List-Id",
                                          "Importance",     "X-Orderwatch-Event",
                                          "Auto-Submitted", "X-Auto-Response-Suppress",
                                          "MIME-Version",   "Content-Type"};

/* The next line without its CR LF; every line must have one, and no other CR or LF. */
static struct span take_line(struct span *rest)
{
    const char *end = memchr(rest->data, '\n', rest->size);
    CHECK(end != NULL && end > rest->data && end[-1] == '\r');
    struct span line = {.data = rest->data, .size = (size_t)(end - rest->data) - 1};
    CHECK(line.size <= 998);
    CHECK(memchr(line.data, '\r', line.size) == NULL);
    for (size_t i = 0; i < line.size; i++) {
        unsigned char byte = (unsigned char)line.data[i];
        CHECK(byte == '\t' || (byte >= 0x20 && byte < 0x7f));
    }
    rest->data += line.size + 2;
    rest->size -= line.size + 2;
    return line;
}

static size_t header_index(struct span line)
{
    for (size_t i = 0; i < ARRAY_COUNT(our_headers); i++) {
        size_t size = strlen(our_headers[i]);
        if (line.size > size && line.data[size] == ':' &&
            strncasecmp(line.data, our_headers[i], size) == 0) {
            return i;
        }
    }
    CHECK(!"a header that is not ours");
}

struct judge {
    struct span rest;
    struct span boundaries[BOUNDARY_COUNT_MAX];
    size_t boundary_count;
    size_t part_count; /* of a text type */
    bool is_in_type;   /* the header in hand is a Content-Type */
};

/* A multipart's boundary stands in its Content-Type, on this line or on a folded one. */
static void note_type(struct judge *judge, struct span line)
{
    static const char parameter[] = "boundary=\"";
    static const char type[] = "Content-Type: ";
    static const char text_type[] = "Content-Type: text/";
    if (line.data[0] != ' ' && line.data[0] != '\t') {
        judge->is_in_type =
            line.size > sizeof type && memcmp(line.data, type, sizeof type - 1) == 0;
    }
    if (!judge->is_in_type) {
        return;
    }
    if (line.size > sizeof text_type && memcmp(line.data, text_type, sizeof text_type - 1) == 0) {
        judge->part_count++;
    }
    const char *found = memmem(line.data, line.size, parameter, sizeof parameter - 1);
    if (found != NULL) {
        const char *start = found + sizeof parameter - 1;
        const char *end = memchr(start, '"', (size_t)(line.data + line.size - start));
        CHECK(end != NULL && judge->boundary_count < BOUNDARY_COUNT_MAX);
        judge->boundaries[judge->boundary_count++] =
            (struct span){.data = start, .size = (size_t)(end - start)};
    }
}

static bool opens_part(const struct judge *judge, struct span line)
{
    for (size_t i = 0; i < judge->boundary_count; i++) {
        struct span boundary = judge->boundaries[i];
        if (line.size == boundary.size + 2 && memcmp(line.data, "--", 2) == 0 &&
            memcmp(line.data + 2, boundary.data, boundary.size) == 0) {
            return true;
        }
    }
    return false;
}

static void judge_headers(struct judge *judge, bool is_critical)
{
    size_t counts[ARRAY_COUNT(our_headers)] = {0};
    for (struct span line = take_line(&judge->rest); line.size != 0;
         line = take_line(&judge->rest)) {
        note_type(judge, line);
        if (line.data[0] != ' ' && line.data[0] != '\t') {
            counts[header_index(line)]++;
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(our_headers); i++) {
        bool is_wanted = is_critical || strcmp(our_headers[i], "Importance") != 0;
        CHECK(counts[i] == (is_wanted ? 1u : 0u));
    }
}

static void check_mail(struct span bytes, size_t calendar_count, bool is_critical)
{
    struct judge judge = {.rest = bytes};
    judge_headers(&judge, is_critical);
    while (judge.rest.size > 0) {
        if (!opens_part(&judge, take_line(&judge.rest))) {
            continue;
        }
        for (struct span line = take_line(&judge.rest); line.size != 0;
             line = take_line(&judge.rest)) {
            note_type(&judge, line);
        }
    }
    CHECK(judge.part_count == 2 + calendar_count); /* plain, html, and the calendars */
}

static void add(struct text *text, struct fuzz_input *input)
{
    text_add_text(text, fuzz_text(input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {.rest = {.data = (const char *)data, .size = size},
                               .arena = arena_create()};
    uint8_t choice = fuzz_byte(&input);
    struct message message;
    message_init(&message);
    message.is_critical = (choice & 4) != 0;
    add(&message.subject, &input);
    add(&message.plain, &input);
    add(&message.html, &input);
    text_add_text(&message.message_id, "e1.projects@example.com");
    text_add_text(&message.root_id, "r1.projects@example.com");
    text_add_text(&message.event_ids, "e1 e2");
    const char *body = fuzz_text(&input);
    const struct mime_calendar calendars[] = {{.body = span_of(body), .method = "REQUEST"},
                                              {.body = span_of(body), .method = "CANCEL"}};
    static const char *const to[] = {"projects@example.com", "Zoë <zoe@example.com>"};
    const struct sink_config sink = {.name = "projects",
                                     .email = {.from = "Order watch <orderwatch@example.com>",
                                               .to = to,
                                               .to_count = ARRAY_COUNT(to),
                                               .host = "example.com"}};
    const struct mime_facts facts = {.message = &message,
                                     .sink = &sink,
                                     .date_wall_ms = INT64_C(1795421730123),
                                     .calendars = calendars,
                                     .calendar_count = choice % (ARRAY_COUNT(calendars) + 1)};
    struct text bytes;
    struct failure why;
    text_init(&bytes, 64 << 20);
    CHECK(mime_compose(&facts, &bytes, &why) == STATUS_OK);
    check_mail(text_span(&bytes), facts.calendar_count, message.is_critical);
    text_fini(&bytes);
    message_fini(&message);
    arena_destroy(input.arena);
    return 0;
}
