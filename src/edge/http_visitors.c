#include "http_visitors.h"

#include "core/log.h"

#include <uv.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LOOK_MS 1000
#define SENDING_MS 20000
#define READING_MS 60000
#define UNREAD_BYTES_MAX ((size_t)24 << 20)
#define PER_HOST_MAX 50
#define TELLING_MS 60000 /* whoever is refused must not fill the log */

/* Who counts as one. Of IPv6 that is a network of 64 bits, all of which one machine may use. */
struct host {
    int family; /* AF_UNSPEC: this machine, or a UNIX socket; not counted */
    uint8_t bytes[8];
};

struct visitor {
    struct http_visitors *visitors;
    struct visitor *previous, *next;
    struct host host;
    int socket_fd;
    uint64_t due_ms;    /* when its time is over; UINT64_MAX: it waits for us */
    size_t unread_size; /* of its answer */
};

struct http_visitors {
    uv_timer_t timer; /* runs while anybody is there */
    struct visitor *first;
    size_t unread_size;
    uint64_t quiet_until_ms; /* no refusal is told before */
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

struct http_visitors *http_visitors_create(struct uv_loop_s *uv)
{
    struct http_visitors *visitors = alloc(sizeof *visitors);
    CHECK(uv_timer_init(uv, &visitors->timer) == 0);
    visitors->timer.data = visitors;
    return visitors;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http_visitors *visitors = handle->data;
    void (*on_closed)(void *arg) = visitors->on_closed;
    void *arg = visitors->on_closed_arg;
    CHECK(visitors->first == NULL);
    free(visitors);
    on_closed(arg);
}

void http_visitors_close(struct http_visitors *visitors, void (*on_closed)(void *arg), void *arg)
{
    visitors->on_closed = on_closed;
    visitors->on_closed_arg = arg;
    uv_close((uv_handle_t *)&visitors->timer, on_timer_closed);
}

/* The library sees the end of the connection and lets it go. */
static void on_look(uv_timer_t *timer)
{
    const struct http_visitors *visitors = timer->data;
    uint64_t now_ms = uv_now(timer->loop);
    for (struct visitor *visitor = visitors->first; visitor != NULL; visitor = visitor->next) {
        if (visitor->due_ms <= now_ms) {
            visitor->due_ms = UINT64_MAX;
            (void)shutdown(visitor->socket_fd, SHUT_RDWR);
        }
    }
}

/* --- hosts ------------------------------------------------------------------------------------ */

static struct host host_of(const struct sockaddr *address)
{
    struct host host = {.family = AF_UNSPEC};
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof ipv4);
        host.family = ntohl(ipv4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET ? AF_UNSPEC : AF_INET;
        memcpy(host.bytes, &ipv4.sin_addr, sizeof ipv4.sin_addr);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof ipv6);
        host.family = IN6_IS_ADDR_LOOPBACK(&ipv6.sin6_addr) ? AF_UNSPEC : AF_INET6;
        memcpy(host.bytes, &ipv6.sin6_addr, sizeof host.bytes);
    }
    return host;
}

static size_t count_of(const struct http_visitors *visitors, const struct host *host)
{
    size_t count = 0;
    for (const struct visitor *visitor = visitors->first; visitor != NULL;
         visitor = visitor->next) {
        bool is_same = visitor->host.family == host->family &&
                       memcmp(visitor->host.bytes, host->bytes, sizeof host->bytes) == 0;
        count += is_same ? 1 : 0;
    }
    return count;
}

static void tell_refusal(struct http_visitors *visitors, const struct sockaddr *address)
{
    uint64_t now_ms = uv_now(visitors->timer.loop);
    if (now_ms < visitors->quiet_until_ms) {
        return;
    }
    visitors->quiet_until_ms = now_ms + TELLING_MS;
    char name[INET6_ADDRSTRLEN] = "";
    (void)uv_ip_name(address, name, sizeof name);
    LOG_WARN("client_refused", log_text("address", name), log_number("clients", PER_HOST_MAX));
}

bool http_visitors_admit(struct http_visitors *visitors, const struct sockaddr *address)
{
    struct host host = host_of(address);
    if (host.family == AF_UNSPEC || count_of(visitors, &host) < PER_HOST_MAX) {
        return true;
    }
    tell_refusal(visitors, address);
    return false;
}

/* --- visitors --------------------------------------------------------------------------------- */

struct visitor *visitor_create(struct http_visitors *visitors, int socket_fd,
                               const struct sockaddr *address)
{
    struct visitor *visitor = alloc(sizeof *visitor);
    *visitor = (struct visitor){.visitors = visitors,
                                .next = visitors->first,
                                .host = host_of(address),
                                .socket_fd = socket_fd};
    if (visitors->first != NULL) {
        visitors->first->previous = visitor;
    } else {
        CHECK(uv_timer_start(&visitors->timer, on_look, LOOK_MS, LOOK_MS) == 0);
    }
    visitors->first = visitor;
    visitor_sends(visitor);
    return visitor;
}

void visitor_destroy(struct visitor *visitor)
{
    struct http_visitors *visitors = visitor->visitors;
    visitors->unread_size -= visitor->unread_size;
    if (visitor->previous != NULL) {
        visitor->previous->next = visitor->next;
    } else {
        visitors->first = visitor->next;
    }
    if (visitor->next != NULL) {
        visitor->next->previous = visitor->previous;
    }
    if (visitors->first == NULL) {
        (void)uv_timer_stop(&visitors->timer);
    }
    free(visitor);
}

static void begin(struct visitor *visitor, uint64_t due_ms, size_t unread_size)
{
    struct http_visitors *visitors = visitor->visitors;
    visitors->unread_size += unread_size - visitor->unread_size;
    visitor->unread_size = unread_size;
    visitor->due_ms = due_ms;
}

void visitor_sends(struct visitor *visitor)
{
    begin(visitor, uv_now(visitor->visitors->timer.loop) + SENDING_MS, 0);
}

void visitor_waits(struct visitor *visitor)
{
    begin(visitor, UINT64_MAX, 0);
}

void visitor_reads(struct visitor *visitor, size_t size)
{
    begin(visitor, uv_now(visitor->visitors->timer.loop) + READING_MS, size);
}

bool http_visitors_have_room(const struct http_visitors *visitors, size_t size)
{
    return visitors->unread_size == 0 || visitors->unread_size + size <= UNREAD_BYTES_MAX;
}
