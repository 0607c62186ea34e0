/* The languages of mails and calendars. A new one is src/core/words_TAG.c and a line here. */
#ifndef CORE_LANGUAGE_H
#define CORE_LANGUAGE_H

/* X(name of the constant, tag as in the configuration and in HTML) */
#define LANGUAGES(X)                                                                               \
    X(EN, en)                                                                                      \
    X(FR, fr)

#define LANGUAGE_CONSTANT(name, tag) LANGUAGE_##name,
enum language { LANGUAGES(LANGUAGE_CONSTANT) LANGUAGE_COUNT };
#undef LANGUAGE_CONSTANT

/* The language of a tag such as fr-FR, by its first part; English if there are no words for it. */
enum language language_of_tag(const char *tag);

#endif
