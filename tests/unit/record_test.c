/* The canonical record: names, bytes, filters. */
#include "core/arena.h"
#include "core/record.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct note notes[] = {
    {.id = "n1", .date = "2026-11-20", .author = "Desk", .text = "line one\nline \"two\""},
    {.text = "bare"},
};
static const struct extra extras[] = {{"options", "{\"a\":1}"}, {"speed", "100"}};
static const struct extra slot_extras[] = {{"team", "4"}};
static const struct appointment slots[] = {
    {.id = "A-1",
     .fields = {[APPOINTMENT_STATUS] = "Confirmed",
                [APPOINTMENT_START] = "2027-01-12T08:00:00Z",
                [APPOINTMENT_END] = "2027-01-12T10:00:00Z",
                [APPOINTMENT_LOCATION] = "Lyon"},
     .kind = APPOINTMENT_CONFIRMED,
     .extras = slot_extras,
     .extra_count = 1},
    {.id = "B/\x01", .kind = APPOINTMENT_MISSED},
};

static struct record full(void)
{
    return (struct record){
        .id = "000123",
        .fields = {[ORDER_REFERENCE] = "PO-7781",
                   [ORDER_STATUS] = "InProgress",
                   [ORDER_STEP] = "Survey",
                   [ORDER_SITE] = "Lyon Part-Dieu",
                   [ORDER_OFFER] = "X",
                   [ORDER_REQUESTED_DATE] = "2027-01-01",
                   [ORDER_COMMITTED_DATE] = "2027-01-12",
                   [ORDER_COMPLETED_DATE] = "2027-01-13",
                   [ORDER_URL] = "https://example.com/1",
                   [ORDER_CONTACT_NAME] = "Name",
                   [ORDER_CONTACT_PHONE] = "+33",
                   [ORDER_CONTACT_EMAIL] = "n@example.com"},
        .kind = ORDER_OPEN,
        .notes = notes,
        .note_count = ARRAY_COUNT(notes),
        .older_note_count = 3,
        .extras = extras,
        .extra_count = ARRAY_COUNT(extras),
        .appointments = slots,
        .appointment_count = ARRAY_COUNT(slots),
    };
}

static void data_order_is_as_documented(void **state)
{
    (void)state;
    struct record record = full();
    struct text out;
    text_init(&out, 65536);
    record_add_order(&record, &(struct field_filter){0}, &out);
    assert_string_equal(
        text_cstr(&out),
        "{\"id\":\"000123\",\"reference\":\"PO-7781\",\"status\":\"InProgress\","
        "\"status_kind\":\"open\",\"step\":\"Survey\",\"site\":\"Lyon Part-Dieu\",\"offer\":\"X\","
        "\"requested_date\":\"2027-01-01\",\"committed_date\":\"2027-01-12\","
        "\"completed_date\":\"2027-01-13\",\"notes\":[{\"id\":\"n1\",\"date\":\"2026-11-20\","
        "\"author\":\"Desk\",\"text\":\"line one\\nline \\\"two\\\"\"},{\"text\":\"bare\"}],"
        "\"older_notes\":3,\"url\":\"https://example.com/1\","
        "\"extra\":{\"options\":\"{\\\"a\\\":1}\",\"speed\":\"100\"}}");
    text_clear(&out);
    record_add_contact(&record, &out);
    assert_string_equal(text_cstr(&out), "{\"name\":\"Name\",\"phone\":\"+33\","
                                         "\"email\":\"n@example.com\"}");
    text_clear(&out);
    record_add_appointment(&slots[0], &out);
    assert_string_equal(text_cstr(&out),
                        "{\"id\":\"A-1\",\"status\":\"Confirmed\",\"status_kind\":\"confirmed\","
                        "\"start\":\"2027-01-12T08:00:00Z\",\"end\":\"2027-01-12T10:00:00Z\","
                        "\"location\":\"Lyon\",\"extra\":{\"team\":\"4\"}}");
    text_fini(&out);
}

static void absent_is_absent(void **state)
{
    (void)state;
    struct record record = {.id = "1"};
    struct text out;
    text_init(&out, 1024);
    record_add_order(&record, &(struct field_filter){0}, &out);
    assert_string_equal(text_cstr(&out), "{\"id\":\"1\",\"status_kind\":\"unknown\"}");
    text_clear(&out);
    record_add_contact(&record, &out);
    assert_int_equal(out.size, 0);
    text_fini(&out);
}

static void filters(void **state)
{
    (void)state;
    static const char *const some[] = {"status", "contact.phone", "extra.speed"};
    static const char *const groups[] = {"contact", "extra", "notes"};
    struct record record = full();
    struct text out;
    text_init(&out, 65536);
    record_add_order(&record, &(struct field_filter){some, ARRAY_COUNT(some)}, &out);
    assert_string_equal(text_cstr(&out),
                        "{\"id\":\"000123\",\"status\":\"InProgress\","
                        "\"contact\":{\"phone\":\"+33\"},\"extra\":{\"speed\":\"100\"}}");
    text_clear(&out);
    record_add_order(&record, &(struct field_filter){groups, ARRAY_COUNT(groups)}, &out);
    assert_non_null(strstr(text_cstr(&out), "\"contact\":{\"name\":\"Name\",\"phone\":\"+33\","));
    assert_non_null(strstr(text_cstr(&out), "\"older_notes\":3"));
    assert_null(strstr(text_cstr(&out), "site"));
    text_clear(&out);
    record_add_order(&record, &(struct field_filter){some, 0}, &out);
    assert_string_equal(text_cstr(&out), "{\"id\":\"000123\"}");
    text_fini(&out);
}

/* No part of it is taken for the whole, and nothing that it may become is read beyond its end. */
static void refuse_parts(struct span bytes)
{
    struct arena *arena = arena_create();
    struct record read;
    for (size_t size = 0; size < bytes.size; size++) {
        char *part = alloc(size + 1);
        memcpy(part, bytes.data, size);
        struct span cut = {.data = part, .size = size};
        assert_int_equal(record_decode(cut, arena, &read, NULL), STATUS_CORRUPT);
        if (size != 0) {
            part[size - 1] = (char)~part[size - 1];
        }
        enum status status = record_decode(cut, arena, &read, NULL);
        assert_true(status == STATUS_OK || status == STATUS_CORRUPT);
        free(part);
    }
    arena_destroy(arena);
}

static void bytes_come_back_as_they_were(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct record record = full();
    struct text first;
    struct text second;
    struct failure why;
    text_init(&first, 65536);
    text_init(&second, 65536);
    record_encode(&record, &first);
    struct record read;
    assert_int_equal(record_decode(text_span(&first), arena, &read, &why), STATUS_OK);
    assert_string_equal(read.id, "000123");
    assert_int_equal(read.kind, ORDER_OPEN);
    assert_string_equal(read.fields[ORDER_CONTACT_EMAIL], "n@example.com");
    assert_int_equal(read.note_count, 2);
    assert_int_equal(read.older_note_count, 3);
    assert_null(read.notes[1].id);
    assert_int_equal(read.appointment_count, 2);
    assert_string_equal(read.appointments[1].id, "B/\x01");
    assert_int_equal(read.appointments[1].kind, APPOINTMENT_MISSED);
    record_encode(&read, &second);
    assert_true(span_equal(text_span(&first), text_span(&second)));
    refuse_parts(text_span(&first));
    text_fini(&first);
    text_fini(&second);
    arena_destroy(arena);
}

static void json_of_earlier_versions_is_read(void **state)
{
    (void)state;
    static const char json[] =
        "{\"id\":\"000123\",\"reference\":\"PO\",\"status\":\"InProgress\",\"status_kind\":"
        "\"open\","
        "\"site\":\"Lyon\",\"contact\":{\"name\":\"Name\",\"phone\":\"+33\"},"
        "\"notes\":[{\"id\":\"1\",\"text\":\"dug\"}],\"older_notes\":3,\"url\":\"u\",\"extra\":{"
        "\"speed\":"
        "\"100\"},\"appointments\":[{\"id\":\"A-1\",\"status\":\"Confirmed\",\"status_kind\":"
        "\"confirmed\",\"start\":\"2027-01-12T08:00:00Z\",\"extra\":{\"team\":\"4\"}}]}";
    struct arena *arena = arena_create();
    struct record old;
    struct record read;
    struct text bytes;
    text_init(&bytes, 65536);
    assert_false(record_is_packed(span_of(json)));
    assert_int_equal(record_decode(span_of(json), arena, &old, NULL), STATUS_OK);
    record_encode(&old, &bytes);
    assert_true(record_is_packed(text_span(&bytes)));
    assert_int_equal(record_decode(text_span(&bytes), arena, &read, NULL), STATUS_OK);
    const struct record *both[] = {&old, &read};
    for (size_t i = 0; i < ARRAY_COUNT(both); i++) {
        assert_string_equal(both[i]->id, "000123");
        assert_int_equal(both[i]->kind, ORDER_OPEN);
        assert_string_equal(both[i]->fields[ORDER_SITE], "Lyon");
        assert_string_equal(both[i]->fields[ORDER_CONTACT_PHONE], "+33");
        assert_null(both[i]->fields[ORDER_STEP]);
        assert_string_equal(both[i]->notes[0].text, "dug");
        assert_null(both[i]->notes[0].author);
        assert_int_equal(both[i]->older_note_count, 3);
        assert_string_equal(both[i]->extras[0].value, "100");
        assert_int_equal(both[i]->appointments[0].kind, APPOINTMENT_CONFIRMED);
        assert_string_equal(both[i]->appointments[0].fields[APPOINTMENT_START],
                            "2027-01-12T08:00:00Z");
        assert_string_equal(both[i]->appointments[0].extras[0].name, "team");
    }
    text_fini(&bytes);
    arena_destroy(arena);
}

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"",   "{",          "[]",
                                       "{}", "{\"id\":5}", "{\"id\":\"1\",\"appointments\":[{}]}"};
    struct arena *arena = arena_create();
    struct record read = {.id = "untouched"};
    struct failure why;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(record_decode(span_of(rows[i]), arena, &read, &why), STATUS_CORRUPT);
        assert_string_equal(read.id, "untouched");
    }
    arena_destroy(arena);
}

static void values_by_name(void **state)
{
    (void)state;
    struct record record = full();
    static const char *const rows[][2] = {
        {"id", "000123"},       {"site", "Lyon Part-Dieu"}, {"status_kind", "open"},
        {"extra.speed", "100"}, {"contact.name", "Name"},   {"extra.none", NULL},
        {"notes", NULL},        {"nothing", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_true(text_equal(record_value(&record, rows[i][0]), rows[i][1]));
    }
    assert_ptr_equal(record_appointment(&record, "A-1"), &slots[0]);
    assert_null(record_appointment(&record, "A-2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_order_is_as_documented),
        cmocka_unit_test(absent_is_absent),
        cmocka_unit_test(filters),
        cmocka_unit_test(bytes_come_back_as_they_were),
        cmocka_unit_test(json_of_earlier_versions_is_read),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(values_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
