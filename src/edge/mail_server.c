#include "mail_server.h"

#include "core/arena.h"
#include "core/secret.h"

#include <uv.h>

#include <string.h>

const char *mail_server_hello_name(struct arena *arena)
{
    char name[256];
    size_t size = sizeof name;
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    if (uv_os_gethostname(name, &size) != 0 || size == 0 || strspn(name, allowed) != size) {
        return "localhost";
    }
    return arena_text(arena, span_of(name));
}

const char *mail_server_url(const struct email_config *email, const char *hello_name,
                            struct arena *arena)
{
    bool is_ipv6 = strchr(email->server_host, ':') != NULL;
    return arena_format(arena, "smtps://%s%s%s:%u/%s", is_ipv6 ? "[" : "", email->server_host,
                        is_ipv6 ? "]" : "", email->server_port, hello_name);
}

struct mail_job mail_server_job(const struct email_config *email)
{
    return (struct mail_job){
        .host = email->server_host,
        .port = email->server_port,
        .is_tls_required = email->is_tls_required,
        .ca_file = email->ca_file != NULL ? email->ca_file : "",
        .username = email->username != NULL ? email->username : "",
        .password = email->password != NULL ? secret_reveal(email->password) : span_of(""),
    };
}
