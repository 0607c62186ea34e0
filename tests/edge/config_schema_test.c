/* The JSON Schemas in conf say what the tables of the configuration and of profiles say: the same
 * keys, the same defaults, the same required ones. */
#include "core/config_shape.h"
#include "core/profile_shape.h"
#include "core/text.h"
#include "edge/file_read.h"

#include <cjson/cJSON.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const cJSON *resolve(const cJSON *schema, const cJSON *root)
{
    const cJSON *reference = cJSON_GetObjectItemCaseSensitive(schema, "$ref");
    if (reference == NULL) {
        return schema;
    }
    const char *slash = strrchr(reference->valuestring, '/');
    assert_non_null(slash);
    const cJSON *definitions = cJSON_GetObjectItemCaseSensitive(root, "$defs");
    return cJSON_GetObjectItemCaseSensitive(definitions, slash + 1);
}

static bool is_required(const cJSON *schema, const char *name)
{
    const cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(schema, "required"))
    {
        if (strcmp(entry->valuestring, name) == 0) {
            return true;
        }
    }
    return false;
}

static void assert_same_default(const struct key *key, const cJSON *property)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(property, "default");
    char number[32];
    if (key->kind == KEY_MAP) {
        assert_null(value);
        return;
    }
    if ((key->initial == NULL) != (value == NULL)) {
        fail_msg("%s: only one of table and schema has a default", key->name);
    }
    if (value == NULL) {
        return;
    }
    (void)snprintf(number, sizeof number, "%d", value->valueint);
    assert_string_equal(key->initial, cJSON_IsNumber(value) ? number : value->valuestring);
}

/* The number of properties that stand for the key: a secret has two. */
static int assert_same_presence(const struct key *key, const cJSON *schema, bool has_required)
{
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(schema, "properties");
    if (cJSON_GetObjectItemCaseSensitive(properties, key->name) == NULL) {
        fail_msg("%s is not in the schema", key->name);
    }
    if (key->kind == KEY_SECRET) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s_file", key->name);
        assert_non_null(cJSON_GetObjectItemCaseSensitive(properties, name));
        return 2;
    }
    if (has_required) {
        assert_int_equal(key->is_required, is_required(schema, key->name));
    }
    return 1;
}

static void assert_same_shape(const struct shape *shape, const cJSON *schema, const cJSON *root)
{
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(schema, "properties");
    int count = 0;
    assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(schema, "additionalProperties")));
    for (size_t i = 0; i < shape->count; i++) {
        const struct key *key = &shape->keys[i];
        const cJSON *property = cJSON_GetObjectItemCaseSensitive(properties, key->name);
        /* At the top nothing is required of one file: sources may all stand in conf.d. */
        count += assert_same_presence(key, schema, shape != &config_shape);
        assert_same_default(key, property);
        if (key->kind == KEY_MAP) {
            assert_same_shape(key->shape, resolve(property, root), root);
        } else if (key->kind == KEY_MAPS) {
            assert_same_shape(key->shape, cJSON_GetObjectItemCaseSensitive(property, "items"),
                              root);
        }
    }
    assert_int_equal(count, cJSON_GetArraySize(properties)); /* and none besides */
}

static void assert_file_says_what_the_tables_say(const char *path, const struct shape *shape)
{
    struct text bytes;
    text_init(&bytes, 1 << 20);
    assert_int_equal(file_read(path, &bytes, NULL), STATUS_OK);
    cJSON *schema = cJSON_Parse(text_cstr(&bytes));
    assert_non_null(schema);
    assert_same_shape(shape, schema, schema);
    cJSON_Delete(schema);
    text_fini(&bytes);
}

static void the_schema_says_what_the_tables_say(void **state)
{
    (void)state;
    assert_file_says_what_the_tables_say("conf/orderwatch.schema.json", &config_shape);
}

static void the_schema_of_profiles_says_what_their_tables_say(void **state)
{
    (void)state;
    assert_file_says_what_the_tables_say("conf/orderwatch-profile.schema.json", profile_shape());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_says_what_the_tables_say),
        cmocka_unit_test(the_schema_of_profiles_says_what_their_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
