/* Any text in any field of an event: the mail keeps its frame. One line stays one line, the plain
 * text has no controls, and the HTML no tag that is not ours. */
#include "core/json_write.h"
#include "core/message.h"
#include "core/zone.h"

#include "tests/fuzz/fuzz_input.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const our_tags[] = {"!DOCTYPE html>",
                                       "html",
                                       "/html>",
                                       "head>",
                                       "/head>",
                                       "meta ",
                                       "style>",
                                       "/style>",
                                       "title>",
                                       "/title>",
                                       "body>",
                                       "/body>",
                                       "p",
                                       "/p>",
                                       "h2>",
                                       "/h2>",
                                       "table>",
                                       "table class=\"changes\">",
                                       "/table>",
                                       "tr>",
                                       "/tr>",
                                       "th>",
                                       "/th>",
                                       "td",
                                       "/td>",
                                       "ul>",
                                       "/ul>",
                                       "li>",
                                       "/li>",
                                       "a href",
                                       "/a>",
                                       "blockquote>",
                                       "/blockquote>"};

static void check_html(const char *html)
{
    for (const char *tag = strchr(html, '<'); tag != NULL; tag = strchr(tag + 1, '<')) {
        bool is_ours = false;
        for (size_t i = 0; i < ARRAY_COUNT(our_tags) && !is_ours; i++) {
            is_ours = strncmp(tag + 1, our_tags[i], strlen(our_tags[i])) == 0;
        }
        CHECK(is_ours);
    }
}

static void check_text(const struct text *text, bool is_one_line)
{
    CHECK(utf8_is_valid(text_span(text)));
    for (size_t i = 0; i < text->size; i++) {
        unsigned char byte = (unsigned char)text->data[i];
        bool is_break = byte == '\n' || byte == '\t';
        CHECK(byte >= 0x20 ? byte != 0x7f : is_break && !is_one_line);
    }
}

static void check_identity(const struct text *id)
{
    for (size_t i = 0; i < id->size; i++) {
        CHECK(id->data[i] > ' ' && id->data[i] < 0x7f && strchr("<>()\"\\", id->data[i]) == NULL);
    }
}

static void check_message(const struct message *message)
{
    check_text(&message->subject, true);
    check_text(&message->plain, false);
    check_text(&message->html, false);
    check_html(text_cstr(&message->html));
    check_identity(&message->message_id);
    check_identity(&message->root_id);
    for (size_t i = 0; i < message->appointment_count; i++) {
        const struct message_appointment *appointment = &message->appointments[i];
        CHECK(appointment->start != NULL || appointment->is_cancelled);
        CHECK(strpbrk(appointment->summary, "\r\n") == NULL);
    }
}

static struct span object_of(struct fuzz_input *input, const char *const *names, size_t count)
{
    struct text json;
    text_init(&json, 1 << 22);
    struct json_writer writer = {.out = &json};
    json_write_open(&writer, NULL, '{');
    for (size_t i = 0; i < count; i++) {
        json_write_text(&writer, names[i], fuzz_text(input));
    }
    json_write_close(&writer, '}');
    const char *copy = arena_text(input->arena, text_span(&json));
    struct span bytes = {.data = copy, .size = json.size};
    text_fini(&json);
    return bytes;
}

static void make_event(struct fuzz_input *input, uint64_t sequence, struct event *out)
{
    static const char *const order[] = {"id", "status", "site", "committed_date", "url"};
    static const char *const appointment[] = {"id", "status", "start", "end", "location"};
    struct event_facts facts = {
        .type = (enum event_type)(fuzz_byte(input) % EVENT_TYPE_COUNT),
        .severity = (enum severity)(fuzz_byte(input) % 4),
        .source_name = "orange",
        .sequence = sequence,
        .summary = fuzz_text(input),
        .extra_json =
            span_of("\"calendar\":{\"sequence\":1},\"reschedule\":{\"days\":5,\"count\":2}"),
    };
    struct change change = {.field = (fuzz_byte(input) & 1) != 0 ? "start" : "notes",
                            .from = fuzz_text(input),
                            .to = fuzz_text(input)};
    facts.changes = &change;
    facts.change_count = 1;
    if ((fuzz_byte(input) & 1) != 0) {
        facts.order_id = fuzz_text(input);
        facts.order_json = object_of(input, order, ARRAY_COUNT(order));
    }
    if (facts.order_id != NULL && (fuzz_byte(input) & 1) != 0) {
        facts.appointment_id = fuzz_text(input);
        facts.appointment_json = object_of(input, appointment, ARRAY_COUNT(appointment));
    }
    event_compose(&facts, input->arena, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {.rest = {.data = (const char *)data, .size = size},
                               .arena = arena_create()};
    uint8_t choice = fuzz_byte(&input);
    struct event events[3];
    size_t count = 1 + (choice & 0x0f) % ARRAY_COUNT(events);
    for (size_t i = 0; i < count; i++) {
        make_event(&input, i + 1, &events[i]);
    }
    const struct sink_config sink = {
        .name = "mail",
        .email = {.host = "example.com",
                  .language = (choice & 0x10) != 0 ? LANGUAGE_FR : LANGUAGE_EN}};
    const struct config config = {.sinks = &sink, .sink_count = 1};
    const struct delivery delivery = {.bundle = (choice & 0x20) != 0 ? "d1" : "s1",
                                      .progress = "",
                                      .events = events,
                                      .event_count = count,
                                      .event_total = count};
    struct message message;
    message_init(&message);
    struct failure why;
    if (message_compose(&sink, &config, &delivery, INT64_C(1795421730123), &message, &why) ==
        STATUS_OK) {
        check_message(&message);
    }
    message_fini(&message);
    arena_destroy(input.arena);
    return 0;
}
