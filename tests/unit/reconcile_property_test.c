/* Random orders, random moves: nothing is invented, nothing is lost, everything replays. */
#include "tests/support/order_world.h"

#include "core/json.h"
#include "core/random.h"
#include "core/text.h"

#define WALK_COUNT 60
#define STEP_COUNT 40
#define CELL_COUNT_MAX 256

/* A document as its choices: 0 is absent, so that two spellings of one document can be written. */
struct choices {
    uint32_t status, step, site, committed, requested, completed, speed, contact, note_count;
    struct {
        bool is_there;
        uint32_t status, start, end;
    } slots[3];
};

static const char *const statuses[] = {NULL,        "Acknowledged", "InProgress", "Held",
                                       "Completed", "Cancelled",    "Failed",     "Paused"};
static const char *const slot_statuses[] = {NULL,        "Initialized", "Confirmed",
                                            "Cancelled", "Completed",   "Missed"};
static const char *const words[] = {NULL, "Lyon", "Paris", "\xc3\x89vry"};
static const char *const dates[] = {NULL, "2027-01-12", "2027-01-17", "2027-01-10", "soon"};
/* One instant a row, in two spellings. */
static const char *const instants[][2] = {
    {NULL, NULL},
    {"2027-01-12T08:00:00Z", "2027-01-12T09:00:00.000+01:00"},
    {"2027-01-17T08:00:00Z", "2027-01-17T09:00:00"},
    {"2027-07-01T10:00:00Z", "2027-07-01T12:00+0200"},
};

static uint32_t pick(struct random *random, size_t count)
{
    return (uint32_t)random_below(random, (int64_t)count);
}

static void choose(struct random *random, struct choices *choices)
{
    uint32_t *const fields[] = {&choices->status,    &choices->step,      &choices->site,
                                &choices->committed, &choices->requested, &choices->completed,
                                &choices->speed,     &choices->contact};
    static const size_t counts[] = {ARRAY_COUNT(statuses),
                                    ARRAY_COUNT(words),
                                    ARRAY_COUNT(words),
                                    ARRAY_COUNT(dates),
                                    ARRAY_COUNT(dates),
                                    ARRAY_COUNT(dates),
                                    3,
                                    ARRAY_COUNT(words)};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (pick(random, 3) == 0) {
            *fields[i] = pick(random, counts[i]);
        }
    }
    choices->note_count += pick(random, 4) == 0 ? pick(random, 3) : 0;
    for (size_t i = 0; i < ARRAY_COUNT(choices->slots); i++) {
        if (pick(random, 2) == 0) {
            choices->slots[i].is_there = pick(random, 4) != 0;
            choices->slots[i].status = pick(random, ARRAY_COUNT(slot_statuses));
            choices->slots[i].start = pick(random, ARRAY_COUNT(instants));
            choices->slots[i].end = pick(random, ARRAY_COUNT(instants));
        }
    }
}

static void add_member(struct text *out, const char *name, const char *value, bool is_odd)
{
    if (value != NULL) {
        text_addf(out, ",'%s':'%s'", name, value);
    } else if (is_odd) {
        text_addf(out, ",'%s':null", name);
    }
}

static void add_slot(const struct choices *choices, size_t index, bool is_odd, struct text *out)
{
    text_addf(out, "{'id':'A-%zu'", index);
    add_member(out, "end", instants[choices->slots[index].end][is_odd], is_odd);
    add_member(out, "start", instants[choices->slots[index].start][is_odd], is_odd);
    add_member(out, "status", slot_statuses[choices->slots[index].status], is_odd);
    text_add_char(out, '}');
}

static void add_slots(const struct choices *choices, bool is_odd, struct text *out)
{
    bool needs_comma = false;
    text_add_text(out, ",'appointments':[");
    for (size_t i = 0; i < ARRAY_COUNT(choices->slots); i++) {
        size_t index = is_odd ? ARRAY_COUNT(choices->slots) - 1 - i : i;
        if (choices->slots[index].is_there) {
            text_add_text(out, needs_comma ? "," : "");
            add_slot(choices, index, is_odd, out);
            needs_comma = true;
        }
    }
    text_add_char(out, ']');
}

static void add_notes(const struct choices *choices, bool is_odd, struct text *out)
{
    text_add_text(out, ",'notes':[");
    for (uint32_t i = 0; i < choices->note_count; i++) {
        uint32_t number = is_odd ? choices->note_count - 1 - i : i;
        text_addf(out, "%s{'id':'n%u','text':'t%u'}", i != 0 ? "," : "", number, number);
    }
    text_add_char(out, ']');
}

static const char *write_document(struct world *world, const struct choices *choices, bool is_odd)
{
    struct text out;
    text_init(&out, 1 << 20);
    text_add_text(&out, "{'id':'42'");
    if (is_odd) {
        add_slots(choices, is_odd, &out);
        text_addf(&out, ",'lastUpdate':%u", choices->status);
    }
    add_member(&out, "status", statuses[choices->status], is_odd);
    add_member(&out, "step", words[choices->step], is_odd);
    add_member(&out, "site", words[choices->site], is_odd);
    add_member(&out, "committedDate", dates[choices->committed], is_odd);
    add_member(&out, "requestedDate", dates[choices->requested], is_odd);
    add_member(&out, "completedDate", dates[choices->completed], is_odd);
    if (choices->speed != 0) {
        text_addf(&out, is_odd ? ",'speed':%u.0" : ",'speed':%u", choices->speed);
    }
    if (words[choices->contact] != NULL) {
        text_addf(&out, ",'contact':{'name':'%s'}", words[choices->contact]);
    }
    add_notes(choices, is_odd, &out);
    if (!is_odd) {
        add_slots(choices, is_odd, &out);
    }
    text_add_char(&out, '}');
    const char *json = arena_text(world->arena, text_span(&out));
    text_fini(&out);
    return json;
}

/* --- a reader who knows only the events --- */

struct cell {
    const char *place, *value; /* PLACE/field: the order's place is empty, else an appointment */
};

struct reader {
    struct arena *arena;
    struct cell cells[CELL_COUNT_MAX];
    size_t count;
    uint64_t sequence;
};

static struct cell *cell_of(struct reader *reader, const char *owner, const char *field)
{
    const char *place = arena_format(reader->arena, "%s/%s", owner, field);
    for (size_t i = 0; i < reader->count; i++) {
        if (text_equal(reader->cells[i].place, place)) {
            return &reader->cells[i];
        }
    }
    assert_true(reader->count < CELL_COUNT_MAX);
    reader->cells[reader->count] = (struct cell){.place = place};
    return &reader->cells[reader->count++];
}

static const char *keep(struct reader *reader, const char *text)
{
    return text != NULL ? arena_text(reader->arena, span_of(text)) : NULL;
}

static void read_change(struct reader *reader, const char *owner, const struct json *change)
{
    const char *field = json_member_text(change, "field");
    assert_non_null(field);
    if (text_equal(field, "notes")) {
        return;
    }
    struct cell *cell = cell_of(reader, owner, field);
    assert_true(text_equal(cell->value, json_member_text(change, "from")));
    cell->value = keep(reader, json_member_text(change, "to"));
    assert_false(text_equal(cell->value, json_member_text(change, "from")));
}

/* What went with a cancelled order is told by the order's event. */
static void read_followers(struct reader *reader, const struct event *event)
{
    struct failure why;
    struct json *root = NULL;
    assert_int_equal(json_parse(event->json, &root, &why), STATUS_OK);
    const struct json *followers = json_at(root, "/data/appointments");
    for (const struct json *one = json_first(followers); one != NULL; one = json_next(one)) {
        const char *id = json_member_text(json_member(one, "appointment"), "id");
        const struct json *changes = json_member(one, "changes");
        for (const struct json *node = json_first(changes); node != NULL; node = json_next(node)) {
            read_change(reader, id, node);
        }
    }
    json_destroy(root);
}

static void read_event(struct reader *reader, const struct event *event)
{
    struct failure why;
    struct json *root = NULL;
    struct span bytes = event->personal.size != 0 ? event->personal : event->json;
    assert_int_equal(json_parse(bytes, &root, &why), STATUS_OK);
    const struct json *changes =
        json_at(root, event->personal.size != 0 ? "/changes" : "/data/changes");
    for (const struct json *one = json_first(changes); one != NULL; one = json_next(one)) {
        read_change(reader, event->appointment_id, one);
    }
    json_destroy(root);
    read_followers(reader, event);
    assert_int_equal(event->sequence, ++reader->sequence);
}

static void compare_order(struct reader *reader, const struct record *record)
{
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        const char *field = order_field_name((enum order_field)i);
        const char *told = cell_of(reader, "", field)->value;
        if (!text_equal(told, record->fields[i])) {
            fail_msg("%s is %s, the events say %s", field,
                     record->fields[i] != NULL ? record->fields[i] : "absent",
                     told != NULL ? told : "absent");
        }
    }
    assert_true(
        text_equal(cell_of(reader, "", "extra.speed")->value, record_value(record, "extra.speed")));
}

static void compare_slots(struct reader *reader, const struct record *record)
{
    static const char *const ids[] = {"A-0", "A-1", "A-2"};
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        const struct appointment *appointment = record_appointment(record, ids[i]);
        for (size_t j = 0; j < APPOINTMENT_FIELD_COUNT; j++) {
            const char *field = appointment_field_name((enum appointment_field)j);
            const char *is = appointment != NULL ? appointment->fields[j] : NULL;
            assert_true(text_equal(cell_of(reader, ids[i], field)->value, is));
        }
    }
}

static void follow(struct world *world, struct reader *reader)
{
    for (size_t i = 0; i < world->result.staged.event_count; i++) {
        const struct new_event *event = &world->result.staged.events[i];
        read_event(reader, &event->event);
        assert_int_equal(event->delivery_count, 3);
    }
}

/* --- one walk --- */

static void step(struct world *world, struct reader *reader, const struct choices *choices)
{
    const char *json = write_document(world, choices, false);
    struct stored_order before = world->known;
    bool was_known = world->is_known;
    struct reconcile_context context = world->context;
    world_show(world, json);
    follow(world, reader);
    struct record *record = world_record(world, json);
    compare_order(reader, record);
    compare_slots(reader, record);

    struct reconcile_result again;
    struct failure why;
    struct reconcile_input input = {.before = was_known ? &before : NULL, .after = record};
    context.now_wall_ms += 5000; /* a replay happens later */
    context.sweep += 3;
    assert_int_equal(reconcile_order(&context, &input, world->arena, &again, &why), STATUS_OK);
    assert_int_equal(again.staged.event_count, world->result.staged.event_count);
    for (size_t i = 0; i < again.staged.event_count; i++) {
        assert_string_equal(again.staged.events[i].event.id,
                            world->result.staged.events[i].event.id);
    }

    world_show(world, write_document(world, choices, true));
    assert_int_equal(world->result.staged.event_count, 0);
    assert_false(world->result.is_changed);
}

static void walk(uint64_t seed)
{
    struct world world;
    struct random random = {.state = seed};
    struct choices choices = {0};
    world_init(&world);
    world.context.is_baseline = false;
    struct reader reader = {.arena = world.arena};
    for (size_t i = 0; i < STEP_COUNT; i++) {
        choose(&random, &choices);
        world.context.now_wall_ms += HOUR_MS;
        step(&world, &reader, &choices);
    }
    assert_true(reader.sequence > STEP_COUNT / 2);
    world_fini(&world);
}

static void events_alone_tell_the_whole_story(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WALK_COUNT; seed++) {
        walk(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_alone_tell_the_whole_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
