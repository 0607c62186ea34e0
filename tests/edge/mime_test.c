/* What leaves as a mail, judged by Python's mail parser. */
#include "core/json.h"
#include "edge/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sink_config sink_with(const char *from, const char *const *to, size_t count)
{
    return (struct sink_config){
        .name = "project-managers",
        .email = {.from = from, .to = to, .to_count = count, .host = "example.com"}};
}

static void fill(struct message *message, const char *subject, const char *plain, const char *html)
{
    message_init(message);
    text_add_text(&message->subject, subject);
    text_add_text(&message->plain, plain);
    text_add_text(&message->html, html);
    text_add_text(&message->message_id, "e1.project-managers@example.com");
    text_add_text(&message->root_id, "r1.project-managers@example.com");
    text_add_text(&message->event_ids, "e1 e2");
}

/* Composes the mail and has it read back. */
static struct json *judge(const struct mime_facts *facts, struct text *bytes)
{
    struct failure why = {.detail = ""};
    enum status status = mime_compose(facts, bytes, &why);
    assert_string_equal("", why.detail);
    assert_int_equal(STATUS_OK, status);
    char path[] = "/tmp/orderwatch-mime-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "wb");
    assert_int_equal(bytes->size, fwrite(text_cstr(bytes), 1, bytes->size, file));
    assert_int_equal(0, fclose(file));
    char command[256];
    (void)snprintf(command, sizeof command, "/usr/bin/python3 tests/support/mail_parse.py %s",
                   path);
    FILE *judged = popen(command, "r");
    assert_non_null(judged);
    struct text verdict;
    text_init(&verdict, (size_t)32 << 20);
    char chunk[65536];
    size_t got = 0;
    while ((got = fread(chunk, 1, sizeof chunk, judged)) > 0) {
        text_add(&verdict, (struct span){.data = chunk, .size = got});
    }
    assert_int_equal(0, pclose(judged));
    (void)remove(path);
    struct json *root = NULL;
    assert_int_equal(STATUS_OK, json_parse(text_span(&verdict), &root, &why));
    text_fini(&verdict);
    return root;
}

static const char *header(const struct json *root, const char *name)
{
    for (const struct json *entry = json_first(json_member(root, "headers")); entry != NULL;
         entry = json_next(entry)) {
        if (span_is(json_text(json_first(entry)), name)) {
            return json_text(json_next(json_first(entry))).data;
        }
    }
    return NULL;
}

static const char *content(const struct json *root, int index)
{
    const struct json *part = json_first(json_member(root, "parts"));
    for (int i = 0; i < index; i++) {
        part = json_next(part);
    }
    return json_member_text(part, "content");
}

static void assert_flawless(const struct json *root)
{
    assert_int_equal(0, json_count(json_member(root, "faults")));
    assert_int_equal(0, json_count(json_member(root, "defects")));
}

static const char *const one[] = {"projects@example.com"};

static void a_usual_mail(void **state)
{
    (void)state;
    static const char *const to[] = {"projects@example.com", "Équipe \"Sud\" <sud@example.com>"};
    struct sink_config sink = sink_with("Order watch <orderwatch@example.com>", to, 2);
    struct message message;
    fill(&message, "[orderwatch] Commande 12 (Évry) : déplacé", "Bonjour à tous.\nFin.\n",
         "<p>Bonjour à tous.</p>\n");
    message.is_critical = true;
    struct mime_facts facts = {
        .message = &message, .sink = &sink, .date_wall_ms = INT64_C(1795421730123)};
    struct text bytes;
    text_init(&bytes, 1 << 20);
    struct json *root = judge(&facts, &bytes);
    assert_flawless(root);
    assert_string_equal("[orderwatch] Commande 12 (Évry) : déplacé",
                        json_member_text(root, "subject"));
    assert_string_equal("multipart/alternative", json_member_text(root, "type"));
    assert_string_equal("Mon, 23 Nov 2026 08:15:30 +0000", header(root, "Date"));
    assert_string_equal("<e1.project-managers@example.com>", header(root, "Message-Id"));
    assert_string_equal("<r1.project-managers@example.com>", header(root, "In-Reply-To"));
    assert_string_equal("<r1.project-managers@example.com>", header(root, "References"));
    assert_string_equal("auto-generated", header(root, "Auto-Submitted"));
    assert_string_equal("e1 e2", header(root, "X-Orderwatch-Event"));
    assert_string_equal("<project-managers.orderwatch.example.com>", header(root, "List-Id"));
    assert_string_equal("high", header(root, "Importance"));
    assert_string_equal("Bonjour à tous.\nFin.\n", content(root, 0));
    assert_string_equal("<p>Bonjour à tous.</p>\n", content(root, 1));
    assert_int_equal(2, json_count(json_member(root, "to")));
    json_destroy(root);
    text_fini(&bytes);
    message_fini(&message);
}

static void a_calendar_comes_last(void **state)
{
    (void)state;
    struct sink_config sink = sink_with("orderwatch@example.com", one, 1);
    struct message message;
    fill(&message, "x", "plain\n", "<p>html</p>\n");
    const struct mime_calendar calendars[] = {
        {.body = span_of("BEGIN:VCALENDAR\r\nSUMMARY:é\r\nEND:VCALENDAR\r\n"), .method = "PUBLISH"},
        {.body = span_of("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"), .method = "CANCEL"}};
    struct mime_facts facts = {
        .message = &message, .sink = &sink, .calendars = calendars, .calendar_count = 1};
    struct text bytes;
    text_init(&bytes, 1 << 20);
    struct json *root = judge(&facts, &bytes);
    assert_flawless(root);
    const struct json *part = json_at(root, "/parts/2");
    assert_string_equal("text/calendar", json_member_text(part, "type"));
    assert_string_equal("PUBLISH", json_member_text(part, "method"));
    assert_string_equal("utf-8", json_member_text(part, "charset"));
    assert_string_equal("BEGIN:VCALENDAR\nSUMMARY:é\nEND:VCALENDAR\n", content(root, 2));
    assert_string_equal("multipart/alternative", json_member_text(root, "type"));
    json_destroy(root);
    facts.calendar_count = 2;
    text_clear(&bytes);
    root = judge(&facts, &bytes);
    assert_flawless(root);
    assert_string_equal("multipart/mixed", json_member_text(root, "type"));
    assert_string_equal("CANCEL", json_member_text(json_at(root, "/parts/3"), "method"));
    json_destroy(root);
    text_fini(&bytes);
    message_fini(&message);
}

/* Whatever a field holds: the headers that we write are the only ones, and the words come through.
 */
static void hostile_text_changes_no_framing(void **state)
{
    (void)state;
    static const struct {
        const char *subject, *expected;
    } cases[] = {
        {"Order 1\r\nBcc: evil@example.com", NULL},
        {"Order 1\nContent-Type: text/html", NULL},
        {"=?utf-8?q?=0D=0ABcc:_evil=40example.com?=", "=?utf-8?q?=0D=0ABcc:_evil=40example.com?="},
        {"a =?utf-8?b?aGk=?= é b", "a =?utf-8?b?aGk=?= é b"},
        {"=?utf-8?q?one?= =?utf-8?q?two?=", "=?utf-8?q?one?= =?utf-8?q?two?="},
        {"ends in =?", "ends in =?"},
        {"=?bad?q?x", "=?bad?q?x"},
        {"tab\there and \x01 control", NULL},
        {"\xe2\x80\xae desrever", NULL},
        {"\xff\xfe not UTF-8", NULL},
        {"   leading and trailing   ", NULL},
        {"", NULL},
    };
    struct sink_config sink = sink_with("orderwatch@example.com", one, 1);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct message message;
        fill(&message, cases[i].subject, "plain\n", "<p>html</p>\n");
        struct mime_facts facts = {.message = &message, .sink = &sink};
        struct text bytes;
        text_init(&bytes, 1 << 20);
        struct json *root = judge(&facts, &bytes);
        assert_flawless(root);
        assert_null(header(root, "Bcc"));
        assert_null(header(root, "bcc"));
        assert_int_equal(1, json_count(json_member(root, "to")));
        assert_string_equal("multipart/alternative", json_member_text(root, "type"));
        if (cases[i].expected != NULL) {
            assert_string_equal(cases[i].expected, json_member_text(root, "subject"));
        }
        json_destroy(root);
        text_fini(&bytes);
        message_fini(&message);
    }
}

static void hostile_bodies_come_through(void **state)
{
    (void)state;
    struct sink_config sink = sink_with("orderwatch@example.com", one, 1);
    struct text plain;
    text_init(&plain, 1 << 20);
    text_add_text(&plain, ".\n..\n.\r\n.\rFrom here\nFrom: there\n--boundary--\n=3D =\n\ttab \n");
    for (int i = 0; i < 100000; i++) {
        text_add_char(&plain, 'n');
    }
    text_add_text(&plain, "\nlast line without end");
    struct message message;
    fill(&message, "x", text_cstr(&plain), "<p>.</p>");
    struct mime_facts facts = {.message = &message, .sink = &sink};
    struct text bytes;
    text_init(&bytes, 1 << 21);
    struct json *root = judge(&facts, &bytes);
    assert_flawless(root);
    static const char expected[] =
        ".\n..\n.\n.\nFrom here\nFrom: there\n--boundary--\n=3D =\n\ttab \nnnnnn";
    const char *got = content(root, 0);
    assert_memory_equal(expected, got, sizeof expected - 1);
    assert_string_equal("\nlast line without end", strrchr(got, '\n'));
    json_destroy(root);
    text_fini(&bytes);
    text_fini(&plain);
    message_fini(&message);
}

static void long_headers_are_folded(void **state)
{
    (void)state;
    struct sink_config sink = sink_with("orderwatch@example.com", one, 1);
    struct message message;
    struct text name;
    text_init(&name, 1 << 20);
    for (int i = 0; i < 50000; i++) {
        text_add_text(&name, "é");
    }
    fill(&message, "", "plain\n", "<p>html</p>\n");
    text_fini(&message.subject);
    message.subject = name;
    text_clear(&message.event_ids);
    for (int i = 0; i < BUNDLE_EVENTS_MAX; i++) {
        text_addf(&message.event_ids, "%s%032d", i == 0 ? "" : " ", i);
    }
    struct mime_facts facts = {.message = &message, .sink = &sink};
    struct text bytes;
    text_init(&bytes, 1 << 20);
    struct json *root = judge(&facts, &bytes);
    assert_flawless(root);
    const char *ids = header(root, "X-Orderwatch-Event");
    assert_string_equal(text_cstr(&message.event_ids), ids);
    json_destroy(root);
    text_fini(&bytes);
    message_fini(&message);
}

static void check_mailbox(const char *mailbox, const char *expected)
{
    struct text address;
    text_init(&address, 512);
    struct failure why;
    enum status status = mime_check_mailbox(mailbox, &address, &why);
    if (expected != NULL) {
        assert_int_equal(STATUS_OK, status);
        assert_string_equal(expected, text_cstr(&address));
    } else if (status == STATUS_OK) {
        fail_msg("'%s' was taken as %s", mailbox, text_cstr(&address));
    }
    text_fini(&address);
}

static void mailboxes(void **state)
{
    (void)state;
    static const struct {
        const char *mailbox, *address;
    } cases[] = {
        {"a@b.example", "a@b.example"},
        {"Name <first.last+tag@mail.b.example>", "first.last+tag@mail.b.example"},
        {"\"Last, First\" <a@b.example>", "a@b.example"},
        {"Équipe <a@b.example>", "a@b.example"},
        {"root@localhost", "root@localhost"},
        {"a@b.example, c@d.example", NULL},
        {"group: a@b.example;", NULL},
        {"a@b.example\r\nBcc: c@d.example", NULL},
        {"a@b.example>\r\nRCPT TO:<c@d.example", NULL},
        {"\"a\r\n\"@b.example", NULL},
        {"\"quoted words\"@b.example", NULL},
        {"a@[127.0.0.1]", NULL},
        {"a..b@c.example", NULL},
        {"a@b..example", NULL},
        {"a@", NULL},
        {"@b.example", NULL},
        {"nobody", NULL},
        {"", NULL},
        {"<>", NULL},
        {"\xff@b.example", NULL},
        {"é@b.example", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        check_mailbox(cases[i].mailbox, cases[i].address);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_usual_mail),
        cmocka_unit_test(a_calendar_comes_last),
        cmocka_unit_test(hostile_text_changes_no_framing),
        cmocka_unit_test(hostile_bodies_come_through),
        cmocka_unit_test(long_headers_are_folded),
        cmocka_unit_test(mailboxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
