#include "mqtt_post.h"

#include "core/hash.h"
#include "core/mqtt_topic.h"
#include "edge/loop.h"
#include "mqtt_reason.h"
#include "mqtt_suspect.h"
#include "mqtt_withheld.h"

#include <uv.h>

#include <stdlib.h>
#include <string.h>

#define TOPIC_BYTES_MAX 65535
#define PAYLOAD_BYTES_MAX ((size_t)4 * EVENT_BYTES_MAX)
/* So many one by one after a loss that a message may have caused: all that were on their way. */
#define CAREFUL_COUNT 40

enum letter_state { LETTER_WAITS, LETTER_SENT, LETTER_ENDED };

/* One message from its asking to its done. */
struct letter {
    struct letter *next;
    send_done_fn *on_done;
    void *arg;
    enum letter_state state;
    bool is_retained, is_withheld, is_event;
    struct event event; /* its texts are not kept: json stands in payload */
    struct text topic, payload;
    int message_id;
    int64_t sent_mono_ms;
    enum send_outcome outcome;
    struct failure detail;
};

struct mqtt_post {
    const struct sink_config *config;
    uv_timer_t end_timer; /* a done never comes from inside the call that asked */
    struct letter *first, **last_link;
    uint32_t sent_count;
    int64_t up_mono_ms;
    bool is_warned; /* the broker hung up on what was on its way, and was there again at once */
    uint32_t careful_count; /* answers until more than one is on its way again */
    struct mqtt_suspects suspects;
    struct mqtt_withheld withheld;
    closed_fn *on_closed; /* NULL: open */
    void *closed_arg;
};

static void on_timer_closed(uv_handle_t *handle)
{
    struct mqtt_post *post = handle->data;
    post->on_closed(post->closed_arg);
    mqtt_withheld_fini(&post->withheld);
    free(post);
}

static void close_when_empty(struct mqtt_post *post)
{
    uv_handle_t *handle = (uv_handle_t *)&post->end_timer;
    if (post->on_closed != NULL && post->first == NULL && !uv_is_closing(handle)) {
        uv_close(handle, on_timer_closed);
    }
}

static void unlink_letter(struct mqtt_post *post, struct letter **link)
{
    struct letter *letter = *link;
    *link = letter->next;
    if (post->last_link == &letter->next) {
        post->last_link = link;
    }
    post->sent_count -= letter->state == LETTER_SENT ? 1 : 0;
}

static void note_state(struct mqtt_post *post, const struct letter *letter)
{
    bool is_accepted = letter->outcome == SEND_ACCEPTED;
    bool is_over = is_accepted || letter->outcome == SEND_REJECTED;
    if (letter->is_withheld && is_over) {
        mqtt_withheld_add(&post->withheld, text_cstr(&letter->topic));
    } else if (is_accepted || (is_over && letter->payload.size == 0)) {
        mqtt_withheld_remove(&post->withheld, text_cstr(&letter->topic));
    }
}

/* The letter is no longer in the list. */
static void tell(struct mqtt_post *post, struct letter *letter)
{
    if (letter->is_retained) {
        note_state(post, letter);
    }
    const struct send_result result = {.at = loop_instant(post->end_timer.loop),
                                       .outcome = letter->outcome,
                                       .detail = letter->detail.detail};
    letter->on_done(letter->arg, &result);
    text_fini(&letter->topic);
    text_fini(&letter->payload);
    free(letter);
}

/* Takes those out first that ended, so that a done may ask again. */
static void on_end_timer(uv_timer_t *timer)
{
    struct mqtt_post *post = timer->data;
    struct letter *ended = NULL;
    struct letter **ended_link = &ended;
    for (struct letter **link = &post->first; *link != NULL;) {
        struct letter *letter = *link;
        if (letter->state != LETTER_ENDED) {
            link = &letter->next;
            continue;
        }
        unlink_letter(post, link);
        letter->next = NULL;
        *ended_link = letter;
        ended_link = &letter->next;
    }
    while (ended != NULL) {
        struct letter *letter = ended;
        ended = letter->next;
        tell(post, letter);
    }
    close_when_empty(post);
}

static void end_later(struct mqtt_post *post, struct letter *letter, enum send_outcome outcome)
{
    post->sent_count -= letter->state == LETTER_SENT ? 1 : 0;
    letter->state = LETTER_ENDED;
    letter->outcome = outcome;
    CHECK(uv_timer_start(&post->end_timer, on_end_timer, 0, 0) == 0);
}

struct mqtt_post *mqtt_post_create(struct uv_loop_s *uv, const struct sink_config *config)
{
    struct mqtt_post *post = alloc(sizeof *post);
    post->config = config;
    post->last_link = &post->first;
    CHECK(uv_timer_init(uv, &post->end_timer) == 0);
    post->end_timer.data = post;
    return post;
}

static struct letter *add_letter(struct mqtt_post *post, send_done_fn *on_done, void *arg)
{
    CHECK(post->on_closed == NULL);
    struct letter *letter = alloc(sizeof *letter);
    letter->on_done = on_done;
    letter->arg = arg;
    text_init(&letter->topic, TOPIC_BYTES_MAX);
    text_init(&letter->payload, PAYLOAD_BYTES_MAX);
    *post->last_link = letter;
    post->last_link = &letter->next;
    return letter;
}

static void refuse_if_too_large(struct mqtt_post *post, struct letter *letter)
{
    bool fits = letter->topic.status == STATUS_OK && letter->payload.status == STATUS_OK;
    size_t limit = post->config->mqtt.message_bytes_max;
    if (fits && limit != 0 && letter->payload.size > limit) {
        (void)fail(&letter->detail, STATUS_TOO_LARGE,
                   "%zu bytes are more than message_limit; raise it with the broker's own limit, "
                   "or send less (fields)",
                   letter->payload.size);
        end_later(post, letter, SEND_REJECTED);
    } else if (!fits) {
        (void)fail(&letter->detail, STATUS_TOO_LARGE,
                   "the topic or the payload is longer than MQTT allows");
        end_later(post, letter, SEND_REJECTED);
    }
}

static uint64_t fingerprint(const struct letter *letter)
{
    return hash64(text_span(&letter->topic)) ^ hash64(text_span(&letter->payload));
}

/* What this broker hangs up on: it was sent often enough. */
static void refuse(struct mqtt_post *post, struct letter *letter)
{
    (void)fail(&letter->detail, STATUS_INVALID,
               "the broker hangs up when this is sent (%zu bytes): it may be larger than this "
               "broker takes; raise its limit, or send less (fields)",
               letter->topic.size + letter->payload.size);
    end_later(post, letter, SEND_REJECTED);
}

void mqtt_post_add_event(struct mqtt_post *post, const struct event *event, send_done_fn *on_done,
                         void *arg)
{
    struct letter *letter = add_letter(post, on_done, arg);
    mqtt_topic_event(post->config->mqtt.prefix, event, &letter->topic);
    if (event_add_filtered(event, &post->config->fields, &letter->payload, &letter->detail) !=
        STATUS_OK) {
        end_later(post, letter, SEND_REJECTED);
        return;
    }
    letter->is_event = true;
    letter->event = (struct event){
        .type = event->type, .severity = event->severity, .json = text_span(&letter->payload)};
    memcpy(letter->event.id, event->id, sizeof letter->event.id);
    refuse_if_too_large(post, letter);
}

void mqtt_post_add_retained(struct mqtt_post *post, const struct retained *retained,
                            send_done_fn *on_done, void *arg)
{
    struct letter *letter = add_letter(post, on_done, arg);
    letter->is_retained = true;
    letter->is_withheld = retained->is_withheld;
    mqtt_topic_retained(post->config->mqtt.prefix, retained, &letter->topic);
    text_add(&letter->payload, retained->payload);
    refuse_if_too_large(post, letter);
    /* The rest of its order's state must get its turn. An event is sent again by hand alone. */
    if (letter->state == LETTER_WAITS &&
        mqtt_suspects_is_convict(&post->suspects, fingerprint(letter))) {
        refuse(post, letter);
    }
}

static void send_letter(struct mqtt_post *post, struct mqtt_connection *connection,
                        struct letter *letter)
{
    const struct mqtt_message message = {
        .topic = text_cstr(&letter->topic),
        .payload = text_span(&letter->payload),
        .is_retained = letter->is_retained,
        .event = letter->is_event ? &letter->event : NULL,
    };
    enum status status =
        mqtt_connection_publish(connection, &message, &letter->message_id, &letter->detail);
    if (status == STATUS_OK) {
        letter->state = LETTER_SENT;
        letter->sent_mono_ms = loop_instant(post->end_timer.loop).mono_ms;
        post->sent_count++;
        return;
    }
    bool is_final = status == STATUS_TOO_LARGE || status == STATUS_INVALID;
    end_later(post, letter, is_final ? SEND_REJECTED : SEND_OFFLINE);
}

void mqtt_post_begin(struct mqtt_post *post)
{
    post->up_mono_ms = loop_instant(post->end_timer.loop).mono_ms;
    post->careful_count = post->is_warned ? CAREFUL_COUNT : 0;
}

static bool is_suspect(const struct mqtt_post *post, const struct letter *letter)
{
    return post->suspects.count != 0 && mqtt_suspects_has(&post->suspects, fingerprint(letter));
}

/* The first one of those; NULL: none. */
static struct letter *find_suspect(const struct mqtt_post *post, enum letter_state state)
{
    struct letter *letter = post->suspects.count != 0 ? post->first : NULL;
    while (letter != NULL && (letter->state != state || !is_suspect(post, letter))) {
        letter = letter->next;
    }
    return letter;
}

static void send_others(struct mqtt_post *post, struct mqtt_connection *connection)
{
    uint32_t window = post->careful_count != 0 ? 1 : post->config->in_flight_max;
    for (struct letter *letter = post->first; letter != NULL && post->sent_count < window;
         letter = letter->next) {
        if (letter->state == LETTER_WAITS && !is_suspect(post, letter)) {
            send_letter(post, connection, letter);
        }
    }
}

/* A suspect is sent alone, and by a connection that has shown that it holds: so it is known whether
 * the broker hangs up because of it. */
int64_t mqtt_post_flush(struct mqtt_post *post, struct mqtt_connection *connection)
{
    struct letter *suspect = find_suspect(post, LETTER_WAITS);
    int64_t held_ms = loop_instant(post->end_timer.loop).mono_ms - post->up_mono_ms;
    bool is_early = held_ms < MQTT_WELL_MS_MIN;
    if (find_suspect(post, LETTER_SENT) != NULL) {
        return 0;
    }
    if (suspect != NULL && !is_early) {
        if (post->sent_count == 0) {
            send_letter(post, connection, suspect);
        }
        return 0;
    }
    if (post->careful_count == 0 || !is_early) {
        send_others(post, connection);
    }
    bool is_waiting = is_early && (suspect != NULL || post->careful_count != 0);
    return is_waiting ? MQTT_WELL_MS_MIN - held_ms : 0;
}

void mqtt_post_describe(const struct mqtt_post *post, struct text *out)
{
    mqtt_withheld_describe(&post->withheld, out);
}

bool mqtt_post_is_quiet(const struct mqtt_post *post)
{
    return post->sent_count == 0;
}

static void note_answer(struct mqtt_post *post, const struct letter *letter)
{
    mqtt_suspects_clear(&post->suspects, fingerprint(letter));
    post->careful_count -= post->careful_count != 0 ? 1 : 0;
    post->is_warned = post->careful_count != 0;
}

void mqtt_post_acknowledge(struct mqtt_post *post, int message_id, int code, const char *words)
{
    for (struct letter **link = &post->first; *link != NULL; link = &(*link)->next) {
        struct letter *letter = *link;
        if (letter->state != LETTER_SENT || letter->message_id != message_id) {
            continue;
        }
        unlink_letter(post, link);
        note_answer(post, letter);
        enum send_outcome refused = mqtt_reason_is_final(code) ? SEND_REJECTED : SEND_TRY_LATER;
        letter->outcome = mqtt_reason_is_refusal(code) ? refused : SEND_ACCEPTED;
        (void)fail(&letter->detail, STATUS_OK, "%s", words);
        tell(post, letter);
        return;
    }
}

static struct letter *lone_letter(const struct mqtt_post *post)
{
    struct letter *letter = post->sent_count == 1 ? post->first : NULL;
    while (letter != NULL && letter->state != LETTER_SENT) {
        letter = letter->next;
    }
    return letter;
}

static void accuse(struct mqtt_post *post, struct letter *letter, enum suspicion suspicion)
{
    switch (suspicion) {
    case SUSPICION_BEGINS:
        break;
    case SUSPICION_GROWS:
        (void)fail(&letter->detail, STATUS_UNAVAILABLE,
                   "the broker hung up when this was sent (%zu bytes)",
                   letter->topic.size + letter->payload.size);
        end_later(post, letter, SEND_TRY_LATER);
        break;
    case SUSPICION_SURE:
        if (letter->is_retained) {
            mqtt_suspects_convict(&post->suspects, fingerprint(letter));
        }
        refuse(post, letter);
        break;
    }
}

bool mqtt_post_suspect(struct mqtt_post *post, const struct mqtt_loss *loss)
{
    struct letter *letter = lone_letter(post);
    post->is_warned = loss->was_up && (post->sent_count != 0 || post->is_warned);
    if (letter == NULL) {
        return false;
    }
    const struct mqtt_lone_loss lone = {.message = fingerprint(letter),
                                        .up_mono_ms = post->up_mono_ms,
                                        .sent_mono_ms = letter->sent_mono_ms,
                                        .lost_mono_ms = loop_instant(post->end_timer.loop).mono_ms,
                                        .reason = loss->reason};
    enum suspicion suspicion = mqtt_suspects_judge(&post->suspects, &lone);
    accuse(post, letter, suspicion);
    return suspicion == SUSPICION_SURE || mqtt_lone_loss_is_sudden(&lone);
}

void mqtt_post_give_up(struct mqtt_post *post, const char *detail)
{
    for (struct letter *letter = post->first; letter != NULL; letter = letter->next) {
        if (letter->state != LETTER_ENDED) {
            (void)fail(&letter->detail, STATUS_UNAVAILABLE, "%s", detail);
            end_later(post, letter, SEND_OFFLINE);
        }
    }
}

void mqtt_post_close(struct mqtt_post *post, closed_fn *on_closed, void *arg)
{
    mqtt_post_give_up(post, "the sink was closed");
    post->on_closed = on_closed;
    post->closed_arg = arg;
    close_when_empty(post);
}
