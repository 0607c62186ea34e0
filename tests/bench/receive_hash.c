/* The peer of an unchanged sweep: receives pages over one connection and hashes them with XXH3,
 * nothing else. Prints its seconds of CPU, and those of the receiving alone. */
#define XXH_INLINE_ALL
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#define BODY_BYTES_MAX ((size_t)32 << 20)

static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("receive_hash: connect");
        exit(69);
    }
    return fd;
}

/* The size of a page that was received into buffer, and where it begins. */
static size_t receive(int fd, long offset, char *buffer, char **body)
{
    char request[256];
    int size = snprintf(request, sizeof request,
                        "GET /orders?offset=%ld HTTP/1.1\r\nHost: localhost\r\n\r\n", offset);
    if (write(fd, request, (size_t)size) != size) {
        exit(69);
    }
    size_t have = 0;
    size_t wanted = 0;
    while (wanted == 0 || have < wanted) {
        ssize_t got = read(fd, buffer + have, BODY_BYTES_MAX - have);
        if (got <= 0) {
            exit(69);
        }
        have += (size_t)got;
        buffer[have] = '\0';
        char *end = wanted == 0 ? strstr(buffer, "\r\n\r\n") : NULL;
        const char *length = end != NULL ? strcasestr(buffer, "content-length:") : NULL;
        if (length != NULL) {
            *body = end + 4;
            wanted = (size_t)(*body - buffer) + strtoul(length + 15, NULL, 10);
        }
    }
    return wanted - (size_t)(*body - buffer);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        (void)fputs("usage: receive_hash PORT ORDERS PAGE\n", stderr);
        return 2;
    }
    int fd = connect_to((int)strtol(argv[1], NULL, 10));
    long count = strtol(argv[2], NULL, 10);
    long page = strtol(argv[3], NULL, 10);
    char *buffer = malloc(BODY_BYTES_MAX + 1);
    if (buffer == NULL) {
        return 70;
    }
    double began = cpu_s();
    double hashing = 0;
    XXH64_hash_t all = 0;
    for (long offset = 0; offset < count; offset += page) {
        char *body = NULL;
        size_t size = receive(fd, offset, buffer, &body);
        double received = cpu_s();
        all ^= XXH3_64bits(body, size);
        hashing += cpu_s() - received;
    }
    double spent = cpu_s() - began;
    (void)printf("%.6f %.6f\n", spent, spent - hashing);
    (void)fprintf(stderr, "%llx\n", (unsigned long long)all);
    free(buffer);
    (void)close(fd);
    return 0;
}
