/* A language is complete: every word is there, with the same places for arguments. */
#include "src/core/words_language.h"

#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LANGUAGE_ENTRY(name, tag) &words_##tag,
static const struct language_words *const languages[] = {LANGUAGES(LANGUAGE_ENTRY)};
#undef LANGUAGE_ENTRY
_Static_assert(ARRAY_COUNT(languages) == LANGUAGE_COUNT, "every language is looked at");

static void expect_word(const struct language_words *language, const char *what, size_t index,
                        const char *word)
{
    if (word == NULL || word[0] == '\0') {
        fail_msg("%s: %s %zu is missing", language->tag, what, index);
    }
}

static void nothing_is_missing(void **state)
{
    (void)state;
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        const struct language_words *language = languages[i];
        assert_string_equal(language->tag, words_tag((enum language)i));
        for (size_t day = 0; day < 7; day++) {
            expect_word(language, "weekday", day, language->weekdays[day]);
        }
        for (size_t month = 0; month < 12; month++) {
            expect_word(language, "month", month, language->months[month]);
        }
        for (size_t type = 0; type < EVENT_TYPE_COUNT; type++) {
            expect_word(language, "event", type, language->events[type].what);
            expect_word(language, "advice", type, language->events[type].advice);
        }
        for (size_t field = 0; field < FIELD_WORD_COUNT; field++) {
            expect_word(language, "field", field, language->fields[field]);
        }
        for (size_t phrase = 0; phrase < PHRASE_COUNT; phrase++) {
            expect_word(language, "phrase", phrase, language->phrases[phrase]);
        }
    }
}

static unsigned int arguments_of(const char *phrase)
{
    unsigned int arguments = 0;
    for (const char *byte = phrase; *byte != '\0'; byte++) {
        if (byte[0] == '%' && byte[1] >= '1' && byte[1] <= '4') {
            arguments |= 1U << (byte[1] - '1');
        }
    }
    return arguments;
}

static void check_arguments(const struct language_words *words, size_t phrase)
{
    if (arguments_of(words->phrases[phrase]) != arguments_of(words_en.phrases[phrase])) {
        fail_msg("%s: %s has other arguments than %s", words->tag, words->phrases[phrase],
                 words_en.phrases[phrase]);
    }
}

static void phrases_take_the_same_arguments(void **state)
{
    (void)state;
    for (size_t i = 1; i < LANGUAGE_COUNT; i++) {
        for (size_t phrase = 0; phrase < PHRASE_COUNT; phrase++) {
            check_arguments(languages[i], phrase);
        }
    }
}

/* What is the same word in both languages, and rightly so. */
static bool is_same_in_both(const char *word)
{
    static const char *const words[] = {"Site", "Contact", "Notes", "Codes", "Source %1", "(+%1)"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static void french_is_not_english(void **state)
{
    (void)state;
    for (size_t type = 0; type < EVENT_TYPE_COUNT; type++) {
        assert_string_not_equal(words_en.events[type].what, words_fr.events[type].what);
        assert_string_not_equal(words_en.events[type].advice, words_fr.events[type].advice);
    }
    for (size_t i = 0; i < PHRASE_COUNT; i++) {
        bool is_same = strcmp(words_en.phrases[i], words_fr.phrases[i]) == 0;
        assert_true(!is_same || is_same_in_both(words_en.phrases[i]));
    }
    for (size_t i = 0; i < FIELD_WORD_COUNT; i++) {
        bool is_same = strcmp(words_en.fields[i], words_fr.fields[i]) == 0;
        assert_true(!is_same || is_same_in_both(words_en.fields[i]));
    }
}

static void a_tag_is_known_by_its_first_part(void **state)
{
    (void)state;
    assert_int_equal(language_of_tag("fr"), LANGUAGE_FR);
    assert_int_equal(language_of_tag("fr-CA"), LANGUAGE_FR);
    assert_int_equal(language_of_tag("en"), LANGUAGE_EN);
    assert_int_equal(language_of_tag("fry"), LANGUAGE_EN); /* Frisian is not French */
    assert_int_equal(language_of_tag(""), LANGUAGE_EN);
}

static void none_is_singular_in_french(void **state)
{
    (void)state;
    assert_false(words_is_one(0, LANGUAGE_EN));
    assert_true(words_is_one(0, LANGUAGE_FR));
    assert_true(words_is_one(1, LANGUAGE_EN));
    assert_false(words_is_one(2, LANGUAGE_FR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missing),
        cmocka_unit_test(phrases_take_the_same_arguments),
        cmocka_unit_test(french_is_not_english),
        cmocka_unit_test(a_tag_is_known_by_its_first_part),
        cmocka_unit_test(none_is_singular_in_french),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
