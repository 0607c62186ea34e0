/* What the daemon says of its HTTP interface, in the words of the command line. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

struct text;

/* What a command calls otherwise than the interface; rows of them end with NULL. */
struct words_renamed {
    const char *parameter, *option;
};

/* "parameter since: …" becomes "--since: …", "/api/v1/orders?source=NAME" the command that lists
 * the same. own: of the command; at the beginning they are known without "parameter", too. NULL:
 * none. Harmless, and on one line. */
void words_add(struct text *out, const char *detail, const struct words_renamed *own);
/* The parameter of the interface that an option stands for. */
const char *words_parameter(const char *option);

#endif
