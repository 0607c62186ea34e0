/* Any appointment in a calendar: lines, folding and nesting are right (RFC 5545 section 3.1), each
 * entry has what it must have once, and its texts read back as they were. */
#include "core/date.h"
#include "core/zone.h"
#include "edge/calendar.h"

#include "tests/fuzz/fuzz_input.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINE_BYTES_MAX 75
#define DEPTH_MAX 3

static const char *const once[] = {"UID:", "DTSTAMP:", "SEQUENCE:", "STATUS:", "SUMMARY:"};

struct judge {
    struct span rest;
    struct text line; /* unfolded */
    const char *open[DEPTH_MAX];
    size_t depth;
    size_t entry_count;
    size_t counts[ARRAY_COUNT(once)]; /* of the entry in hand */
    const struct message_appointment *appointments;
};

static void take_folded(struct judge *judge)
{
    const char *end = memmem(judge->rest.data, judge->rest.size, "\r\n", 2);
    CHECK(end != NULL);
    size_t size = (size_t)(end - judge->rest.data);
    CHECK(size <= LINE_BYTES_MAX && memchr(judge->rest.data, '\n', size) == NULL);
    text_add(&judge->line, (struct span){.data = judge->rest.data, .size = size});
    judge->rest.data += size + 2;
    judge->rest.size -= size + 2;
}

static void take_line(struct judge *judge)
{
    text_clear(&judge->line);
    take_folded(judge);
    while (judge->rest.size > 0 && judge->rest.data[0] == ' ') {
        judge->rest.data++;
        judge->rest.size--;
        take_folded(judge);
    }
    CHECK(utf8_is_valid(text_span(&judge->line)));
}

/* After the name and the first colon, as section 3.3.11 wants texts to be read. */
static void check_text(const char *value, const char *wanted)
{
    struct text read;
    text_init(&read, 1 << 20);
    for (; *value != '\0'; value++) {
        CHECK(strchr(",;", *value) == NULL);
        if (*value == '\\') {
            value++;
            CHECK(*value != '\0' && strchr("\\,;nN", *value) != NULL);
            text_add_char(&read, (char)(*value == 'n' || *value == 'N' ? '\n' : *value));
        } else {
            text_add_char(&read, *value);
        }
    }
    CHECK(strcmp(text_cstr(&read), wanted) == 0);
    text_fini(&read);
}

static void judge_property(struct judge *judge)
{
    const char *line = text_cstr(&judge->line);
    for (size_t i = 0; i < ARRAY_COUNT(once); i++) {
        judge->counts[i] += strncmp(line, once[i], strlen(once[i])) == 0;
    }
    CHECK(strncmp(line, "DT", 2) != 0 || strstr(line, ":00000000") == NULL);
    const struct message_appointment *appointment = &judge->appointments[judge->entry_count];
    if (strncmp(line, "SUMMARY:", 8) == 0) {
        check_text(line + 8, appointment->summary);
    } else if (strncmp(line, "LOCATION:", 9) == 0) {
        check_text(line + 9, appointment->location);
    } else if (strncmp(line, "DESCRIPTION:", 12) == 0) {
        check_text(line + 12, appointment->description);
    }
}

static void judge_end(struct judge *judge, const char *name)
{
    CHECK(judge->depth > 0 && strcmp(judge->open[--judge->depth], name) == 0);
    if (strcmp(name, "VEVENT") != 0) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(once); i++) {
        CHECK(judge->counts[i] == 1);
        judge->counts[i] = 0;
    }
    judge->entry_count++;
}

static void judge_line(struct judge *judge)
{
    static const char *const names[] = {"VCALENDAR", "VTIMEZONE", "STANDARD", "DAYLIGHT", "VEVENT"};
    const char *line = text_cstr(&judge->line);
    bool begins = strncmp(line, "BEGIN:", 6) == 0;
    if (!begins && strncmp(line, "END:", 4) != 0) {
        judge_property(judge);
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(strchr(line, ':') + 1, names[i]) != 0) {
            continue;
        }
        if (begins) {
            CHECK(judge->depth < DEPTH_MAX);
            judge->open[judge->depth++] = names[i];
        } else {
            judge_end(judge, names[i]);
        }
        return;
    }
    CHECK(!"a component that is not ours");
}

static const char *cleaned(struct fuzz_input *input, bool is_block)
{
    struct text text;
    text_init(&text, 1 << 20);
    (is_block ? utf8_add_clean_block : utf8_add_clean_line)(&text, span_of(fuzz_text(input)), 4096);
    const char *copy = arena_text(input->arena, text_span(&text));
    text_fini(&text);
    return copy;
}

static const char *date(struct fuzz_input *input)
{
    static const char *const dates[] = {"2027-01-12T08:00:00Z", "2027-10-31T00:30:00Z",
                                        "2027-01-12",           "9999-12-31T23:59:59Z",
                                        "0001-01-01",           NULL};
    uint8_t choice = fuzz_byte(input);
    return choice < ARRAY_COUNT(dates) ? dates[choice] : fuzz_text(input);
}

static void fill(struct fuzz_input *input, struct message_appointment *out)
{
    uint8_t choice = fuzz_byte(input);
    *out =
        (struct message_appointment){.source_name = "orange",
                                     .order_id = "12/3",
                                     .appointment_id = fuzz_text(input),
                                     .sequence = choice,
                                     .is_cancelled = (choice & 1) != 0,
                                     .is_confirmed = (choice & 2) != 0,
                                     .start = date(input),
                                     .end = date(input),
                                     .summary = cleaned(input, false),
                                     .location = (choice & 4) != 0 ? cleaned(input, false) : NULL,
                                     .description = cleaned(input, true)};
}

/* Years that libical knows. */
static bool is_writable(const char *value)
{
    struct date start = date_of(value);
    int year = start.kind != DATE_NONE ? civil_of(start.ms).year : 0;
    return year >= 1900 && year <= 2500;
}

static void check_calendar(struct span bytes, const struct message_appointment *told, size_t count)
{
    struct judge judge = {.rest = bytes, .appointments = told};
    text_init(&judge.line, 1 << 20);
    while (judge.rest.size > 0) {
        take_line(&judge);
        judge_line(&judge);
    }
    CHECK(judge.depth == 0 && judge.entry_count == count);
    text_fini(&judge.line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char rule[] = "CET-1CEST,M3.5.0,M10.5.0/3";
    struct fuzz_input input = {.rest = {.data = (const char *)data, .size = size},
                               .arena = arena_create()};
    struct zone *zone = NULL;
    struct failure why;
    CHECK(zone_from_rule("Europe/Paris", rule, &zone, &why) == STATUS_OK);
    struct message_appointment appointments[2];
    struct message_appointment told[ARRAY_COUNT(appointments)];
    enum calendar_method method = (enum calendar_method)(fuzz_byte(&input) % 4);
    size_t told_count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(appointments); i++) {
        fill(&input, &appointments[i]);
        if (is_writable(appointments[i].start) || method == CALENDAR_METHOD_CANCEL) {
            told[told_count++] = appointments[i];
        }
    }
    const struct calendar_facts facts = {.method = method,
                                         .appointments = appointments,
                                         .appointment_count = ARRAY_COUNT(appointments),
                                         .zone = zone,
                                         .organizer = "watch@example.com",
                                         .stamp_wall_ms = INT64_C(1795421730123)};
    struct text bytes;
    text_init(&bytes, 16 << 20);
    calendar_add(&facts, &bytes);
    CHECK(bytes.status == STATUS_OK);
    check_calendar(text_span(&bytes), told, told_count);
    text_fini(&bytes);
    zone_destroy(zone);
    arena_destroy(input.arena);
    return 0;
}
