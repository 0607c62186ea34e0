/* Which broker of the list comes next, and after what wait. Pure. */
#ifndef EDGE_MQTT_ROTA_H
#define EDGE_MQTT_ROTA_H

#include "core/random.h"
#include "mqtt_connection.h"

struct mqtt_rota {
    size_t broker_count;
    size_t index;         /* of the one in turn; each round begins with the first */
    uint32_t loss_count;  /* without a steady connection since; 1: the latest is news */
    uint32_t round_count; /* the same, in rounds */
    uint32_t take_overs;  /* lately */
    uint32_t short_count; /* logins in a row that were soon lost, by a broker that stayed */
    bool is_contended;    /* the latest loss: another client has our session, said or guessed */
    int64_t up_mono_ms;   /* when the latest connection came up */
    struct random random;
};

void mqtt_rota_up(struct mqtt_rota *rota, int64_t now_mono_ms);
/* A connection, or the attempt at one, has ended: moves on; returns how long to wait, in ms. */
int64_t mqtt_rota_down(struct mqtt_rota *rota, const struct mqtt_loss *loss, int64_t now_mono_ms);
#endif
