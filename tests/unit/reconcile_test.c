/* The mapping of contract.md sections 3 and 7: a document, the next one, and what is told. */
#include "tests/support/order_world.h"

struct row {
    const char *name, *before, *after, *told;
};

#define ORDER(fields) "{'id':'123456','status':'InProgress'" fields "}"
#define SLOT(fields) ORDER(",'appointments':[{'id':'A-1'" fields "}]")
#define NAMELESS(slots) ORDER(",'appointments':[" slots "]")
#define SLOT_TIMES ",'start':'2027-01-12T09:00:00+01:00','end':'2027-01-12T11:00:00+01:00'"

static const struct row status_rows[] = {
    {"forwards", "{'id':'1','status':'Acknowledged'}", "{'id':'1','status':'InProgress'}",
     "order.status.changed/info"},
    {"backwards", "{'id':'1','status':'InProgress'}", "{'id':'1','status':'Acknowledged'}",
     "order.status.changed/info"},
    {"completed", "{'id':'1','status':'InProgress'}", "{'id':'1','status':'Completed'}",
     "order.status.completed/notice"},
    {"cancelled", "{'id':'1','status':'InProgress'}", "{'id':'1','status':'Cancelled'}",
     "order.status.cancelled/critical"},
    {"rejected", "{'id':'1','status':'Acknowledged'}", "{'id':'1','status':'Rejected'}",
     "order.status.cancelled/critical"},
    {"failed", "{'id':'1','status':'InProgress'}", "{'id':'1','status':'Failed'}",
     "order.status.failed/critical"},
    {"held", "{'id':'1','status':'InProgress'}", "{'id':'1','status':'Pending'}",
     "order.status.held/warning"},
    {"resumed", "{'id':'1','status':'Held'}", "{'id':'1','status':'InProgress'}",
     "order.status.resumed/info"},
    {"held to completed", "{'id':'1','status':'Held'}", "{'id':'1','status':'Completed'}",
     "order.status.completed/notice"},
    {"still held by another word", "{'id':'1','status':'Held'}", "{'id':'1','status':'Pending'}",
     "order.status.changed/info"},
    {"completed to closed", "{'id':'1','status':'Completed'}", "{'id':'1','status':'Closed'}",
     "order.status.changed/info"},
    {"reopened", "{'id':'1','status':'Completed'}", "{'id':'1','status':'InProgress'}",
     "order.status.changed/info"},
    {"unknown text", "{'id':'1','status':'InProgress'}", "{'id':'1','status':'Paused'}",
     "order.status.changed/info"},
    {"held to unknown", "{'id':'1','status':'Held'}", "{'id':'1','status':'Paused'}",
     "order.status.changed/info"},
    {"status gone", "{'id':'1','status':'InProgress'}", "{'id':'1'}", "order.status.changed/info"},
    {"step only", "{'id':'1','status':'InProgress','step':'A'}",
     "{'id':'1','status':'InProgress','step':'B'}", "order.status.changed/info"},
    {"status and step are one", "{'id':'1','status':'InProgress','step':'A'}",
     "{'id':'1','status':'Held','step':'B'}", "order.status.held/warning"},
    {"completed date goes along", "{'id':'1','status':'InProgress'}",
     "{'id':'1','status':'Completed','completedDate':'2026-11-20'}",
     "order.status.completed/notice"},
};

static const struct row date_rows[] = {
    {"first commitment", ORDER(""), ORDER(",'committedDate':'2027-01-12'"),
     "order.date.committed/notice"},
    {"later", ORDER(",'committedDate':'2027-01-12'"), ORDER(",'committedDate':'2027-01-17'"),
     "order.date.changed/warning"},
    {"earlier", ORDER(",'committedDate':'2027-01-12'"), ORDER(",'committedDate':'2027-01-10'"),
     "order.date.changed/notice"},
    {"a time where there was none", ORDER(",'committedDate':'2027-01-12'"),
     ORDER(",'committedDate':'2027-01-12T09:00:00Z'"), "order.date.changed/notice"},
    {"later by an hour", ORDER(",'committedDate':'2027-01-12T09:00:00Z'"),
     ORDER(",'committedDate':'2027-01-12T10:00:00Z'"), "order.date.changed/warning"},
    {"taken away", ORDER(",'committedDate':'2027-01-12'"), ORDER(""), "order.date.changed/warning"},
    {"requested date set", ORDER(""), ORDER(",'requestedDate':'2027-01-12'"),
     "order.date.changed/notice"},
    {"each date is one event", ORDER(",'committedDate':'2027-01-12','requestedDate':'2027-01-10'"),
     ORDER(",'committedDate':'2027-01-11','requestedDate':'2027-01-11'"),
     "order.date.changed/warning order.date.changed/notice"},
    {"completed date alone", ORDER(",'completedDate':'2026-11-20'"),
     ORDER(",'completedDate':'2026-11-21'"), "order.date.changed/warning"},
};

static const struct row appointment_rows[] = {
    {"created", ORDER(""), SLOT(",'status':'Initialized'" SLOT_TIMES),
     "appointment.created/notice"},
    {"confirmed", SLOT(",'status':'Initialized'" SLOT_TIMES),
     SLOT(",'status':'Confirmed'" SLOT_TIMES), "appointment.confirmed/notice"},
    {"cancelled one confirmed again", SLOT(",'status':'Cancelled'" SLOT_TIMES),
     SLOT(",'status':'Confirmed'" SLOT_TIMES), "appointment.confirmed/notice"},
    {"moved", SLOT(",'status':'Confirmed'" SLOT_TIMES),
     SLOT(",'status':'Confirmed','start':'2027-01-17T08:00:00Z','end':'2027-01-17T10:00:00Z'"),
     "appointment.rescheduled/warning"},
    {"moved and confirmed", SLOT(",'status':'Initialized'" SLOT_TIMES),
     SLOT(",'status':'Confirmed','start':'2027-01-17T08:00:00Z'"),
     "appointment.rescheduled/warning"},
    {"moved and cancelled", SLOT(",'status':'Confirmed'" SLOT_TIMES),
     SLOT(",'status':'Cancelled','start':'2027-01-17T08:00:00Z'"),
     "appointment.cancelled/critical"},
    {"slot withdrawn", SLOT(",'status':'Confirmed'" SLOT_TIMES), SLOT(",'status':'Confirmed'"),
     "appointment.rescheduled/warning"},
    {"slot found", SLOT(",'status':'Initialized'"), SLOT(",'status':'Initialized'" SLOT_TIMES),
     "appointment.updated/notice"},
    {"only the end moved", SLOT(",'status':'Confirmed'" SLOT_TIMES),
     SLOT(",'status':'Confirmed','start':'2027-01-12T09:00:00+01:00','end':'2027-01-12T13:00Z'"),
     "appointment.updated/info"},
    {"other status text", SLOT(",'status':'Initialized'"), SLOT(",'status':'EnRoute'"),
     "appointment.updated/info"},
    {"cancelled", SLOT(",'status':'Confirmed'"), SLOT(",'status':'Cancelled'"),
     "appointment.cancelled/critical"},
    {"completed", SLOT(",'status':'Confirmed'"), SLOT(",'status':'Completed'"),
     "appointment.completed/notice"},
    {"missed", SLOT(",'status':'Confirmed'"), SLOT(",'status':'Failed'"),
     "appointment.missed/critical"},
    {"the first one without an id left", NAMELESS("{'start':'2027-01-05'},{'start':'2027-01-09'}"),
     NAMELESS("{'start':'2027-01-09'}"), "appointment.removed/warning"},
    {"one without an id came in front", NAMELESS("{'start':'2027-01-05'},{'start':'2027-01-09'}"),
     NAMELESS("{'start':'2027-01-02'},{'start':'2027-01-05'},{'start':'2027-01-09'}"),
     "appointment.created/notice"},
    {"one without an id moved before the other",
     NAMELESS("{'start':'2027-01-05'},{'start':'2027-01-09'}"),
     NAMELESS("{'start':'2027-01-02'},{'start':'2027-01-05'}"), "appointment.rescheduled/warning"},
    {"one without an id left, the other moved",
     NAMELESS("{'start':'2027-01-05'},{'start':'2027-01-09'}"), NAMELESS("{'start':'2027-01-12'}"),
     "appointment.removed/warning appointment.rescheduled/warning"},
    {"two at one time, of which one changes",
     NAMELESS("{'start':'2027-01-05','location':'A'},{'start':'2027-01-05','location':'B'}"),
     NAMELESS("{'start':'2027-01-05','location':'B'},{'start':'2027-01-05','location':'C'}"),
     "appointment.updated/info"},
    {"removed", SLOT(",'status':'Confirmed'"), ORDER(""), "appointment.removed/warning"},
    {"each appointment is one event",
     ORDER(",'appointments':[{'id':'A','status':'Confirmed'},{'id':'B','status':'Confirmed'}]"),
     ORDER(",'appointments':[{'id':'B','status':'Missed'},{'id':'C','status':'Confirmed'}]"),
     "appointment.removed/warning appointment.missed/critical appointment.created/notice"},
};

static const struct row other_rows[] = {
    {"note", ORDER(",'notes':[{'id':'n1','text':'a'}]"),
     ORDER(",'notes':[{'id':'n1','text':'a'},{'id':'n2','text':'b'}]"), "order.note.added/notice"},
    {"two notes are one event", ORDER(""), ORDER(",'notes':[{'text':'a'},{'text':'b'}]"),
     "order.note.added/notice"},
    {"note edited", ORDER(",'notes':[{'id':'n1','text':'a'}]"),
     ORDER(",'notes':[{'id':'n1','text':'b'}]"), "order.updated/info"},
    {"oldest note left as a new one came",
     ORDER(",'notes':[{'id':'n1','text':'a'},{'id':'n2','text':'b'}]"),
     ORDER(",'notes':[{'id':'n2','text':'b'},{'id':'n3','text':'c'}]"), "order.note.added/notice"},
    {"site", ORDER(",'site':'Lyon'"), ORDER(",'site':'Paris'"), "order.updated/info"},
    {"several others are one", ORDER(",'site':'Lyon'"),
     ORDER(",'site':'Paris','offer':'X','contact':{'name':'N'},'speed':5"), "order.updated/info"},
    {"watched field", ORDER(",'speed':100"), ORDER(",'speed':200"), "order.updated/info"},
    {"every aspect at once", SLOT(",'status':'Initialized'"),
     "{'id':'123456','status':'Held','committedDate':'2027-01-12','site':'Lyon',"
     "'notes':[{'text':'hello'}],'appointments':[{'id':'A-1','status':'Confirmed'}]}",
     "order.status.held/warning order.date.committed/notice appointment.confirmed/notice "
     "order.note.added/notice order.updated/info"},
};

/* Promise 7: no event without meaning. */
static const struct row noise_rows[] = {
    {"key order", "{'id':'1','status':'InProgress','site':'Lyon'}",
     "{'site':'Lyon','status':'InProgress','id':'1'}", ""},
    {"null, absent and empty", "{'id':'1','site':null,'offer':'','step':'  '}", "{'id':'1'}", ""},
    {"number spelling", "{'id':'1','speed':1.0}", "{'id':'1','speed':1e0}", ""},
    {"zone spelling", SLOT(",'start':'2027-01-12T09:00:00+01:00'"),
     SLOT(",'start':'2027-01-12T08:00:00Z'"), ""},
    {"fraction spelling", SLOT(",'start':'2027-01-12T08:00:00.000Z'"),
     SLOT(",'start':'2027-01-12T08:00Z'"), ""},
    {"local time", SLOT(",'start':'2027-01-12T09:00:00'"), SLOT(",'start':'2027-01-12T08:00Z'"),
     ""},
    {"status spelling", "{'id':'1','status':'InProgress','step':'Site survey'}",
     "{'id':'1','status':'IN_PROGRESS','step':'SITE-SURVEY'}", ""},
    {"status without its accent", "{'id':'1','status':'Termin\\u00e9e'}",
     "{'id':'1','status':'TERMINEE'}", ""},
    {"status with a space that does not break", "{'id':'1','status':'En cours'}",
     "{'id':'1','status':'En\\u00a0cours'}", ""},
    {"appointment status spelling", SLOT(",'status':'Confirmed'"), SLOT(",'status':'CONFIRMED'"),
     ""},
    {"order of appointments", ORDER(",'appointments':[{'id':'A'},{'id':'B'}]"),
     ORDER(",'appointments':[{'id':'B'},{'id':'A'}]"), ""},
    {"order of appointments without ids",
     ORDER(",'appointments':[{'start':'2027-01-12'},{'start':'2027-02-12'}]"),
     ORDER(",'appointments':[{'start':'2027-02-12'},{'start':'2027-01-12'}]"), ""},
    {"order of notes", ORDER(",'notes':[{'id':'n1','text':'a'},{'id':'n2','text':'b'}]"),
     ORDER(",'notes':[{'id':'n2','text':'b'},{'id':'n1','text':'a'}]"), ""},
    {"order of notes without ids", ORDER(",'notes':[{'text':'a'},{'text':'b'}]"),
     ORDER(",'notes':[{'text':'b'},{'text':'a'}]"), ""},
    {"volatile members", ORDER(",'lastUpdate':'2027-01-01T00:00:00Z','links':[1]"),
     ORDER(",'lastUpdate':'2027-01-02T00:00:00Z','links':[2]"), ""},
    {"empty lists", ORDER(",'notes':[],'appointments':null"), ORDER(""), ""},
    {"members of a watched object", ORDER(",'options':{'a':1,'b':[]}"),
     ORDER(",'options':{'b':[],'a':1.0}"), ""},
    {"empty members of a watched object", ORDER(",'options':{'a':1,'b':null,'c':''}"),
     ORDER(",'options':{'a':1}"), ""},
    {"order of a watched list", ORDER(",'options':[{'id':'1'},{'id':'2'}]"),
     ORDER(",'options':[{'id':'2'},{'id':'1'}]"), ""},
    {"zone spelling of a watched field", ORDER(",'options':'2027-01-12T09:00:00+01:00'"),
     ORDER(",'options':'2027-01-12T08:00:00.0Z'"), ""},
    {"blanks of another kind",
     ORDER(",'site':'Lyon Part','options':'a b','notes':[{'text':'a b'}],"
           "'appointments':[{'id':'A','location':'a b'}]"),
     ORDER(",'site':'Lyon\\u00a0Part','options':'a\\u202fb','notes':[{'text':'a  b'}],"
           "'appointments':[{'id':'A','location':'a b\\u00a0'}]"),
     ""},
    {"nothing to be seen", ORDER(",'site':'Lyon'"), ORDER(",'site':'\\ufeffLy\\u200bon'"), ""},
    {"a day as its midnight", ORDER(",'committedDate':'2027-01-12','requestedDate':'2027-01-12'"),
     ORDER(",'committedDate':'2027-01-12T00:00:00','requestedDate':'2027-01-12T00:00:00Z'"), ""},
    {"a midnight as its day", ORDER(",'committedDate':'2027-01-12T00:00:00+01:00'"),
     ORDER(",'committedDate':'2027-01-12'"), ""},
    {"a name that is null", ORDER(",'site':{'name':null}"), ORDER(",'site':{}"), ""},
    {"white space around", ORDER(",'site':' Lyon '"), ORDER(",'site':'Lyon'"), ""},
    {"one appointment as an object", ORDER(",'appointments':{'id':'A'}"),
     ORDER(",'appointments':[{'id':'A'}]"), ""},
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct world world;
        world_init(&world);
        world_show(&world, rows[i].before);
        assert_true(world.result.is_new && world.result.is_changed);
        expect_told(&world, "");
        world_show(&world, rows[i].after);
        if (strcmp(world_told(&world), rows[i].told) != 0) {
            fail_msg("%s: told <%s>, expected <%s>", rows[i].name, world_told(&world),
                     rows[i].told);
        }
        world_show(&world, rows[i].after);
        assert_false(world.result.is_changed);
        assert_int_equal(world.result.staged.event_count, 0);
        world_fini(&world);
    }
}

static void status_moves(void **state)
{
    (void)state;
    check_rows(status_rows, ARRAY_COUNT(status_rows));
}

static void date_moves(void **state)
{
    (void)state;
    check_rows(date_rows, ARRAY_COUNT(date_rows));
}

static void appointment_moves(void **state)
{
    (void)state;
    check_rows(appointment_rows, ARRAY_COUNT(appointment_rows));
}

static void other_changes(void **state)
{
    (void)state;
    check_rows(other_rows, ARRAY_COUNT(other_rows));
}

static void noise_is_no_event(void **state)
{
    (void)state;
    check_rows(noise_rows, ARRAY_COUNT(noise_rows));
}

static void a_new_order_tells_itself_and_each_appointment(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.context.is_baseline = false;
    world_show(&world, ORDER(",'site':'Lyon','committedDate':'2027-01-12','notes':[{'text':'a'}],"
                             "'appointments':[{'id':'A'},{'id':'B'}]"));
    expect_told(&world, "order.created/info appointment.created/notice appointment.created/notice");
    expect_has(world_event_json(&world, 0), "{\"field\":\"site\",\"to\":\"Lyon\"}");
    expect_has(world_event_json(&world, 1), "\"sequence\":\"2\"");
    world_fini(&world);
}

static void counts_and_first_promises_are_kept(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT(",'start':'2027-01-08T08:00:00Z'"));
    world_show(&world, SLOT(",'start':'2027-01-12T08:00:00Z'"));
    world_show(&world, SLOT(",'start':'2027-01-17T08:00:00Z'"));
    const char *json = world_event_json(&world, 0);
    expect_has(json, "\"reschedule\":{\"days\":5,\"business_days\":3,\"count\":2,"
                     "\"first_start\":\"2027-01-08T08:00:00Z\",\"total_days\":9,"
                     "\"direction\":\"later\"}");
    expect_has(json, "\"changes\":[{\"field\":\"start\",\"from\":\"2027-01-12T08:00:00Z\","
                     "\"to\":\"2027-01-17T08:00:00Z\"}]");
    expect_has(json, "\"summary\":\"Order 123456, appointment moved by +5 days: "
                     "Tue 12 Jan 2027 09:00 to Sun 17 Jan 2027 09:00\"");
    expect_has(json, "\"sequence\":\"2\"");
    expect_has(json, "\"calendar\":{\"sequence\":2}");
    world_show(&world, ORDER(""));
    world_show(&world, SLOT(",'start':'2027-01-20T08:00:00Z'"));
    expect_told(&world, "appointment.created/notice");
    world_show(&world, SLOT(",'start':'2027-01-19T08:00:00Z'"));
    json = world_event_json(&world, 0);
    expect_has(json, "\"reschedule\":{\"days\":-1,\"business_days\":-1,\"count\":3,"
                     "\"first_start\":\"2027-01-08T08:00:00Z\",\"total_days\":11,"
                     "\"direction\":\"earlier\"}");
    expect_has(json, "\"calendar\":{\"sequence\":5}");
    world_fini(&world);
}

#define VISITS(status_a, visits)                                                                   \
    "{'id':'123456','status':'" status_a "','appointments':[" visits "]}"
#define VISIT_TIMES ",'start':'2027-01-12T08:00:00Z','end':'2027-01-12T10:00:00Z'}"

static void a_cancelled_order_takes_its_appointments_with_it(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, VISITS("InProgress", "{'id':'A','status':'Confirmed'" VISIT_TIMES
                                            ",{'id':'B','status':'Confirmed'" VISIT_TIMES
                                            ",{'id':'C','status':'Confirmed'" VISIT_TIMES));
    world_show(&world, VISITS("Cancelled", "{'id':'A','status':'Cancelled'" VISIT_TIMES
                                           ",{'id':'C','status':'Completed'" VISIT_TIMES));
    expect_told(&world, "order.status.cancelled/critical appointment.completed/notice");
    const char *json = world_event_json(&world, 0);
    expect_has(json, "\"summary\":\"Order 123456 is now Cancelled (was InProgress), "
                     "and so are its appointments\"");
    expect_has(json, "\"appointments\":[{\"type\":\"orderwatch.appointment.cancelled\","
                     "\"appointment\":{\"id\":\"A\",\"status\":\"Cancelled\"");
    expect_has(json, "\"changes\":[{\"field\":\"status\",\"from\":\"Confirmed\","
                     "\"to\":\"Cancelled\"}],\"calendar\":{\"sequence\":1}}");
    expect_has(json, "{\"type\":\"orderwatch.appointment.removed\",\"appointment\":{\"id\":\"B\"");
    world_show(&world, VISITS("Cancelled", "{'id':'C','status':'Cancelled'" VISIT_TIMES));
    expect_told(&world, "appointment.removed/warning appointment.cancelled/critical");
    world_fini(&world);
}

static void a_date_keeps_its_first_promise(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, ORDER(""));
    world_show(&world, ORDER(",'committedDate':'2027-01-08'"));
    expect_told(&world, "order.date.committed/notice");
    world_show(&world, ORDER(",'committedDate':'2027-01-12'"));
    expect_has(world_event_json(&world, 0),
               "\"date_change\":{\"field\":\"committed_date\",\"days\":4,\"business_days\":2,"
               "\"count\":1,\"first_date\":\"2027-01-08\",\"total_days\":4,"
               "\"direction\":\"later\"}");
    world_show(&world, ORDER(""));
    expect_told(&world, "order.date.changed/warning");
    expect_has(world_event_json(&world, 0), "\"changes\":[{\"field\":\"committed_date\","
                                            "\"from\":\"2027-01-12\"}]");
    expect_has(world_event_json(&world, 0), "\"date_change\":{\"field\":\"committed_date\","
                                            "\"count\":2,\"first_date\":\"2027-01-08\"}");
    world_show(&world, ORDER(",'committedDate':'2027-01-20'"));
    expect_told(&world, "order.date.changed/notice");
    expect_has(world_event_json(&world, 0), "\"count\":3,\"first_date\":\"2027-01-08\","
                                            "\"total_days\":12}");
    world_fini(&world);
}

static void leave(struct world *world, enum sighting sighting, const char *detail)
{
    struct reconcile_input input = {
        .sighting = sighting,
        .after = detail != NULL ? world_record(world, detail) : NULL,
        .detail_json = world_json(world, "{'http':200}"),
    };
    world_step(world, &input);
}

static void an_order_that_leaves_gives_only_its_own_event(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT(",'status':'Confirmed'"));
    leave(&world, SIGHTING_DISAPPEARED, NULL);
    expect_told(&world, "order.disappeared/warning");
    expect_has(world_event_json(&world, 0), "\"detail\":{\"http\":200}");
    assert_true(world.known.has_left);
    assert_int_equal(world.deadline_count, 0);
    leave(&world, SIGHTING_DISAPPEARED, NULL);
    assert_false(world.result.is_changed);
    world_show(&world, "{'id':'123456','status':'Held','site':'Lyon'}");
    expect_told(&world, "order.reappeared/notice");
    expect_has(world_event_json(&world, 0), "\"sequence\":\"2\"");
    expect_has(world_event_json(&world, 0), "{\"field\":\"status\",\"from\":\"InProgress\","
                                            "\"to\":\"Held\"}");
    assert_false(world.known.has_left);
    world_fini(&world);
}

static void an_order_that_completes_and_leaves_tells_both(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, SLOT(",'status':'Confirmed'"));
    leave(&world, SIGHTING_CLOSED,
          "{'id':'123456','status':'Completed','completedDate':'2026-11-20','site':'Lyon'}");
    expect_told(&world, "order.status.completed/notice order.closed/notice");
    expect_has(world_event_json(&world, 0), "completed_date");
    expect_has(world_event_json(&world, 1), "\"changes\":[{\"field\":\"site\",\"to\":\"Lyon\"}]");
    world_fini(&world);
}

static void an_order_that_was_complete_only_closes(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, "{'id':'123456','status':'Completed','site':'Lyon'}");
    leave(&world, SIGHTING_CLOSED, "{'id':'123456','status':'Closed'}");
    expect_told(&world, "order.closed/notice");
    world_fini(&world);
}

static void appointments_of_their_own_collection(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct profile profile = world_profile;
    profile.has_appointments_collection = true;
    world.source.profile = &profile;
    world.context.is_baseline = false;
    struct appointment first = {.id = "A", .kind = APPOINTMENT_NEW};
    struct reconcile_input input = {
        .after = world_record(&world, ORDER("")),
        .has_own_appointments = true,
        .appointments = &first,
        .appointment_count = 1,
    };
    world_step(&world, &input);
    expect_told(&world, "order.created/info appointment.created/notice");
    input.appointment_count = 0;
    world_step(&world, &input);
    assert_false(world.result.is_changed);

    struct appointment second = {.id = "B", .kind = APPOINTMENT_NEW};
    const char *gone[] = {"A"};
    struct reconcile_input moved = {
        .has_own_appointments = true,
        .appointments = &second,
        .appointment_count = 1,
        .removed_appointment_ids = gone,
        .removed_appointment_count = 1,
    };
    world_step(&world, &moved);
    expect_told(&world, "appointment.removed/warning appointment.created/notice");
    world_fini(&world);
}

static void a_profile_that_learns_a_word_tells_nothing(void **state)
{
    (void)state;
    static const struct status_meaning wiser[] = {{"paused", ORDER_HELD}};
    struct world world;
    world_init(&world);
    world_show(&world, "{'id':'1','status':'Paused'}");
    struct profile profile = world_profile;
    profile.order_statuses = (struct status_table){wiser, 1};
    world.source.profile = &profile;
    world_show(&world, "{'id':'1','status':'Paused'}");
    expect_told(&world, "");
    assert_true(world.result.is_changed);
    world_fini(&world);
}

static void twenty_one_notes(struct world *world, int count, char *out, size_t size)
{
    (void)world;
    size_t used = (size_t)snprintf(out, size, "{'id':'1','notes':[");
    for (int i = 0; i < count; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s{'id':'n%d','text':'t%d'}",
                                 i != 0 ? "," : "", i + 1, i + 1);
    }
    (void)snprintf(out + used, size - used, "]}");
}

static void notes_beyond_the_latest_twenty_are_counted(void **state)
{
    (void)state;
    struct world world;
    char json[4096];
    world_init(&world);
    twenty_one_notes(&world, 20, json, sizeof json);
    world_show(&world, json);
    twenty_one_notes(&world, 23, json, sizeof json);
    world_show(&world, json);
    expect_told(&world, "order.note.added/notice");
    expect_has(world_event_json(&world, 0), "\"older_notes\":3");
    expect_has(world_event_json(&world, 0), "\"note\":{\"id\":\"n23\",\"text\":\"t23\"}");
    expect_has(world_event_json(&world, 0), "has 3 new notes, the latest: t23");
    twenty_one_notes(&world, 48, json, sizeof json);
    world_show(&world, json); /* the first five of the 25 new ones are not kept */
    expect_told(&world, "order.note.added/notice");
    expect_has(world_event_json(&world, 0),
               "has 25 new notes, of which the last 20 are told, the latest: t48");
    twenty_one_notes(&world, 23, json, sizeof json);
    world_show(&world, json);
    twenty_one_notes(&world, 22, json, sizeof json);
    world_show(&world, json); /* n23 is withdrawn: n3 becomes visible again, but is not new */
    expect_told(&world, "order.updated/info");
    world_fini(&world);
}

static void a_damaged_record_is_reported(void **state)
{
    (void)state;
    struct world world;
    struct failure why;
    world_init(&world);
    world_show(&world, ORDER(""));
    struct stored_order damaged = world.known;
    damaged.canonical = span_of("{\"id\":");
    struct reconcile_input input = {.before = &damaged, .after = world_record(&world, ORDER(""))};
    assert_int_equal(reconcile_order(&world.context, &input, world.arena, &world.result, &why),
                     STATUS_CORRUPT);
    world_fini(&world);
}

/* Its bytes are others now; what it says is not. */
static void the_json_of_an_earlier_version_is_no_change(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, "{'id':'1','status':'InProgress','step':'A'}");
    world.known.canonical =
        world_json(&world, "{'id':'1','status':'InProgress','status_kind':'open','step':'A'}");
    world_show(&world, "{'id':'1','status':'InProgress','step':'A','lastUpdate':'2026-11-27'}");
    assert_false(world.result.is_changed);
    world_show(&world, "{'id':'1','status':'InProgress','step':'B'}");
    expect_told(&world, "order.status.changed/info");
    assert_true(record_is_packed(world.known.canonical));
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_moves),
        cmocka_unit_test(date_moves),
        cmocka_unit_test(appointment_moves),
        cmocka_unit_test(other_changes),
        cmocka_unit_test(noise_is_no_event),
        cmocka_unit_test(a_new_order_tells_itself_and_each_appointment),
        cmocka_unit_test(counts_and_first_promises_are_kept),
        cmocka_unit_test(a_cancelled_order_takes_its_appointments_with_it),
        cmocka_unit_test(a_date_keeps_its_first_promise),
        cmocka_unit_test(an_order_that_leaves_gives_only_its_own_event),
        cmocka_unit_test(an_order_that_completes_and_leaves_tells_both),
        cmocka_unit_test(an_order_that_was_complete_only_closes),
        cmocka_unit_test(appointments_of_their_own_collection),
        cmocka_unit_test(a_profile_that_learns_a_word_tells_nothing),
        cmocka_unit_test(notes_beyond_the_latest_twenty_are_counted),
        cmocka_unit_test(the_json_of_an_earlier_version_is_no_change),
        cmocka_unit_test(a_damaged_record_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
