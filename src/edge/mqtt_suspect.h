/* Which message makes a broker hang up. With 3.1.1 it cannot say so, and some never do: it is the
 * one that was alone on its way each time. Pure. */
#ifndef EDGE_MQTT_SUSPECT_H
#define EDGE_MQTT_SUSPECT_H

#include "core/base.h"

#define SUSPECTS_MAX 16
#define CONVICTS_MAX 1024 /* all that are tried again at once */
/* A connection that held so long is well: no other client of our name throws it out at once. */
#define MQTT_WELL_MS_MIN 1000

/* A message that was alone on its way when the connection was lost. */
struct mqtt_lone_loss {
    uint64_t message; /* a hash of all of it */
    int64_t up_mono_ms, sent_mono_ms, lost_mono_ms;
    int reason; /* of the broker's DISCONNECT; 0: it said none */
};

/* The connection was well before, so nothing but the message explains it. */
bool mqtt_lone_loss_is_sudden(const struct mqtt_lone_loss *loss);

enum suspicion {
    SUSPICION_BEGINS,
    SUSPICION_GROWS,
    SUSPICION_SURE, /* this broker will never take it */
};

struct mqtt_suspects {
    struct {
        uint64_t message; /* 0: a free place */
        uint32_t loss_count, sudden_count;
    } suspects[SUSPECTS_MAX];
    size_t count;
    uint64_t convicts[CONVICTS_MAX]; /* the latest; 0: none */
    size_t convict_count;            /* of all time */
};

/* True: it is to be sent last, alone, and by a connection that is well. */
bool mqtt_suspects_has(const struct mqtt_suspects *suspects, uint64_t message);
enum suspicion mqtt_suspects_judge(struct mqtt_suspects *suspects,
                                   const struct mqtt_lone_loss *loss);
void mqtt_suspects_clear(struct mqtt_suspects *suspects, uint64_t message); /* it was answered */
/* It need not be tried once more. */
void mqtt_suspects_convict(struct mqtt_suspects *suspects, uint64_t message);
bool mqtt_suspects_is_convict(const struct mqtt_suspects *suspects, uint64_t message);

#endif
