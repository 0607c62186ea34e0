/* The tree of a YAML file even where it has problems; for those who tell them all in one run. */
#ifndef EDGE_YAML_TREE_H
#define EDGE_YAML_TREE_H

#include "core/node.h"

#define YAML_BYTES_MAX ((size_t)256 * 1024)

struct yaml_document;

/* NULL: it cannot be read on (syntax, depth, size). Otherwise a tree without what was refused. An
 * empty file is an empty scalar. */
struct yaml_document *yaml_tree_parse(const char *name, struct span bytes,
                                      struct problem_list *problems);
struct yaml_document *yaml_tree_load(const char *path, struct problem_list *problems);

#endif
