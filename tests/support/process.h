/* A child process of a test: started, awaited by what it says, ended by its id. */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include "core/base.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESS_WAIT_MS 60000
#define PROCESS_SAID_MAX (1 << 20)

struct process {
    pid_t pid;
    int output; /* its stdout and stderr */
    size_t size;
    char said[PROCESS_SAID_MAX];
};

/* The type of execvp does not say that it leaves the arguments alone. */
static inline struct process *process_start(const char *const *arguments)
{
    union {
        const char *const *ours;
        char *const *theirs;
    } list = {.ours = arguments};
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    struct process *process = alloc(sizeof *process);
    process->output = ends[0];
    process->pid = fork();
    CHECK(process->pid >= 0);
    if (process->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that dies leaves nothing behind */
        (void)dup2(ends[1], 1);
        (void)dup2(ends[1], 2);
        (void)execvp(arguments[0], list.theirs);
        _exit(127);
    }
    (void)close(ends[1]);
    return process;
}

/* The next line that contains the words; others are passed over. Aborts when none comes. */
static inline char *process_await(struct process *process, const char *words)
{
    for (;;) {
        char *end = memchr(process->said, '\n', process->size);
        if (end != NULL) {
            size_t size = (size_t)(end - process->said);
            char *line = strndup(process->said, size);
            memmove(process->said, end + 1, process->size - size - 1);
            process->size -= size + 1;
            if (strstr(line, words) != NULL) {
                return line;
            }
            free(line);
            continue;
        }
        struct pollfd waiting = {.fd = process->output, .events = POLLIN};
        CHECK(poll(&waiting, 1, PROCESS_WAIT_MS) == 1);
        ssize_t got = read(process->output, process->said + process->size,
                           sizeof process->said - process->size);
        CHECK(got > 0);
        process->size += (size_t)got;
    }
}

static inline void process_stop(struct process *process)
{
    (void)kill(process->pid, SIGKILL);
    (void)waitpid(process->pid, NULL, 0);
    (void)close(process->output);
    free(process);
}

/* Runs it to its end, silently; aborts unless it succeeds. */
static inline void process_run(const char *const *arguments)
{
    struct process *process = process_start(arguments);
    char nothing[4096];
    while (read(process->output, nothing, sizeof nothing) > 0) {
    }
    int status = 0;
    CHECK(waitpid(process->pid, &status, 0) == process->pid);
    CHECK(status == 0);
    (void)close(process->output);
    free(process);
}

/* A port of 127.0.0.1 that nobody listens on; for servers that cannot choose one themselves. */
static inline uint16_t process_free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

/* Waits until someone accepts on the port; aborts when nobody does. */
static inline void process_await_port(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    for (int tries = 0; tries < PROCESS_WAIT_MS / 20; tries++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(fd >= 0);
        int error = connect(fd, (struct sockaddr *)&address, sizeof address);
        (void)close(fd);
        if (error == 0) {
            return;
        }
        (void)poll(NULL, 0, 20);
    }
    CHECK(!"a server that accepts connections");
}

#endif
