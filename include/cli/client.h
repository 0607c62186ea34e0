/* The commands' way to the daemon: its HTTP interface, found by http.listen. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "cli/options.h"
#include "core/json.h"
#include "core/text.h"

struct client;
struct words_renamed;

/* NULL: the command ends here, its reason is told. */
struct client *client_open(const struct options *options, int *exit_code);
void client_close(struct client *client); /* NULL is fine */

/* False: the reason is told and *exit_code set. body NULL: GET, else POST. answer holds what came,
 * also when it is an answer of another code than 2xx. */
bool client_ask(struct client *client, const char *path, const char *body, struct text *answer,
                int *exit_code);
/* The same, parsed; NULL: as false above. The caller destroys it. */
struct json *client_ask_json(struct client *client, const char *path, const char *body,
                             int *exit_code);
/* The HTTP code; 0: no daemon, *exit_code is set and it is told. Problems are not told. */
long client_try(struct client *client, const char *path, const char *body, struct text *answer,
                int *exit_code);
/* What the daemon says is wrong, in the words of the command line. */
void client_add_problem(const struct client *client, struct text *line, long http_code,
                        const struct text *answer);
/* What the command calls otherwise than the interface; it must outlive the client. */
void client_rename(struct client *client, const struct words_renamed *own);
/* The same as a line of its own; its exit code. */
int client_tell_problem(const struct client *client, long http_code, const struct text *answer);
/* What is asked from here on may take as long as it takes. */
void client_be_patient(struct client *client);
/* The HTTP code of GET of one order; 0 as above. */
long client_try_order(struct client *client, struct span source, const char *order_id,
                      struct text *answer, int *exit_code);
/* The same, and what is wrong is told; as client_ask. */
bool client_ask_order(struct client *client, struct span source, const char *order_id,
                      struct text *answer, int *exit_code);
bool client_is_read(void); /* false: nobody reads what is printed any more, or it is lost */
/* Each line of a stream as it comes, without its end, until it ends, breaks off or nobody reads
 * what is printed. The HTTP code; 0: no daemon. */
typedef void client_line_fn(void *arg, struct span line);
long client_follow(struct client *client, const char *path, const char *last_event_id,
                   client_line_fn *on_line, void *arg);
/* ?name=value, encoded; first with '?', then '&'. NULL value: nothing. */
void client_add_parameter(struct text *path, const char *name, const char *value);
void client_print(const struct text *answer); /* --json */

#endif
