#include "core/secret.h"

#include <stdlib.h>
#include <string.h>

struct secret {
    size_t size;
    char bytes[];
};

struct secret *secret_create(struct span bytes)
{
    struct secret *secret = alloc(sizeof *secret + bytes.size + 1);
    secret->size = bytes.size;
    if (bytes.size != 0) {
        memcpy(secret->bytes, bytes.data, bytes.size);
    }
    return secret;
}

void secret_destroy(struct secret *secret)
{
    if (secret == NULL) {
        return;
    }
    explicit_bzero(secret->bytes, secret->size);
    free(secret);
}

struct span secret_reveal(const struct secret *secret)
{
    return (struct span){.data = secret->bytes, .size = secret->size};
}

const char *secret_reveal_text(const struct secret *secret)
{
    return secret->bytes;
}
