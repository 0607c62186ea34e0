/* The scriptable mail server as a child process of a test; lines of JSON come and go. */
#ifndef TESTS_SUPPORT_SMTP_PEER_H
#define TESTS_SUPPORT_SMTP_PEER_H

#include "core/base.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEER_WAIT_MS 60000
#define PEER_CERT "build/tests/mail-cert.pem"
#define PEER_KEY "build/tests/mail-key.pem"
#define PEER_OTHER_CERT "build/tests/mail-other-cert.pem" /* for another name */
#define PEER_OTHER_KEY "build/tests/mail-other-key.pem"

struct smtp_peer {
    pid_t pid;
    int to, from;
    uint16_t port;
    char buffer[1 << 20];
    size_t size;
};

/* Reads what there is; false when nothing comes within the time. */
static inline bool peer_take(struct smtp_peer *peer, int wait_ms)
{
    struct pollfd waiting = {.fd = peer->from, .events = POLLIN};
    if (poll(&waiting, 1, wait_ms) != 1) {
        return false;
    }
    ssize_t got = read(peer->from, peer->buffer + peer->size, sizeof peer->buffer - peer->size);
    CHECK(got > 0);
    peer->size += (size_t)got;
    return true;
}

/* NULL while no whole line is there. */
static inline char *peer_next_line(struct smtp_peer *peer)
{
    char *end = memchr(peer->buffer, '\n', peer->size);
    if (end == NULL) {
        return NULL;
    }
    size_t size = (size_t)(end - peer->buffer);
    char *line = strndup(peer->buffer, size);
    memmove(peer->buffer, end + 1, peer->size - size - 1);
    peer->size -= size + 1;
    return line;
}

/* The next line that contains the words; others are passed over. Aborts when none comes. */
static inline char *peer_await(struct smtp_peer *peer, const char *words)
{
    for (;;) {
        char *line = peer_next_line(peer);
        if (line != NULL && strstr(line, words) != NULL) {
            return line;
        }
        if (line == NULL) {
            CHECK(peer_take(peer, PEER_WAIT_MS));
        }
        free(line);
    }
}

/* posix_spawn does not change the arguments, but its type does not say so. */
static inline void peer_spawn(pid_t *pid, const posix_spawn_file_actions_t *actions,
                              const char *const *arguments)
{
    union {
        const char *const *ours;
        char *const *theirs;
    } list = {.ours = arguments};
    CHECK(posix_spawnp(pid, arguments[0], actions, NULL, list.theirs, environ) == 0);
}

static inline void peer_run(const char *const *arguments)
{
    pid_t pid = 0;
    int status = 0;
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) == 0);
    peer_spawn(&pid, &actions, arguments);
    (void)posix_spawn_file_actions_destroy(&actions);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static inline void peer_make_certificate(const char *names, const char *cert, const char *key)
{
    const char *arguments[] = {"openssl", "req",      "-x509",   "-newkey", "rsa:2048", "-nodes",
                               "-keyout", key,        "-out",    cert,      "-days",    "30",
                               "-subj",   "/CN=test", "-addext", names,     "-batch",   NULL};
    peer_run(arguments);
}

static inline void peer_make_certificates(void)
{
    peer_run((const char *const[]){"mkdir", "-p", "build/tests", NULL});
    peer_make_certificate("subjectAltName=DNS:localhost,IP:127.0.0.1", PEER_CERT, PEER_KEY);
    peer_make_certificate("subjectAltName=DNS:elsewhere.example.com", PEER_OTHER_CERT,
                          PEER_OTHER_KEY);
}

/* options: as for tests/support/smtp_server.py, NULL-ended, at most 20. */
static inline struct smtp_peer *peer_start(const char *const *options)
{
    struct smtp_peer *peer = alloc(sizeof *peer);
    const char *arguments[24] = {"/usr/bin/python3", "tests/support/smtp_server.py"};
    for (int i = 0; options[i] != NULL; i++) {
        arguments[i + 2] = options[i];
    }
    int input[2];
    int output[2];
    CHECK(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, input[0], 0) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, output[1], 1) == 0);
    peer_spawn(&peer->pid, &actions, arguments);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(input[0]);
    (void)close(output[1]);
    peer->to = input[1];
    peer->from = output[0];
    char *line = peer_await(peer, "listening");
    const char *port = strstr(line, "\"port\": ");
    CHECK(port != NULL);
    peer->port = (uint16_t)strtoul(port + 8, NULL, 10);
    free(line);
    return peer;
}

static inline void peer_set(struct smtp_peer *peer, const char *rules)
{
    CHECK(write(peer->to, rules, strlen(rules)) == (ssize_t)strlen(rules));
    CHECK(write(peer->to, "\n", 1) == 1);
    free(peer_await(peer, "\"set\""));
}

static inline void peer_stop(struct smtp_peer *peer)
{
    (void)close(peer->to);
    (void)kill(peer->pid, SIGKILL);
    (void)waitpid(peer->pid, NULL, 0);
    (void)close(peer->from);
    free(peer);
}

#endif
