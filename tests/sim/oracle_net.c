/* What a mail of several events says: the net result of each appointment, and the steps to it. */
#include "core/arena.h"
#include "core/date.h"
#include "core/json.h"
#include "core/message.h"

#include "tests/sim/oracle.h"

#include <string.h>
#include <time.h>

#define STEPS_SHOWN_MAX 12 /* of one order */

struct move {
    const char *order_id, *appointment_id, *from, *to;
    bool is_new; /* it came in this mail: nothing was before it */
};

static struct move *find_move(struct move *moves, size_t *count, const struct event *event)
{
    for (size_t i = 0; i < *count; i++) {
        if (text_equal(moves[i].order_id, event->order_id) &&
            text_equal(moves[i].appointment_id, event->appointment_id)) {
            return &moves[i];
        }
    }
    moves[*count] =
        (struct move){.order_id = event->order_id, .appointment_id = event->appointment_id};
    return &moves[(*count)++];
}

static void follow(struct oracle *oracle, struct move *moves, size_t *count,
                   const struct event *event)
{
    struct json *root = NULL;
    struct failure why;
    CHECK(json_parse(event->json, &root, &why) == STATUS_OK);
    struct move *move = find_move(moves, count, event);
    move->is_new |= event->type == EVENT_APPOINTMENT_CREATED;
    const struct json *changes = json_at(root, "/data/changes");
    for (const struct json *change = json_first(changes); change != NULL;
         change = json_next(change)) {
        const char *from = json_member_text(change, "from");
        const char *to = json_member_text(change, "to");
        if (text_equal(json_member_text(change, "field"), "start") && from != NULL && to != NULL) {
            move->from = move->from != NULL ? move->from : sim_copy_text(oracle->arena, from);
            move->to = sim_copy_text(oracle->arena, to);
        }
    }
    json_destroy(root);
}

/* By the C library, which knows nothing of the daemon's own dates; the simulated zone is UTC. */
static void add_instant(struct text *out, const char *canonical)
{
    char day[16];
    char rest[32];
    struct tm parts;
    time_t seconds = (time_t)(date_of(canonical).ms / 1000);
    CHECK(gmtime_r(&seconds, &parts) != NULL);
    CHECK(strftime(day, sizeof day, "%a", &parts) != 0);
    CHECK(strftime(rest, sizeof rest, "%b %H:%M UTC", &parts) != 0);
    text_addf(out, " %s %d %s", day, parts.tm_mday, rest);
}

/* Runs of blanks are one, for columns are not what is judged. */
static void squeeze(const char *plain, struct text *out)
{
    for (const char *at = plain; *at != '\0'; at++) {
        if (*at != ' ' || at[1] != ' ') {
            text_add_char(out, *at);
        }
    }
}

static void expect_net(const struct oracle *oracle, const struct move *move, const char *plain)
{
    struct text row;
    text_init(&row, 256);
    text_add_text(&row, "\nStart");
    add_instant(&row, move->from);
    add_instant(&row, move->to);
    if (strstr(plain, text_cstr(&row)) == NULL) {
        sim_violation(oracle->sim,
                      "order %s: its appointment %s went from %s to %s, and a mail of "
                      "several events says otherwise:\n%s",
                      move->order_id, move->appointment_id, move->from, move->to, plain);
    }
    text_fini(&row);
}

static size_t count_steps_due(const struct event *events, size_t count)
{
    size_t due = 0;
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        size_t before = 0;
        for (size_t j = 0; j < count; j++) {
            bool is_same = text_equal(events[i].order_id, events[j].order_id);
            same += is_same;
            before += is_same && j < i;
        }
        bool is_of_order = events[i].order_id[0] != '\0';
        due += is_of_order && same > 1 && before < STEPS_SHOWN_MAX;
    }
    return due;
}

static void expect_steps(const struct oracle *oracle, const struct event *events, size_t count,
                         const char *plain)
{
    size_t shown = 0;
    for (const char *at = strstr(plain, "\n* "); at != NULL; at = strstr(at + 1, "\n* ")) {
        shown++;
    }
    if (shown < count_steps_due(events, count)) {
        sim_violation(oracle->sim, "a mail of %zu events lists %zu steps:\n%s", count, shown,
                      plain);
    }
}

void oracle_judge_mail(struct oracle *oracle, const struct delivery *delivery,
                       const struct event *events)
{
    struct delivery told = *delivery;
    told.events = events;
    told.outlook = NULL; /* then each item of a list is a step */
    struct move *moves = arena_array(oracle->arena, delivery->event_count, sizeof *moves);
    size_t count = 0;
    for (size_t i = 0; i < delivery->event_count; i++) {
        if (events[i].appointment_id[0] != '\0') {
            follow(oracle, moves, &count, &events[i]);
        }
    }
    struct message message;
    struct failure why;
    message_init(&message);
    if (message_compose(&oracle->config->sinks[0], oracle->config, &told, oracle->sim->now.wall_ms,
                        &message, &why) != STATUS_OK) {
        sim_violation(oracle->sim, "a mail cannot be written: %s", why.detail);
    }
    struct text plain;
    text_init(&plain, (size_t)16 * 1024 * 1024);
    squeeze(text_cstr(&message.plain), &plain);
    for (size_t i = 0; i < count; i++) {
        if (!moves[i].is_new && moves[i].to != NULL && !text_equal(moves[i].from, moves[i].to)) {
            expect_net(oracle, &moves[i], text_cstr(&plain));
        }
    }
    expect_steps(oracle, events, delivery->event_count, text_cstr(&plain));
    text_fini(&plain);
    message_fini(&message);
}
