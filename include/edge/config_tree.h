/* From the trees of several files to the one that is read: merging and variables. */
#ifndef EDGE_CONFIG_TREE_H
#define EDGE_CONFIG_TREE_H

#include "core/node.h"

struct arena;

/* A new tree in arena that borrows from both: maps merge, lists append; anything else that both
 * have is a problem that names both places. */
struct node *config_tree_merge(struct arena *arena, const struct node *left,
                               const struct node *right, struct problem_list *problems);
/* A copy in arena with ${VAR}, ${VAR:-default}, ${VAR:?message} and $$ replaced in its scalars. */
struct node *config_tree_expand(struct arena *arena, const struct node *tree,
                                struct problem_list *problems);

#endif
