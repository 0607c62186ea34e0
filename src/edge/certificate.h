/* Our own certificates, as files: until when they are good. Private to the adapters. */
#ifndef EDGE_CERTIFICATE_H
#define EDGE_CERTIFICATE_H

#include <stdint.h>

/* Unix ms of the end of the first certificate in a PEM file; 0: there is none to be read. */
int64_t certificate_file_end_ms(const char *path);

#endif
