#include "http_query.h"

#include <microhttpd.h>

#include <stdlib.h>

struct parameters {
    struct http_parameter *list;
    size_t count;
};

static enum MHD_Result on_parameter(void *arg, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct parameters *parameters = arg;
    (void)kind;
    if (parameters->count == PARAMETER_COUNT_MAX) {
        return MHD_NO;
    }
    parameters->list[parameters->count++] =
        (struct http_parameter){.name = name, .value = value != NULL ? value : ""};
    return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name) /* NULL: none */
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

size_t http_query_body_size(struct MHD_Connection *connection)
{
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length != NULL ? strtoull(length, NULL, 10) : 0; /* the library has looked at it */
}

void http_query_read(struct MHD_Connection *connection,
                     struct http_parameter parameters[static PARAMETER_COUNT_MAX],
                     struct http_query *query)
{
    struct parameters found = {.list = parameters};
    (void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_parameter, &found);
    query->parameters = parameters;
    query->parameter_count = found.count;
    query->host = header(connection, MHD_HTTP_HEADER_HOST);
    query->authorization = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    query->content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    query->intent = header(connection, "X-Orderwatch");
    query->origin = header(connection, MHD_HTTP_HEADER_ORIGIN);
    if (query->origin == NULL) {
        query->origin = header(connection, "Sec-Fetch-Site");
    }
    query->last_event_id = header(connection, "Last-Event-ID");
    query->if_none_match = header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
}
