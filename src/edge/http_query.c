#include "http_query.h"

#include <microhttpd.h>

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

const char *http_query_header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

void http_query_read(struct MHD_Connection *connection,
                     struct http_parameter parameters[static PARAMETER_COUNT_MAX],
                     struct http_query *query)
{
    struct parameters found = {.list = parameters};
    (void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, on_parameter, &found);
    query->parameters = parameters;
    query->parameter_count = found.count;
    query->host = http_query_header(connection, MHD_HTTP_HEADER_HOST);
    query->authorization = http_query_header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    query->content_type = http_query_header(connection, MHD_HTTP_HEADER_CONTENT_TYPE);
    query->intent = http_query_header(connection, "X-Orderwatch");
    query->origin = http_query_header(connection, MHD_HTTP_HEADER_ORIGIN);
    if (query->origin == NULL) {
        query->origin = http_query_header(connection, "Sec-Fetch-Site");
    }
    query->last_event_id = http_query_header(connection, "Last-Event-ID");
    query->if_none_match = http_query_header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
}
