/* The whole configuration as typed, validated, immutable values (contract.md section 2). */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "core/date.h"
#include "core/event.h"
#include "core/language.h"
#include "core/node.h"
#include "core/record.h"

struct arena;
struct profile;
struct secret;
struct text;
struct zone;

struct rate {
    uint32_t count;
    int64_t window_ms;
};

struct tls_config {
    const char *ca_file, *cert_file, *key_file; /* NULL: the system's CAs, no client certificate */
};

struct oauth2_config {
    const char *token_url; /* NULL: the source uses no token */
    const char *client_id;
    const struct secret *client_secret;
    const char *scope; /* "" = none is asked for */
    struct date secret_issued;
    int64_t secret_valid_for_ms;
};

struct api_key_config {
    const char *header; /* NULL: no key */
    const struct secret *value;
    struct date issued;
    int64_t valid_for_ms;
};

struct window { /* an announced maintenance; Unix ms */
    int64_t from_wall_ms, to_wall_ms;
};

enum guard_policy { GUARD_HOLD, GUARD_TELL };

struct guard_config {
    uint32_t changed_percent, vanished_percent;
    int64_t hold_ms;          /* told by itself after this if it stays so */
    enum guard_policy policy; /* tell: never held */
};

struct source_config {
    const char *name; /* [a-z0-9-]+; the durable key */
    const struct profile *profile;
    const char *profile_name;
    const char *base_url; /* without trailing slash */
    struct oauth2_config oauth2;
    struct api_key_config api_key;
    int64_t every_ms;
    const char *every_place; /* FILE:LINE:COLUMN: key, as messages begin; NULL: unknown */
    struct rate budget;
    const char *language;
    const struct zone *zone;
    const struct secret *calendar_token; /* opens /calendar/NAME.ics; NULL: nothing more does */
    struct tls_config tls;
    const char *proxy;        /* NULL: none; never from the environment */
    bool allow_private;       /* an address of a network that is not public may be connected to */
    uint32_t page_size;       /* 0: the profile's */
    bool is_adaptive;         /* what the budget leaves goes to look-ups between sweeps */
    int64_t stalled_after_ms; /* 0: off */
    const int64_t *remind_ms; /* before the start, longest first */
    size_t remind_count;
    int64_t settle_ms; /* 0: off */
    struct guard_config guard;
    const struct window *maintenance;
    size_t maintenance_count;
    const struct date *holidays; /* besides the French ones and weekends */
    size_t holiday_count;
    int64_t timeout_ms;       /* of one transfer; 60 s */
    size_t body_bytes_max;    /* decoded bytes of a page; 16 MiB */
    uint32_t page_count_max;  /* 25,000 */
    uint32_t order_count_max; /* 1,000,000 */
};

enum sink_kind { SINK_EMAIL, SINK_MQTT, SINK_WEBHOOK };
enum calendar_mode { CALENDAR_OFF, CALENDAR_PUBLISH, CALENDAR_REQUEST };

/* When what waited leaves as one mail: every so often, counted from 1970, or at times of the day.
 */
struct digest_config {
    bool is_set;
    int64_t every_ms;      /* 0: at those times; without any: no digest */
    const int *at_minutes; /* of the local day */
    size_t at_count;
    uint8_t days; /* bit 0 = Monday: on which days; 0: on all */
    const struct zone *zone;
    bool tells_unchanged; /* a mail even when nothing changed */
};

struct email_config {
    const char *server_host;
    uint16_t server_port;
    bool is_implicit_tls; /* smtps:// */
    bool is_tls_required; /* false: `tls: none`, to loopback only */
    const char *ca_file;
    const char *username;
    const struct secret *password;
    const char *from; /* a mailbox, with or without display name; checked */
    const char *const *to;
    size_t to_count;
    const char *host; /* right part of Message-ID: the domain of from */
    const char *subject_prefix;
    enum language language;
    struct digest_config digest; /* none: one mail per order and sweep */
    enum calendar_mode calendar;
    const struct zone *zone; /* times are shown in it; NULL: the source's */
    const char *status_url;  /* link to the status page; NULL: none */
};

struct mqtt_broker {
    const char *host;
    uint16_t port;
    bool is_tls;
};

#define MQTT_BROKERS_MAX 8

struct home_assistant_config {
    const char *discovery_prefix; /* NULL: it is not told of us */
};

struct mqtt_config {
    struct mqtt_broker brokers[MQTT_BROKERS_MAX]; /* the first is the one that is wanted */
    size_t broker_count;
    int64_t return_after_ms; /* from another one to the first */
    int protocol;            /* 5 or 4 (3.1.1) */
    const char *client_id;
    const char *username;
    const struct secret *password;
    const char *prefix;
    bool has_state;           /* retained state topics */
    struct rate state_rate;   /* of publishing them */
    size_t message_bytes_max; /* of a payload, as the broker takes them; 0: it says so itself */
    int64_t expiry_ms;        /* of events in the broker's queues; 0: never */
    struct tls_config tls;
    struct home_assistant_config home_assistant;
};

struct http_header {
    const char *name, *value;
};

struct format_setting {
    const char *name, *value;
};

enum webhook_signature { SIGNATURE_STANDARD, SIGNATURE_GITHUB, SIGNATURE_NONE };

/* Several events as one request; an order has at most one among them. */
struct batch_config {
    uint32_t count;  /* 0: each event alone, as itself; else as a list */
    size_t bytes;    /* of their JSON */
    int64_t wait_ms; /* for company, from when an event could leave; 0: none */
};

struct webhook_config {
    const char *url;
    bool is_url_secret;               /* it came from a variable: shown without its path */
    const struct secret *secret;      /* NULL: unsigned */
    const struct secret *next_secret; /* NULL: no rotation under way */
    enum webhook_signature signature;
    const char *username; /* NULL: no basic authorization */
    const struct secret *password;
    const struct secret *bearer_token; /* NULL: none */
    const char *format;
    const char *format_file; /* where it was named, for messages; NULL: nowhere */
    int format_line, format_column;
    const char *ticket_id; /* JSON Pointer into the answer; NULL: tickets are not remembered */
    const struct format_setting *settings; /* for the format alone; shown as <secret> */
    size_t setting_count;
    const struct http_header *headers; /* values may hold secrets: shown as <secret> */
    size_t header_count;
    int64_t timeout_ms;
    struct tls_config tls;
    struct batch_config batch;
    bool allow_private; /* private addresses may be called; loopback ones if the URL says one */
};

struct retry_policy {
    int64_t first_ms, cap_ms, give_up_ms;
};

struct sink_config {
    const char *name; /* unique; the durable key */
    enum sink_kind kind;
    uint32_t in_flight_max;
    struct rate rate; /* of what leaves; a count of 0: no limit */
    struct retry_policy retry;
    int64_t failing_after_ms; /* sink.failing when it has been down so long */
    struct field_filter fields;
    const char *fallback; /* another sink's name; NULL: none */
    struct email_config email;
    struct mqtt_config mqtt;
    struct webhook_config webhook;
};

struct where_rule {
    const char *field;   /* source, id, site, status, status_kind, extra.X … */
    const char *pattern; /* glob */
};

struct quiet_config {
    bool is_set;
    int from_minute, to_minute; /* of the local day; from > to wraps over midnight */
    uint8_t days;               /* bit 0 = Monday: days that are quiet as a whole */
    const struct zone *zone;
    bool has_exception;
    enum severity exception; /* this or worse is sent at once */
};

struct route_config {
    const char *name; /* may be NULL */
    int line;
    const char *const *types; /* globs over the type without "orderwatch." */
    size_t type_count;
    enum severity severity; /* this or worse */
    const struct where_rule *where;
    size_t where_count;
    const size_t *sinks; /* indexes into config->sinks */
    size_t sink_count;
    struct digest_config digest; /* if set: instead of its sinks' */
    struct field_filter fields;  /* if any: instead of its sinks' */
    int language;                /* 1 + enum language: instead of its mail sinks'; 0: theirs */
    struct quiet_config quiet;
};

#define HUB_FOLDER "/var/lib/orderwatch/hub"

/* Who may register for notifications as TM Forum's APIs do. */
struct hub_config {
    const struct secret *token;
    const char *const *callbacks; /* globs over the host of what may be called */
    size_t callback_count;        /* 0: there is no hub */
    const char *folder;           /* of the registrations, one file each */
    bool allow_private;
};

struct config {
    const char *file;
    const char *database_path;
    int64_t keep_events_ms;
    const char *http_listen; /* NULL: off */
    const struct secret *http_token;
    struct hub_config hub;
    int log_level; /* enum log_level */
    bool is_log_json;
    const struct source_config *sources;
    size_t source_count;
    const struct sink_config *sinks;
    size_t sink_count;
    const struct route_config *routes;
    size_t route_count;
    int64_t shutdown_grace_ms;
    struct arena *arena; /* owns everything but what the loader keeps */
};

/* What the configuration needs from outside; core never opens a file. Every function fills why.
 * What they return belongs to the loader and must outlive the configuration. */
struct config_loader {
    void *self;
    enum status (*zone)(void *self, const char *name, const struct zone **out, struct failure *why);
    enum status (*profile)(void *self, const char *name, struct problem_list *problems,
                           const struct profile **out, struct failure *why);
    enum status (*secret)(void *self, struct span value, const struct secret **out,
                          struct failure *why);
    enum status (*secret_file)(void *self, const char *path, const struct secret **out,
                               struct failure *why);
    enum status (*readable_file)(void *self, const char *path, struct failure *why);
    enum status (*format)(void *self, const char *name, struct failure *why);
};

/* Pure: no files, no environment. Every problem goes to problems; STATUS_INVALID when one is an
 * error, and then *out is untouched. The caller owns *out. */
enum status config_create(const struct node *document, const struct config_loader *loader,
                          struct problem_list *problems, struct config **out) MUST_CHECK;
void config_destroy(struct config *config);                       /* NULL is fine */
void config_print(const struct config *config, struct text *out); /* YAML, secrets as <secret> */

/* The shortest glance for look-ups by durable key; NULL if there is none. */
const struct source_config *config_source(const struct config *config, const char *name);
const struct sink_config *config_sink(const struct config *config, const char *name);

/* The language of scalars, shared with profiles and scenarios. False: not of this form. */
bool duration_parse(const char *text, int64_t *out_ms); /* 90s 5m 1h30m 2d, 0 */
bool size_parse(const char *text, size_t *out_bytes);   /* 64KiB 16MiB 512 */
bool rate_parse(const char *text, struct rate *out);    /* 60/min 5/s 1000/h */
void duration_add(struct text *out, int64_t duration_ms);
void size_add(struct text *out, size_t size);
void rate_add(struct text *out, struct rate rate);                        /* what rate_parse gave */
void mqtt_broker_add(const struct mqtt_broker *broker, struct text *out); /* its URL */

#endif
