#include "core/arena.h"
#include "edge/helper.h"
#include "mail_job.h"
#include "mail_tls.h"

/* libesmtp.h declares what takes a context only after these two. */
#include <openssl/ssl.h>

#include <auth-client.h>
#include <libesmtp.h>

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define CONNECT_LIMIT_S 10
#define DESCRIPTOR_MAX 64

/* One session, as its callbacks see it. */
struct session {
    const struct mail_job *job;
    char *username; /* a copy, because the library's type lacks const */
    char *password; /* NUL-terminated; wiped at the end */
    bool is_message_given;
    bool is_answered; /* the reply to the whole message came */
    bool has_tried_login, is_logging_in, is_logged_in;
    bool is_login_missing; /* stopped before mail went out without the login that is configured */
    bool is_probe_passed;  /* it could be sent now, and was not */
    bool is_tls_missing;
    bool is_exposed; /* in clear, and the peer is not this machine */
    struct mail_tls tls;
    char reply[300]; /* the server's latest line that counts */
    size_t reply_size;
    bool is_reply_complete;
    bool is_quitting; /* what it says to that explains nothing */
};

/* --- the library's callbacks ---------------------------------------------------------------- */

/* The library does not lend its socket, but a helper has only one. */
static int find_socket(void)
{
    for (int descriptor = STDERR_FILENO + 1; descriptor < DESCRIPTOR_MAX; descriptor++) {
        int domain = 0;
        socklen_t size = sizeof domain;
        if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
            (domain == AF_INET || domain == AF_INET6)) {
            return descriptor;
        }
    }
    return -1;
}

static void hang_up(void)
{
    int descriptor = find_socket();
    CHECK(descriptor >= 0);
    (void)shutdown(descriptor, SHUT_RDWR);
}

static bool is_peer_loopback(void)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_storage storage;
    } peer = {.storage.ss_family = AF_UNSPEC};
    socklen_t size = sizeof peer;
    if (getpeername(find_socket(), &peer.any, &size) != 0) {
        return false;
    }
    if (peer.any.sa_family == AF_INET) {
        return ntohl(peer.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct in6_addr *address = &peer.in6.sin6_addr;
    return peer.any.sa_family == AF_INET6 &&
           (IN6_IS_ADDR_LOOPBACK(address) ||
            (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == IN_LOOPBACKNET));
}

static void set_alarm(time_t seconds)
{
    struct itimerval timer = {.it_value.tv_sec = seconds, .it_interval.tv_sec = seconds};
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

static void on_connected(struct session *session)
{
    set_alarm(0);
    if (!session->job->is_tls_required && !is_peer_loopback()) {
        session->is_exposed = true;
        hang_up();
    }
}

static void on_event(smtp_session_t smtp, int event, void *arg, ...)
{
    (void)smtp;
    struct session *session = arg;
    if (event == SMTP_EV_CONNECT) {
        on_connected(session);
    } else if (event == SMTP_EV_DISCONNECT) {
        set_alarm(CONNECT_LIMIT_S); /* the next address, if there is one */
    } else if (event == SMTP_EV_EXTNA_STARTTLS) {
        session->is_tls_missing = true;
    } else if (event == SMTP_EV_MESSAGESENT) {
        session->is_answered = true;
    } else if (event == SMTP_EV_WRONG_PEER_CERTIFICATE) {
        /* The name was verified in the handshake, against the configured one. */
        va_list arguments;
        va_start(arguments, arg);
        int *is_accepted = va_arg(arguments, int *);
        va_end(arguments);
        *is_accepted = 1;
    }
}

static void take_reply_line(struct session *session)
{
    if (!session->is_logging_in || session->reply_size < 4 || session->reply[3] == '-') {
        return;
    }
    if (session->reply[0] == '2') {
        session->is_logged_in = true;
    }
    if (session->reply[0] != '3') {
        session->is_logging_in = false;
    }
}

static void on_server_bytes(struct session *session, const char *bytes, size_t size)
{
    if (session->is_quitting) {
        return;
    }
    for (size_t i = 0; i < size; i++) {
        if (session->is_reply_complete) {
            session->reply_size = 0;
            session->is_reply_complete = false;
        }
        if (bytes[i] == '\n') {
            session->is_reply_complete = true;
            take_reply_line(session);
        } else if (bytes[i] != '\r' && session->reply_size < sizeof session->reply - 1) {
            session->reply[session->reply_size++] = bytes[i];
        }
        session->reply[session->reply_size] = '\0';
    }
}

/* Called before the bytes go out. After a refused login the library would try its luck without. */
static void on_client_bytes(struct session *session, const char *bytes, size_t size)
{
    if (size >= 5 && memcmp(bytes, "AUTH ", 5) == 0) {
        session->has_tried_login = true;
        session->is_logging_in = true;
        return;
    }
    if (size >= 4 && memcmp(bytes, "QUIT", 4) == 0) {
        session->is_quitting = true;
        return;
    }
    if (memmem(bytes, size, "MAIL FROM:", 10) == NULL) {
        return;
    }
    if (session->job->username[0] != '\0' && !session->is_logged_in) {
        session->is_login_missing = true;
        hang_up();
    } else if (session->job->is_probe) {
        session->is_probe_passed = true;
        hang_up();
    }
}

static void on_traffic(const char *bytes, int size, int is_writing, void *arg)
{
    if (is_writing == 0) {
        on_server_bytes(arg, bytes, (size_t)size);
    } else if (is_writing == 1) {
        on_client_bytes(arg, bytes, (size_t)size);
    }
}

/* The whole message at once; *context stays NULL, because the library would free it. */
static const char *on_message_wanted(void **context, int *size, void *arg)
{
    (void)context;
    struct session *session = arg;
    if (size == NULL) {
        session->is_message_given = false;
        return NULL;
    }
    if (session->is_message_given) {
        return NULL;
    }
    session->is_message_given = true;
    *size = (int)session->job->message.size;
    return session->job->message.data;
}

static int on_credentials_wanted(auth_client_request_t request, char **result, int count, void *arg)
{
    struct session *session = arg;
    for (int i = 0; i < count; i++) {
        if ((request[i].flags & AUTH_USER) != 0) {
            result[i] = session->username;
        } else if ((request[i].flags & AUTH_PASS) != 0) {
            result[i] = session->password;
        } else {
            result[i] = NULL;
        }
    }
    return 1;
}

/* --- one mail ------------------------------------------------------------------------------- */

/* The library checks nothing: a line break in here would be a command of someone else's. */
static const char *checked(const char *text)
{
    CHECK(strpbrk(text, "\r\n<>") == NULL);
    return text;
}

static smtp_message_t build(struct session *session, smtp_session_t smtp)
{
    const struct mail_job *job = session->job;
    struct text server;
    text_init(&server, 512);
    text_addf(&server, "%s:%u", checked(job->host), job->port);
    CHECK(server.status == STATUS_OK && memchr(job->message.data, '\0', job->message.size) == NULL);
    bool is_set = smtp_set_server(smtp, text_cstr(&server)) != 0 &&
                  smtp_set_hostname(smtp, checked(job->hello_name)) != 0 &&
                  smtp_set_eventcb(smtp, on_event, session) != 0 &&
                  smtp_set_monitorcb(smtp, on_traffic, session, 0) != 0;
    text_fini(&server);
    for (int which = Timeout_GREETING; which <= Timeout_DATA2; which++) {
        (void)smtp_set_timeout(smtp, which | Timeout_OVERRIDE_RFC2822_MINIMUM,
                               (long)job->timeout_ms);
    }
    smtp_message_t message = smtp_add_message(smtp);
    is_set = is_set && message != NULL && smtp_set_reverse_path(message, checked(job->from)) != 0 &&
             smtp_set_messagecb(message, on_message_wanted, session) != 0 &&
             smtp_dsn_set_ret(message, Ret_HDRS) != 0 &&
             smtp_dsn_set_envid(message, checked(job->envelope_id)) != 0;
    for (size_t i = 0; i < job->to_count; i++) {
        smtp_recipient_t recipient = smtp_add_recipient(message, checked(job->to[i]));
        is_set = is_set && recipient != NULL && smtp_dsn_set_notify(recipient, Notify_FAILURE) != 0;
    }
    CHECK(is_set); /* the only reasons are no memory and wrong use */
    return message;
}

static const char *describe(struct arena *arena, const smtp_status_t *status)
{
    struct failure why; /* its detail is one clean line */
    if (status->enh_class != 0) {
        (void)fail(&why, STATUS_UNAVAILABLE, "%d %d.%d.%d %s", status->code, status->enh_class,
                   status->enh_subject, status->enh_detail, status->text);
    } else {
        (void)fail(&why, STATUS_UNAVAILABLE, "%d %s", status->code,
                   status->text != NULL ? status->text : "");
    }
    size_t size = strlen(why.detail);
    while (size > 0 && (why.detail[size - 1] == '?' || why.detail[size - 1] == ' ')) {
        size--; /* the line's own end */
    }
    return arena_text(arena, (struct span){.data = why.detail, .size = size});
}

static bool is_final_code(int code)
{
    return (code >= 200 && code < 300) || (code >= 400 && code < 600);
}

struct collection {
    struct arena *arena;
    smtp_message_t message;
    bool is_answered;
    struct mail_reply *replies;
    size_t count;
};

/* What counts is the reply to the recipient and then the one to the whole message. A 503 there only
 * says that an earlier part was refused: it is no verdict. */
static void on_recipient(smtp_recipient_t recipient, const char *mailbox, void *arg)
{
    (void)mailbox;
    struct collection *collection = arg;
    struct mail_reply *reply = &collection->replies[collection->count++];
    const smtp_status_t *status = smtp_recipient_status(recipient);
    if (status->code >= 200 && status->code < 300) {
        status = smtp_message_transfer_status(collection->message);
        if (!collection->is_answered || status->code == 503) {
            *reply = (struct mail_reply){.code = 0, .text = "connection lost before an answer"};
            return;
        }
    }
    if (!is_final_code(status->code)) {
        *reply = (struct mail_reply){.code = 0, .text = "connection lost before an answer"};
        return;
    }
    *reply = (struct mail_reply){.code = status->code, .text = describe(collection->arena, status)};
}

static bool has_no_envelope(const struct session *session, int sender_code,
                            struct mail_answer *answer)
{
    CHECK(answer->text != NULL);
    if (session->is_exposed) {
        answer->stage = MAIL_TLS_REFUSED;
        answer->text = "without TLS only a server on this machine is spoken to";
    } else if (session->is_tls_missing) {
        answer->stage = MAIL_TLS_REFUSED;
        answer->text = "the server offers no STARTTLS";
    } else if (session->tls.reason[0] != '\0') {
        answer->stage = MAIL_TLS_REFUSED;
        answer->text = session->tls.reason;
    } else if (session->is_login_missing) {
        answer->stage = MAIL_LOGIN_REFUSED;
        if (!session->has_tried_login) {
            answer->text = "the server offers no login that is known here";
        }
    } else if (sender_code == 0) {
        answer->stage = MAIL_NOT_CONNECTED;
    } else if (sender_code == 530 || sender_code == 534 || sender_code == 535 ||
               sender_code == 538) {
        answer->stage = MAIL_LOGIN_REFUSED;
    } else {
        return false;
    }
    return true;
}

static void collect(const struct session *session, smtp_message_t message, struct arena *arena,
                    struct mail_answer *answer)
{
    if (session->is_probe_passed) {
        answer->stage = MAIL_ANSWERED;
        return;
    }
    const smtp_status_t *sender = smtp_reverse_path_status(message);
    answer->code = sender->code;
    answer->text = sender->code != 0 ? describe(arena, sender) : session->reply;
    if (has_no_envelope(session, sender->code, answer)) {
        return;
    }
    if (sender->code < 200 || sender->code > 299) {
        answer->stage = MAIL_SENDER_REFUSED;
        return;
    }
    struct collection collection = {
        .arena = arena,
        .message = message,
        .is_answered = session->is_answered,
        .replies = arena_array(arena, session->job->to_count, sizeof *collection.replies)};
    (void)smtp_enumerate_recipients(message, on_recipient, &collection);
    CHECK(collection.count == session->job->to_count);
    *answer = (struct mail_answer){.stage = MAIL_ANSWERED,
                                   .text = "",
                                   .replies = collection.replies,
                                   .reply_count = collection.count};
}

static auth_context_t login_create(struct session *session)
{
    auth_context_t login = auth_create_context();
    CHECK(login != NULL);
    (void)auth_set_mechanism_flags(login, AUTH_PLUGIN_PLAIN, 0);
    (void)auth_set_interact_cb(login, on_credentials_wanted, session);
    return login;
}

/* The library says "success" in many sad cases: what it reports here serves for words only. */
static void run(struct session *session, smtp_session_t smtp)
{
    set_alarm(CONNECT_LIMIT_S);
    bool has_run = smtp_start_session(smtp) != 0;
    int error = smtp_errno();
    set_alarm(0);
    bool is_reply_a_reason = session->reply[0] == '4' || session->reply[0] == '5';
    if ((!has_run || error != 0) && !is_reply_a_reason) {
        (void)smtp_strerror(error, session->reply, sizeof session->reply);
    }
}

static void send_mail(const struct mail_job *job, struct arena *arena, struct text *result)
{
    struct session session = {.job = job,
                              .tls = {.host = alloc_text(job->host)},
                              .username = alloc_text(job->username),
                              .password = alloc(job->password.size + 1)};
    memcpy(session.password, job->password.data, job->password.size);
    smtp_session_t smtp = smtp_create_session();
    CHECK(smtp != NULL);
    smtp_message_t message = build(&session, smtp);
    SSL_CTX *tls = NULL;
    auth_context_t login = NULL;
    if (job->is_tls_required) {
        tls = mail_tls_create(&session.tls, job->ca_file);
        (void)smtp_starttls_set_ctx(smtp, tls);
    }
    (void)smtp_starttls_enable(smtp, job->is_tls_required ? Starttls_REQUIRED : Starttls_DISABLED);
    if (job->username[0] != '\0') {
        login = login_create(&session);
        (void)smtp_auth_set_context(smtp, login);
    }
    if (session.tls.reason[0] == '\0') {
        run(&session, smtp);
    }
    struct mail_answer answer = {.stage = MAIL_NOT_CONNECTED, .text = ""};
    collect(&session, message, arena, &answer);
    mail_answer_encode(&answer, result);
    (void)smtp_destroy_session(smtp);
    if (login != NULL) {
        (void)auth_destroy_context(login);
    }
    SSL_CTX_free(tls);
    explicit_bzero(session.password, job->password.size);
    free(session.password);
    free(session.username);
    free(session.tls.host);
}

static void work(struct span bytes, struct text *result)
{
    struct arena *arena = arena_create();
    struct mail_job job;
    struct failure why;
    CHECK(mail_job_decode(bytes, arena, &job, &why) == STATUS_OK);
    send_mail(&job, arena, result);
    arena_destroy(arena);
}

static void on_alarm(int signal)
{
    (void)signal; /* it interrupts connect, and the library goes on to the next address */
}

int helper_mail_main(void)
{
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART, on purpose */
    (void)sigaction(SIGALRM, &action, NULL);
    auth_client_init();
    return helper_serve(work);
}
