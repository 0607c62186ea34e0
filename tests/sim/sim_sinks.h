/* Receivers: they take, refuse, are away, answer late, and forget to say that they took. */
#ifndef SIM_SINKS_H
#define SIM_SINKS_H

#include "core/ports.h"
#include "tests/sim/sim.h"

struct sim_topic {
    struct sim_topic *next;
    char *name;
    char *payload;
};

/* The oracle's other ear. */
struct sim_sink_watch {
    void *arg;
    void (*on_send)(void *arg, const char *sink_name, const struct delivery *delivery);
    void (*on_receipt)(void *arg, const char *sink_name, const struct delivery *delivery);
};

struct sim_sink { /* the receiver itself: it survives the daemon */
    struct sim *sim;
    const struct sink_config *config;
    struct sim_sink_watch watch;
    struct sim_topic *topics;
    uint64_t receipt_count, retained_count;

    /* The weather, of 1000 messages. */
    bool is_away, is_gone;
    uint32_t connection; /* another one whenever is_away changes: what was under way is lost */
    int64_t later_permille, reject_permille, lost_ack_permille;
    int64_t divide_permille;    /* of several events at once; 1000: only one is ever taken */
    const char *refused_topics; /* a pattern; they may be emptied. NULL: none */
    int64_t busy_ms;            /* not 0: asks all of them to wait so long */
    int64_t answer_ms_max;
};

void sim_sink_init(struct sim_sink *sink, struct sim *sim, const struct sink_config *config);
void sim_sink_fini(struct sim_sink *sink);
const char *sim_sink_topic(const struct sim_sink *sink, const char *name); /* NULL: none */
void sim_sink_forget_topics(struct sim_sink *sink);

struct sim_sink_port; /* of one process */
struct sim_sink_port *sim_sink_port_create(struct sim_sink *sink, struct sim_process *process);
struct sink_port sim_sink_port(struct sim_sink_port *port);
void sim_sink_port_resume(struct sim_sink_port *port);  /* somebody ends the pause it asked for */
void sim_sink_port_connect(struct sim_sink_port *port); /* tells the daemon that it is there */
/* The process died: of what was under way, some was taken all the same. */
void sim_sink_port_crash(struct sim_sink_port *port);
/* Its sends end at their time as offline, whether the receiver took them or not. */
void sim_sink_port_close(struct sim_sink_port *port);
bool sim_sink_port_is_quiet(const struct sim_sink_port *port); /* nothing is under way */
void sim_sink_port_destroy(struct sim_sink_port *port);        /* nothing may be under way */

#endif
