/* Names and values of HTTP headers that a configuration or a format may set. */
#ifndef CORE_HEADER_NAME_H
#define CORE_HEADER_NAME_H

/* What is wrong with a name, NULL if nothing is. Headers that frame or sign a request are ours. */
const char *header_name_fault(const char *name);
const char *header_value_fault(const char *value); /* visible ASCII and spaces */

#endif
