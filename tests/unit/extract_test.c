/* From an element's bytes to the canonical record, and what is reported on the way. */
#include "tests/support/order_world.h"

#include "core/text.h"

static enum status extract(struct world *world, struct span json, struct extraction *out)
{
    struct extractor extractor = {.profile = world->source.profile, .zone = world->zone};
    struct failure why;
    return extract_order(&extractor, json, world->arena, out, &why);
}

static void values(void **state)
{
    (void)state;
    static const struct {
        const char *json, *name, *value;
    } rows[] = {
        {"{'id':'007'}", "id", "007"},
        {"{'id':123456789012345678901}", "id", "123456789012345678901"},
        {"{'id':1.0}", "id", "1"},
        {"{'id':'a\\tb'}", "id", "a\tb"},
        {"{'id':' x '}", "id", " x "},
        {"{'id':'1','customerReference':'','reference':'R'}", "reference", "R"},
        {"{'id':'1','customerReference':null,'reference':'R'}", "reference", "R"},
        {"{'id':'1','reference':12345678901234567890}", "reference", "12345678901234567890"},
        {"{'id':'1','state':'Held'}", "status", "Held"},
        {"{'id':'1','state':'Held'}", "status_kind", "held"},
        {"{'id':'1','status':{'name':'Held'}}", "status", "Held"},
        {"{'id':'1','site':{'name':'Lyon'}}", "site", "Lyon"},
        {"{'id':'1','site':'Lyon'}", "site", "Lyon"},
        {"{'id':'1','offer':{'label':'X'}}", "offer", "X"},
        {"{'id':'1','offer':{'b':2,'a':1}}", "offer", "{\"a\":1,\"b\":2}"},
        {"{'id':'1','offer':{}}", "offer", NULL},
        {"{'id':'1','site':'a\\r\\nb\\u202ec'}", "site",
         "a b\xef\xbf\xbd"
         "c"},
        {"{'id':'1','committedDate':'2027-01-12'}", "committed_date", "2027-01-12"},
        {"{'id':'1','committedDate':'20270112'}", "committed_date", "2027-01-12"},
        {"{'id':'1','committedDate':'2027-01-12T09:00:00'}", "committed_date",
         "2027-01-12T08:00:00Z"},
        {"{'id':'1','committedDate':'2027-07-12T09:00:00'}", "committed_date",
         "2027-07-12T07:00:00Z"},
        {"{'id':'1','committedDate':'2027-01-12T09:00:00.5+01:00'}", "committed_date",
         "2027-01-12T08:00:00.500Z"},
        {"{'id':'1','committedDate':'mid January'}", "committed_date", "mid January"},
        {"{'id':'1','contact':{'name':'N','phone':33}}", "contact.phone", "33"},
        {"{'id':'1','contact':'N'}", "contact.name", "N"},
        {"{'id':'1','speed':1e2}", "extra.speed", "100"},
        {"{'id':'1','speed':true}", "extra.speed", "true"},
        {"{'id':'1','options':[3,{'b':1,'a':2}]}", "extra.options", "[3,{\"a\":2,\"b\":1}]"},
        {"{'id':'1','options':{'a':null,'b':'','c':[],'d':{'e':null},'f':0}}", "extra.options",
         "{\"f\":0}"},
        {"{'id':'1','options':{'a':null,'lastUpdate':'x'}}", "extra.options", NULL},
        {"{'id':'1','options':[{'id':'b'},{'id':'a','l':[{'id':2},{'id':10.0}]}]}", "extra.options",
         "[{\"id\":\"a\",\"l\":[{\"id\":10},{\"id\":2}]},{\"id\":\"b\"}]"},
        {"{'id':'1','options':[{'id':'b'},{'x':'a'},null]}", "extra.options",
         "[{\"id\":\"b\"},{\"x\":\"a\"},null]"},
        {"{'id':'1','options':['b','a']}", "extra.options", "[\"b\",\"a\"]"},
        {"{'id':'1','options':{'at':'2027-01-12T09:00:00.000+01:00'}}", "extra.options",
         "{\"at\":\"2027-01-12T08:00:00Z\"}"},
        {"{'id':'1','options':'2027-01-12t09:00+01:00'}", "extra.options", "2027-01-12T08:00:00Z"},
        {"{'id':'1','options':'20270112'}", "extra.options", "20270112"},
        {"{'id':'1','site':{'name':null}}", "site", NULL},
        {"{'id':'1','site':{'name':'','id':5}}", "site", "{\"id\":5}"},
        {"{'id':'1','options':[]}", "extra.options", NULL},
    };
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct record *record = world_record(&world, rows[i].json);
        const char *value = record_value(record, rows[i].name);
        if (!text_equal(value, rows[i].value)) {
            fail_msg("%s: %s is <%s>", rows[i].json, rows[i].name, value != NULL ? value : "NULL");
        }
    }
    world_fini(&world);
}

static void elements_that_cannot_be_trusted(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",          "[]",        "5",           "{'id':",     "{}", "{'id':null}",
        "{'id':''}", "{'id':{}}", "{'id':true}", "{'id':'1'}x"};
    struct world world;
    world_init(&world);
    struct extraction out;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (extract(&world, world_json(&world, rows[i]), &out) != STATUS_INVALID) {
            fail_msg("%s was taken", rows[i]);
        }
    }
    char id[RECORD_ID_MAX + 2];
    memset(id, 'x', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    const char *json = arena_format(world.arena, "{'id':'%s'}", id);
    assert_int_equal(extract(&world, world_json(&world, json), &out), STATUS_INVALID);
    json = arena_format(world.arena, "{'id':'%s'}", id + 1);
    assert_int_equal(extract(&world, world_json(&world, json), &out), STATUS_OK);
    world_fini(&world);
}

static void novelties(void **state)
{
    (void)state;
    static const struct {
        const char *json, *key; /* NULL: none */
    } rows[] = {
        {"{'id':'1','status':'InProgress'}", NULL},
        {"{'id':'1'}", NULL},
        {"{'id':'1','status':'Paused'}", "order.status:Paused"},
        {"{'id':'1','status':5}", "order.status:number"},
        {"{'id':'1','committedDate':1799740800}", "order.committed_date:number"},
        {"{'id':'1','committedDate':'soon'}", "order.committed_date:text"},
        {"{'id':'1','site':['a']}", "order.site:list"},
        {"{'id':'1','offer':{'x':1}}", "order.offer:object"},
        {"{'id':'1','reference':true}", "order.reference:bool"},
        {"{'id':'1','offer':{'name':'x'}}", NULL},
        {"{'id':'1','appointments':[{'id':'A','status':'EnRoute'}]}", "appointment.status:EnRoute"},
        {"{'id':'1','appointments':[{'id':'A','start':7}]}", "appointment.start:number"},
        {"{'id':'1','appointments':['A']}", "appointment:no object"},
        {"{'id':'1','committed_date':'2027-01-12'}", "order.committed_date:like committedDate"},
        {"{'id':'1','comittedDate':'2027-01-12'}", "order.comittedDate:like committedDate"},
        {"{'id':'1','Status':'Held'}", "order.Status:like status"},
        {"{'id':'1','stats':'x','notice':1,'estimatedDate':'2027-01-12'}", NULL},
        {"{'id':'1','appointments':[{'id':'A','Start':'x'}]}", "appointment.Start:like start"},
    };
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct extraction out;
        assert_int_equal(extract(&world, world_json(&world, rows[i].json), &out), STATUS_OK);
        const char *key = out.novelty_count != 0 ? out.novelties[0].key : NULL;
        if (!text_equal(key, rows[i].key)) {
            fail_msg("%s: <%s>", rows[i].json, key != NULL ? key : "NULL");
        }
    }
    world_fini(&world);
}

static void a_field_of_another_type_is_one_novelty(void **state)
{
    (void)state;
    static const char *const rows[] = {"{'id':'1','committedDate':{'x':1}}",
                                       "{'id':'1','committedDate':[5]}",
                                       "{'id':'1','status':5}",
                                       "{'id':'1','status':{'x':'y'}}",
                                       "{'id':'1','appointments':[{'id':'A','status':true}]}",
                                       "{'id':'1','appointments':[{'id':'A','end':5}]}"};
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct extraction out;
        assert_int_equal(extract(&world, world_json(&world, rows[i]), &out), STATUS_OK);
        assert_int_equal(out.novelty_count, 1);
    }
    world_fini(&world);
}

static void a_number_as_a_date_is_still_read(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    const struct record *record = world_record(&world, "{'id':'1','committedDate':1799740800}");
    assert_string_equal(record->fields[ORDER_COMMITTED_DATE], "2027-01-12T08:00:00Z");
    world_fini(&world);
}

static void fields_found_tell_of_members(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct extraction out;
    assert_int_equal(extract(&world,
                             world_json(&world, "{'id':'1','state':null,'site':'x',"
                                                "'contact':{'phone':'1'}}"),
                             &out),
                     STATUS_OK);
    assert_int_equal(out.fields_found,
                     1u << ORDER_STATUS | 1u << ORDER_SITE | 1u << ORDER_CONTACT_PHONE);
    world_fini(&world);
}

static void notes_are_oldest_first(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    const struct record *record = world_record(
        &world, "{'id':'1','note':[{'id':'n10','text':'d'},{'id':'n9','text':'c'},"
                "{'id':'z','date':'2026-11-02','text':'f'},{'id':'y','date':'2026-11-03',"
                "'text':'g'},{'date':'2026-11-01T10:00:00Z','text':'e'},'a',{'text':' '},"
                "{'text':'b\\r\\nc'}]}");
    static const char *const texts[] = {"a", "b\nc", "c", "d", "e", "f", "g"};
    assert_int_equal(record->note_count, ARRAY_COUNT(texts));
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_string_equal(record->notes[i].text, texts[i]);
    }
    world_fini(&world);
}

static void appointments(void **state)
{
    (void)state;
    static const struct {
        const char *json, *ids; /* with their starts */
    } rows[] = {
        {"[{'id':'B'},{'id':'A'}]", "A B "},
        {"{'id':'A'}", "A "},
        {"[{'id':5},{'id':5.0}]", "5 "},
        {"[{'start':'2027-02-01'},{'start':'2027-01-01'}]", "n1=2027-01-01 n2=2027-02-01 "},
        {"[{'id':'A','start':'2027-02-01'},{'id':'A','start':'2027-01-01'}]",
         "A=2027-01-01 A#2=2027-02-01 "},
        {"[{'id':'A','start':'2027-01-01'},{'id':'A','start':'2027-01-01'}]", "A=2027-01-01 "},
        {"[{'id':'A','validFor':{'startDateTime':'2027-01-12T09:00:00+01:00'}}]",
         "A=2027-01-12T08:00:00Z "},
        {"[]", ""},
        {"null", ""},
    };
    struct world world;
    world_init(&world);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct record *record = world_record(
            &world, arena_format(world.arena, "{'id':'1','appointments':%s}", rows[i].json));
        struct text ids;
        text_init(&ids, 1024);
        for (size_t j = 0; j < record->appointment_count; j++) {
            const char *start = record->appointments[j].fields[APPOINTMENT_START];
            text_addf(&ids, "%s%s%s ", record->appointments[j].id, start != NULL ? "=" : "",
                      start != NULL ? start : "");
        }
        assert_string_equal(text_cstr(&ids), rows[i].ids);
        text_fini(&ids);
    }
    world_fini(&world);
}

static void appointments_below_items(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    const struct record *record = world_record(
        &world, "{'id':'1','items':[{'appointment':{'id':'B'}},{},{'appointment':[{'id':'A'},"
                "{'id':'C'}]},{'appointment':{'id':'B'}}]}");
    assert_int_equal(record->appointment_count, 3);
    assert_string_equal(record->appointments[2].id, "C");
    world_fini(&world);
}

static void too_many_are_left_out(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct text json;
    text_init(&json, 65536);
    text_add_text(&json, "{'id':'1','appointments':[");
    for (int i = 0; i < 2 * APPOINTMENT_COUNT_MAX; i++) {
        text_addf(&json, "%s{'id':'%03d'}", i != 0 ? "," : "", i);
    }
    text_add_text(&json, "]}");
    const struct record *record = world_record(&world, text_cstr(&json));
    assert_int_equal(record->appointment_count, APPOINTMENT_COUNT_MAX);
    text_fini(&json);
    world_fini(&world);
}

static void long_texts_are_cut_with_a_mark(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    char *long_text = arena_alloc(world.arena, 100001);
    memset(long_text, 'x', 100000);
    const struct record *record =
        world_record(&world, arena_format(world.arena, "{'id':'1','site':'%s'}", long_text));
    const char *site = record->fields[ORDER_SITE];
    assert_true(strlen(site) <= RECORD_TEXT_MAX);
    assert_true(strlen(site) > RECORD_TEXT_MAX - 8);
    assert_string_equal(site + strlen(site) - 3, "\xe2\x80\xa6");
    world_fini(&world);
}

static void upper(struct span bytes, struct text *out)
{
    text_add_text(out, "normal:");
    text_add(out, bytes);
}

static void text_beyond_ascii_is_normalised(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct extractor extractor = {
        .profile = &world_profile, .zone = world.zone, .unicode = {.normalize = upper}};
    struct extraction out;
    struct failure why;
    struct span json =
        world_json(&world, "{'id':'\xc3\xa9','site':'\xc3\xa9','offer':'e','step':'\\u0000'}");
    assert_int_equal(extract_order(&extractor, json, world.arena, &out, &why), STATUS_OK);
    assert_string_equal(out.record.id, "\xc3\xa9");
    assert_string_equal(out.record.fields[ORDER_SITE], "normal:\xc3\xa9");
    assert_string_equal(out.record.fields[ORDER_OFFER], "e");
    world_fini(&world);
}

static void an_element_of_the_appointments_collection(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct extractor extractor = {.profile = &world_profile, .zone = world.zone};
    struct appointment_extraction out;
    struct failure why;
    struct span json = world_json(
        &world, "{'id':'A','status':'Confirmed','related':[{'x':1},{'id':'77'}],'start':7}");
    assert_int_equal(extract_appointment(&extractor, json, world.arena, &out, &why), STATUS_OK);
    assert_string_equal(out.order_id, "77");
    assert_string_equal(out.appointment.id, "A");
    assert_int_equal(out.appointment.kind, APPOINTMENT_CONFIRMED);
    assert_string_equal(out.novelties[0].key, "appointment.start:number");
    assert_int_equal(
        extract_appointment(&extractor, world_json(&world, "{'id':'A'}"), world.arena, &out, &why),
        STATUS_OK);
    assert_string_equal(out.order_id, "");
    static const char *const bad[] = {"{'orderId':'1'}", "[]", "{", "'A'"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_int_equal(
            extract_appointment(&extractor, world_json(&world, bad[i]), world.arena, &out, &why),
            STATUS_INVALID);
    }
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(elements_that_cannot_be_trusted),
        cmocka_unit_test(novelties),
        cmocka_unit_test(a_field_of_another_type_is_one_novelty),
        cmocka_unit_test(a_number_as_a_date_is_still_read),
        cmocka_unit_test(fields_found_tell_of_members),
        cmocka_unit_test(notes_are_oldest_first),
        cmocka_unit_test(appointments),
        cmocka_unit_test(appointments_below_items),
        cmocka_unit_test(too_many_are_left_out),
        cmocka_unit_test(long_texts_are_cut_with_a_mark),
        cmocka_unit_test(text_beyond_ascii_is_normalised),
        cmocka_unit_test(an_element_of_the_appointments_collection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
