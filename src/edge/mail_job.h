/* What the mail helper is asked and what it answers, as bytes for its pipe. Pure. */
#ifndef EDGE_MAIL_JOB_H
#define EDGE_MAIL_JOB_H

#include "core/text.h"

struct arena;

struct mail_job {
    const char *host;
    uint16_t port;
    bool is_tls_required; /* false: in clear, and then to loopback only */
    const char *ca_file;  /* "": the system's */
    const char *username; /* "": no login */
    struct span password;
    const char *hello_name;  /* what we call ourselves */
    const char *from;        /* bare address */
    const char *envelope_id; /* ENVID; printable ASCII */
    const char *const *to;   /* bare addresses */
    size_t to_count;
    struct span message; /* finished, CRLF */
    uint32_t timeout_ms; /* of each step */
    bool is_probe;       /* up to the login and no further: no mail is begun. One address in to,
                            which is not told to the server; the answer has no replies */
};

/* How far the session came. Only MAIL_ANSWERED has replies. */
enum mail_stage {
    MAIL_ANSWERED,       /* the envelope was opened: each recipient has its reply */
    MAIL_NOT_CONNECTED,  /* no connection, or no greeting worth the name */
    MAIL_TLS_REFUSED,    /* STARTTLS missing, certificate or host name refused */
    MAIL_LOGIN_REFUSED,  /* AUTH refused, or demanded where none is configured */
    MAIL_SENDER_REFUSED, /* MAIL FROM refused: code and text are in the answer */
    MAIL_STAGE_COUNT
};

/* The end of the story for one recipient. */
struct mail_reply {
    int code; /* 2yz: taken; 4yz, 5yz: refused so; 0: the connection was lost before an answer */
    const char *text;
};

struct mail_answer {
    enum mail_stage stage;
    int code;
    const char *text;                 /* what went wrong, or the server's words */
    const struct mail_reply *replies; /* one per job->to, same order */
    size_t reply_count;
};

#define MAIL_RECIPIENT_COUNT_MAX 1000

/* The buffer is made at its final size, so that no copy of the password stays behind in memory. */
void mail_job_encode(const struct mail_job *job, struct text *out);
void mail_job_wipe(struct text *encoded); /* overwrites and frees */
/* Texts of *out live in arena, password and message in bytes. */
enum status mail_job_decode(struct span bytes, struct arena *arena, struct mail_job *out,
                            struct failure *why) MUST_CHECK;

void mail_answer_encode(const struct mail_answer *answer, struct text *out);
enum status mail_answer_decode(struct span bytes, struct arena *arena, struct mail_answer *out,
                               struct failure *why) MUST_CHECK;

#endif
