#include "core/arena.h"
#include "core/utf8.h"
#include "edge/probe.h"
#include "errand.h"
#include "mqtt_notes.h"
#include "mqtt_reason.h"
#include "mqtt_setup.h"

#include <mosquitto.h>
#include <uv.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define KEEPALIVE_S 20
#define STEP_MS 100
#define DEADLINE_MS 10000
#define MARGIN_MS 1000

/* The errand's until it is over. */
struct probe {
    const struct mqtt_config *config;
    const struct mqtt_broker *broker; /* the one that is tried */
    struct arena *arena;
    const char *client_id;
    struct mqtt_notes noted;
    struct failure why;         /* status and, unless it is open, the reason */
    atomic_size_t broker_index; /* for the loop, too */
    struct waiting *waiting;    /* the loop's */
};

/* The loop's side of it: each broker has its deadline but for the look-up of its name. */
struct waiting {
    uv_timer_t timer;
    struct errand *errand; /* NULL: it is over */
    struct probe *probe;
    probe_done_fn *on_done;
    void *arg;
};

static void on_log(struct mosquitto *client, void *arg, int level, const char *words)
{
    (void)client;
    struct probe *probe = arg;
    mqtt_notes_log(&probe->noted, level, words);
}

static void on_connect(struct mosquitto *client, void *arg, int code, int flags,
                       const mosquitto_property *properties)
{
    (void)client;
    (void)flags;
    struct probe *probe = arg;
    mqtt_notes_connack(&probe->noted, code, properties);
}

static void refuse(struct probe *probe, const char *words, const char *remedy)
{
    bool has_more = probe->noted.log_lines[0] != '\0';
    (void)fail(&probe->why, STATUS_UNAVAILABLE, "%s:%u: %s%s%.200s; %s", probe->broker->host,
               probe->broker->port, words, has_more ? "; " : "", probe->noted.log_lines, remedy);
}

static void tell_connack(struct probe *probe)
{
    int code = probe->noted.connack_code;
    const char *remedy = mqtt_reason_remedy(code);
    if (code == 0) {
        probe->why.status = STATUS_OK;
        return;
    }
    (void)fail(&probe->why, STATUS_UNAVAILABLE,
               "%s:%u: the broker refuses the connection: %s (0x%02x)%s; %s", probe->broker->host,
               probe->broker->port, mqtt_reason_words(code), (unsigned)code,
               probe->noted.broker_words, remedy != NULL ? remedy : "look into the broker's log");
}

static void talk(struct probe *probe, struct mosquitto *client)
{
    int64_t end_ms = (int64_t)(uv_hrtime() / 1000000) + DEADLINE_MS;
    int result =
        mosquitto_connect_async(client, probe->broker->host, probe->broker->port, KEEPALIVE_S);
    while (result == MOSQ_ERR_SUCCESS && !probe->noted.has_connack &&
           (int64_t)(uv_hrtime() / 1000000) < end_ms) {
        result = mosquitto_loop(client, STEP_MS, 1);
    }
    if (probe->noted.has_connack) {
        (void)mosquitto_disconnect(client);
        tell_connack(probe);
    } else if (result != MOSQ_ERR_SUCCESS) {
        refuse(probe, mosquitto_strerror(result),
               probe->broker->is_tls ? MQTT_TLS_REMEDY : MQTT_REACH_REMEDY);
    } else {
        refuse(probe, "the broker does not answer within 10 s", "check broker and firewalls");
    }
}

static void try_broker(struct probe *probe)
{
    struct mosquitto *client = mosquitto_new(probe->client_id, true, probe);
    probe->noted = (struct mqtt_notes){.has_connack = false};
    if (client == NULL || !mqtt_setup(client, probe->config, probe->broker, NULL)) {
        refuse(probe, "the client cannot be set up", "are the files of tls readable?");
    } else {
        mosquitto_log_callback_set(client, on_log);
        mosquitto_connect_v5_callback_set(client, on_connect);
        talk(probe, client);
    }
    mosquitto_destroy(client);
}

/* All of a list must open: the one that does not is the one that is missed some day. */
static void work(void *job)
{
    struct probe *probe = job;
    for (size_t i = 0; i < probe->config->broker_count; i++) {
        atomic_store(&probe->broker_index, i);
        probe->broker = &probe->config->brokers[i];
        try_broker(probe);
        if (probe->why.status != STATUS_OK) {
            return;
        }
    }
}

static void drop(void *job)
{
    struct probe *probe = job;
    arena_destroy(probe->arena);
    free(probe);
}

static void tell(const struct waiting *waiting, const struct failure *why)
{
    bool is_open = why->status == STATUS_OK;
    const char *open = waiting->probe->config->username != NULL
                           ? "connected and logged in; nothing sent"
                           : "connected; nothing sent";
    const struct probe_result result = {.is_open = is_open, .detail = is_open ? open : why->detail};
    waiting->on_done(waiting->arg, &result);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct waiting *waiting = handle->data;
    struct probe *probe = waiting->probe;
    if (waiting->errand == NULL) {
        tell(waiting, &probe->why);
        drop(probe);
        (void)mosquitto_lib_cleanup();
    } else {
        const struct mqtt_broker *broker =
            &probe->config->brokers[atomic_load(&probe->broker_index)];
        struct failure why;
        (void)fail(&why, STATUS_UNAVAILABLE,
                   "%s:%u: the name was not looked up within %d s; check broker and the name "
                   "servers",
                   broker->host, broker->port, DEADLINE_MS / 1000);
        tell(waiting, &why);
        errand_leave(waiting->errand);
    }
    free(waiting);
}

static void end(struct waiting *waiting)
{
    uv_handle_t *handle = (uv_handle_t *)&waiting->timer;
    if (!uv_is_closing(handle)) {
        uv_close(handle, on_timer_closed);
    }
}

static void on_worked(void *job)
{
    struct probe *probe = job;
    probe->waiting->errand = NULL;
    end(probe->waiting);
}

static void on_late(uv_timer_t *timer)
{
    end(timer->data);
}

static struct probe *probe_create(const struct mqtt_config *config, struct waiting *waiting)
{
    struct probe *probe = alloc(sizeof *probe);
    probe->config = config;
    probe->arena = arena_create();
    /* The daemon's own id would throw the daemon out. */
    probe->client_id = arena_format(probe->arena, "%s-check", config->client_id);
    probe->waiting = waiting;
    return probe;
}

void probe_mqtt(const struct sink_config *config, const struct sink_environment *environment,
                probe_done_fn *on_done, void *arg)
{
    static const struct errand_steps steps = {.work = work, .on_done = on_worked, .drop = drop};
    struct waiting *waiting = alloc(sizeof *waiting);
    (void)mosquitto_lib_init();
    waiting->on_done = on_done;
    waiting->arg = arg;
    waiting->probe = probe_create(&config->mqtt, waiting);
    CHECK(uv_timer_init(environment->uv, &waiting->timer) == 0);
    waiting->timer.data = waiting;
    uint64_t limit_ms = config->mqtt.broker_count * DEADLINE_MS + MARGIN_MS;
    CHECK(uv_timer_start(&waiting->timer, on_late, limit_ms, 0) == 0);
    waiting->errand = errand_start(environment->uv, &steps, waiting->probe);
    if (waiting->errand == NULL) {
        (void)fail(&waiting->probe->why, STATUS_UNAVAILABLE,
                   "no thread for the connection; check the limit of tasks");
        end(waiting);
    }
}
