#include "member.h"

#include <stdlib.h>
#include <string.h>

void member_set(struct member **list, const char *name, char *json)
{
    struct member **link = list;
    while (*link != NULL && strcmp((*link)->name, name) != 0) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        *link = alloc(sizeof **link);
        (*link)->name = alloc_text(name);
    }
    free((*link)->json);
    (*link)->json = json;
}

const char *member_find(const struct member *list, const char *name)
{
    while (list != NULL && strcmp(list->name, name) != 0) {
        list = list->next;
    }
    return list != NULL ? list->json : NULL;
}

void member_remove(struct member **list, const char *name)
{
    for (struct member **link = list; *link != NULL; link = &(*link)->next) {
        if (strcmp((*link)->name, name) == 0) {
            struct member *gone = *link;
            *link = gone->next;
            free(gone->name);
            free(gone->json);
            free(gone);
            return;
        }
    }
}

void members_destroy(struct member *list)
{
    while (list != NULL) {
        struct member *next = list->next;
        free(list->name);
        free(list->json);
        free(list);
        list = next;
    }
}

void members_add(const struct member *list, struct text *out)
{
    for (const struct member *member = list; member != NULL; member = member->next) {
        text_add_char(out, ',');
        text_add_json_text(out, member->name);
        text_add_char(out, ':');
        text_add_text(out, member->json);
    }
}

void member_set_text(struct member **list, const char *name, const char *text)
{
    struct text json;
    text_init(&json, 4096);
    text_add_json_text(&json, text);
    member_set(list, name, text_take(&json));
}
