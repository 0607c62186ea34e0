/* What the daemon says of its HTTP interface, in the words of the command line. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

struct text;

/* "parameter since: …" becomes "--since: …", "/api/v1/orders?source=NAME" the command that lists
 * the same. Harmless, and on one line. */
void words_add(struct text *out, const char *detail);
/* The parameter of the interface that an option stands for. */
const char *words_parameter(const char *option);

#endif
