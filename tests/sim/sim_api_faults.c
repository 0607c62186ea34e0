#include "core/date.h"

#include "tests/sim/sim_api_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- the error table -------------------------------------------------------------------------- */

enum verdict {
    JUST_FAILED,
    THROTTLED, /* half of what was allowed is allowed now */
    REFUSED,   /* credentials or access: slow probes from now on */
};

struct row {
    int http_code, code; /* code 0: none is given */
    enum verdict verdict;
};

/* domain.md section 2, and the API's own number for throttling under any status. A 401 may be the
 * token's age: a fresh one is tried at once. */
static const struct row rows[] = {
    {400, 20, JUST_FAILED}, {400, 22, JUST_FAILED},  {400, 25, REFUSED},     {400, 26, REFUSED},
    {400, 27, JUST_FAILED}, {400, 28, JUST_FAILED},  {401, 40, JUST_FAILED}, {401, 41, JUST_FAILED},
    {401, 42, JUST_FAILED}, {403, 50, REFUSED},      {403, 51, REFUSED},     {403, 52, REFUSED},
    {404, 60, JUST_FAILED}, {405, 61, JUST_FAILED},  {406, 62, JUST_FAILED}, {408, 63, JUST_FAILED},
    {415, 68, JUST_FAILED}, {422, 100, JUST_FAILED}, {500, 1, JUST_FAILED},  {502, 0, JUST_FAILED},
    {503, 5, JUST_FAILED},  {503, 6, JUST_FAILED},   {504, 69, JUST_FAILED}, {429, 0, THROTTLED},
    {429, 53, THROTTLED},   {403, 53, THROTTLED},    {503, 53, THROTTLED},   {400, 53, THROTTLED},
    {404, 53, THROTTLED},   {500, 53, THROTTLED},
};

/* False: nothing of the table is in it, only the status counts. */
static bool add_error_body(struct sim *sim, const struct row *row, struct text *out)
{
    int64_t form = random_below(&sim->random, row->code != 0 ? 8 : 3);
    switch (form) {
    case 0:
        text_add_text(out, "<html><body>Sorry</body></html>");
        return false;
    case 1:
        return false;
    case 2:
        text_addf(out, "{\"code\":%d,\"mess", row->code);
        return false;
    case 3:
        text_addf(out, "{\"code\":\"%d\",\"message\":\"as text\"}", row->code);
        return true;
    case 4:
        text_addf(out, "[{\"code\":%d,\"message\":\"in a list\",\"description\":\"\"}]", row->code);
        return true;
    case 5:
        text_addf(out, "{\"code\":\"%d\",\"reason\":\"TMF\",\"status\":\"%d\"}", row->code,
                  row->http_code);
        return true;
    default:
        text_addf(out, "{\"code\":%d,\"message\":\"plain\",\"description\":\"\\u0007 said\"}",
                  row->code);
        return true;
    }
}

static void ask_to_wait(struct sim_api_port *port, struct answer *answer)
{
    struct sim *sim = port->api->sim;
    int64_t seconds = sim_between(sim, 1, 100);
    int64_t wait_ms = seconds * 1000;
    switch (random_below(&sim->random, 5)) {
    case 0:
        return;
    case 1: {
        static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
        int64_t at = sim->now.wall_ms - sim->now.wall_ms % 1000 + wait_ms;
        struct civil civil = civil_of(at);
        (void)snprintf(answer->retry_after, sizeof answer->retry_after,
                       "%s, %02d %s %04d %02d:%02d:%02d GMT", days[civil.weekday], civil.day,
                       months[civil.month - 1], civil.year, civil.hour, civil.minute, civil.second);
        wait_ms = at - sim->now.wall_ms;
        break;
    }
    case 2:
        (void)snprintf(answer->retry_after, sizeof answer->retry_after, "%s",
                       sim_chance(sim, 500) ? "soon" : "-5");
        wait_ms = 0;
        break;
    default:
        (void)snprintf(answer->retry_after, sizeof answer->retry_after, "%" PRId64, seconds);
        break;
    }
    answer->response.retry_after = answer->retry_after;
    port->not_before_mono_ms = sim->now.mono_ms + wait_ms;
}

/* Of what throttling takes away a tenth comes back each hour. */
static void note_throttling(struct sim_api_port *port)
{
    uint32_t whole = port->api->source->budget.count;
    int64_t now = port->api->sim->now.mono_ms;
    int64_t hours = port->throttled_mono_ms != 0 ? (now - port->throttled_mono_ms) / HOUR_MS : 0;
    int64_t limit = port->limit + hours * (whole / 10 + 1);
    limit = limit < whole ? limit : whole;
    port->limit = limit > 1 ? (uint32_t)limit / 2 : 1;
    port->throttled_mono_ms = now;
    port->api->throttled_count++;
    sim_trace(port->api->sim, "api: throttled to %" PRIu32, port->limit);
}

static void refuse(struct sim_api_port *port, bool is_page, struct answer *answer)
{
    struct sim *sim = port->api->sim;
    const struct row *row = &rows[random_below(&sim->random, (int64_t)ARRAY_COUNT(rows))];
    sim_answer_code(answer, row->http_code, "");
    bool says_code = add_error_body(sim, row, &answer->body);
    bool is_plain = row->code != 53 || row->http_code == 429; /* its status alone says it */
    if (row->verdict == THROTTLED && (says_code || is_plain)) {
        note_throttling(port);
    }
    if (row->verdict == REFUSED && is_page && (says_code || row->http_code == 403)) {
        port->refused_until_mono_ms = sim->now.mono_ms + 5 * MINUTE_MS;
        port->api->refused_count++;
    }
    if (row->http_code == 429 || row->http_code == 503) {
        ask_to_wait(port, answer);
    }
}

void sim_spoil(struct sim_api_port *port, bool is_page, struct answer *answer)
{
    struct sim *sim = port->api->sim;
    switch (random_below(&sim->random, 9)) {
    case 0:
        answer->body.size = answer->body.size * 2 / 3;
        break;
    case 1:
        sim_answer_code(answer, 200, "<html><body>Maintenance</body></html>");
        break;
    case 2:
        if (port->api->total_lie == 0) { /* else nothing shows that it is not the end */
            sim_answer_code(answer, 200, "[]");
        }
        break;
    case 3:
        answer->response.status = STATUS_UNAVAILABLE;
        answer->response.detail = "timed out";
        break;
    case 4:
        (void)snprintf(answer->total, sizeof answer->total, "%" PRId64, sim_between(sim, 0, 60));
        break;
    default:
        refuse(port, is_page, answer);
        break;
    }
    sim_trace(sim, "api: spoilt, %d, retry after %s", answer->response.http_code,
              answer->retry_after);
}

/* --- the token server ------------------------------------------------------------------------- */

/* What it says of the token's life, which is not always what that is. Gives for how long nobody has
 * a reason to ask for another one. */
static int64_t add_lifetime(struct sim *sim, int64_t seconds, struct text *out)
{
    static const char *const odd[] = {"0", "-3600", "\"-1\"", "\"soon\"", "null", "{}", "\"\""};
    switch (random_below(&sim->random, 5)) {
    case 0: {
        const char *value = odd[random_below(&sim->random, (int64_t)ARRAY_COUNT(odd))];
        text_addf(out, ",\"expires_in\":%s}", value);
        return 30000;
    }
    case 1:
        text_add_char(out, '}');
        return 30000;
    case 2:
        text_addf(out, ",\"expires_in\":\"%" PRId64 "\"}", seconds);
        return seconds * 1000 / 2;
    default:
        text_addf(out, ",\"expires_in\":%" PRId64 "}", seconds);
        return seconds * 1000 / 2;
    }
}

void sim_answer_token(struct sim_api_port *port, struct answer *answer)
{
    struct sim_api *api = port->api;
    struct sim *sim = api->sim;
    if (sim_chance(sim, api->token_fault_permille)) {
        static const int codes[] = {500, 503, 429, 200};
        sim_answer_code(answer, codes[random_below(&sim->random, (int64_t)ARRAY_COUNT(codes))],
                        "{\"error\":\"temporarily_unavailable\"}");
        if (answer->response.http_code == 429) {
            note_throttling(port);
        }
        return;
    }
    int64_t seconds = sim_between(sim, 120, 900);
    api->token_number++;
    api->token_expires_mono_ms = sim->now.mono_ms + seconds * 1000;
    text_addf(&answer->body, "\n{\"token_type\":\"Bearer\",\"access_token\":\"T%" PRId64 "\"",
              api->token_number);
    int64_t fresh_ms = add_lifetime(sim, seconds, &answer->body);
    port->token_fresh_until_mono_ms = sim->now.mono_ms + fresh_ms;
}
