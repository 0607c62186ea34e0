#include "listen_socket.h"

#include "core/address.h"
#include "core/text.h"

#include <uv.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define UNIX_PREFIX "unix:"

static enum status refuse(struct failure *why, const char *listen_text, int error)
{
    char reason[128];
    (void)uv_strerror_r(-error, reason, sizeof reason);
    if (error == EADDRINUSE) {
        return fail(why, STATUS_BUSY,
                    "http.listen %s: %s; choose another port, or stop what listens there",
                    listen_text, reason);
    }
    return fail(why, STATUS_INVALID, "http.listen %s: %s; accepted: an address of this machine",
                listen_text, reason);
}

static const char *unix_path(const char *listen_text)
{
    size_t size = strlen(UNIX_PREFIX);
    return strncmp(listen_text, UNIX_PREFIX, size) == 0 ? listen_text + size : NULL;
}

/* --- UNIX sockets ----------------------------------------------------------------------------- */

static bool somebody_listens(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) {
        return false;
    }
    bool is_answered = connect(probe, (const struct sockaddr *)address, sizeof *address) == 0;
    (void)close(probe);
    return is_answered;
}

/* A daemon that was killed leaves its socket's file behind. */
static void remove_stale(const struct sockaddr_un *address)
{
    struct stat entry;
    if (lstat(address->sun_path, &entry) == 0 && S_ISSOCK(entry.st_mode) &&
        !somebody_listens(address)) {
        (void)unlink(address->sun_path);
    }
}

static int bind_unix(int socket_fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return ENAMETOOLONG;
    }
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    remove_stale(&address);
    mode_t before = umask(0117); /* whoever may not write the file may not ask */
    int result = bind(socket_fd, (const struct sockaddr *)&address, sizeof address);
    int error = result == 0 ? 0 : errno;
    (void)umask(before);
    return error;
}

static int open_unix(const char *path, int *out)
{
    *out = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return *out < 0 ? errno : bind_unix(*out, path);
}

/* --- TCP -------------------------------------------------------------------------------------- */

static int bind_tcp(const struct addrinfo *address, int *out)
{
    *out = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*out < 0) {
        return errno;
    }
    int yes = 1;
    (void)setsockopt(*out, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (address->ai_family == AF_INET6) {
        (void)setsockopt(*out, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    }
    return bind(*out, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
}

/* A name is looked up once, at start, where waiting is fine. */
static int open_tcp(const char *listen_text, int *out)
{
    struct text text;
    text_init(&text, 1024);
    text_addf(&text, "http://%s", listen_text);
    struct url url;
    bool is_url = url_parse(text_cstr(&text), &url) && url.port != 0;
    char host[256] = "";
    char port[8] = "";
    if (is_url) {
        (void)snprintf(host, sizeof host, "%.*s", (int)url.host.size, url.host.data);
        (void)snprintf(port, sizeof port, "%u", url.port);
    }
    text_fini(&text);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses = NULL;
    if (!is_url || getaddrinfo(host, port, &hints, &addresses) != 0) {
        return EADDRNOTAVAIL;
    }
    int error = bind_tcp(addresses, out);
    freeaddrinfo(addresses);
    return error;
}

enum status listen_socket_open(const char *listen_text, int *out, struct failure *why)
{
    int socket_fd = -1;
    const char *path = unix_path(listen_text);
    int error = path != NULL ? open_unix(path, &socket_fd) : open_tcp(listen_text, &socket_fd);
    if (error == 0 && listen(socket_fd, BACKLOG) != 0) {
        error = errno;
    }
    if (error != 0) {
        if (socket_fd >= 0) {
            (void)close(socket_fd);
        }
        return refuse(why, listen_text, error);
    }
    *out = socket_fd;
    return STATUS_OK;
}

void listen_socket_remove(const char *listen_text)
{
    const char *path = unix_path(listen_text);
    if (path != NULL) {
        (void)unlink(path);
    }
}
