#include "json_number.h"

#include "core/arena.h"
#include "core/text.h"

#include <string.h>

#define EXPONENT_DIGITS_MAX 15

/* The value is digits * 10^exponent; digits has no zero at either end, and is empty for zero. */
struct decimal {
    bool is_negative;
    char *digits;
    size_t count;
    int64_t exponent;
};

static size_t digit_run(struct span bytes, size_t from)
{
    size_t i = from;
    while (i < bytes.size && bytes.data[i] >= '0' && bytes.data[i] <= '9') {
        i++;
    }
    return i - from;
}

/* What stands behind e or E. False: more digits than 15. */
static bool read_exponent(struct span text, int64_t *out)
{
    size_t i = 0;
    bool is_negative = text.data[0] == '-';
    i += text.data[0] == '-' || text.data[0] == '+' ? 1 : 0;
    while (i < text.size && text.data[i] == '0') {
        i++;
    }
    if (text.size - i > EXPONENT_DIGITS_MAX) {
        return false;
    }
    int64_t value = 0;
    for (; i < text.size; i++) {
        value = value * 10 + (text.data[i] - '0');
    }
    *out = is_negative ? -value : value;
    return true;
}

static void trim_zeros(struct decimal *decimal)
{
    while (decimal->count != 0 && decimal->digits[decimal->count - 1] == '0') {
        decimal->count--;
        decimal->exponent++;
    }
    size_t leading = 0;
    while (leading < decimal->count && decimal->digits[leading] == '0') {
        leading++;
    }
    decimal->digits += leading;
    decimal->count -= leading;
}

/* False: the exponent is beyond what is computed with. buffer holds number.size bytes. */
static bool decimal_read(struct span number, char *buffer, struct decimal *out)
{
    *out = (struct decimal){.digits = buffer, .is_negative = number.data[0] == '-'};
    size_t i = out->is_negative ? 1 : 0;
    size_t whole = digit_run(number, i);
    memcpy(buffer, number.data + i, whole);
    out->count = whole;
    i += whole;
    size_t fraction = 0;
    if (i < number.size && number.data[i] == '.') {
        fraction = digit_run(number, i + 1);
        memcpy(buffer + whole, number.data + i + 1, fraction);
        out->count += fraction;
        i += fraction + 1;
    }
    int64_t exponent = 0;
    bool is_small = true;
    if (i < number.size) {
        is_small = read_exponent(
            (struct span){.data = number.data + i + 1, .size = number.size - i - 1}, &exponent);
    }
    out->exponent = exponent - (int64_t)fraction;
    trim_zeros(out);
    return is_small || out->count == 0;
}

static void add_zeros(struct text *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        text_add_char(out, '0');
    }
}

/* Where the decimal point is, counted from the first digit. */
static int64_t point_of(const struct decimal *decimal)
{
    return (int64_t)decimal->count + decimal->exponent;
}

static bool fits_plain(const struct decimal *decimal)
{
    int64_t point = point_of(decimal);
    return decimal->count <= JSON_NUMBER_PLAIN_MAX && point <= JSON_NUMBER_PLAIN_MAX &&
           -decimal->exponent <= JSON_NUMBER_PLAIN_MAX;
}

static void add_plain(struct text *out, const struct decimal *decimal)
{
    int64_t point = point_of(decimal);
    struct span digits = {.data = decimal->digits, .size = decimal->count};
    if (point <= 0) {
        text_add_text(out, "0.");
        add_zeros(out, -point);
        text_add(out, digits);
    } else if (decimal->exponent >= 0) {
        text_add(out, digits);
        add_zeros(out, decimal->exponent);
    } else {
        size_t whole = (size_t)point;
        text_add(out, (struct span){.data = digits.data, .size = whole});
        text_add_char(out, '.');
        text_add(out, (struct span){.data = digits.data + whole, .size = digits.size - whole});
    }
}

static void add_scientific(struct text *out, const struct decimal *decimal)
{
    text_add_char(out, decimal->digits[0]);
    if (decimal->count > 1) {
        text_add_char(out, '.');
        text_add(out, (struct span){.data = decimal->digits + 1, .size = decimal->count - 1});
    }
    text_addf(out, "e%+lld", (long long)(point_of(decimal) - 1));
}

static void decimal_add(struct text *out, const struct decimal *decimal)
{
    if (decimal->count == 0) {
        text_add_char(out, '0');
        return;
    }
    if (decimal->is_negative) {
        text_add_char(out, '-');
    }
    if (fits_plain(decimal)) {
        add_plain(out, decimal);
    } else {
        add_scientific(out, decimal);
    }
}

/* Most numbers are small whole ones, which are their own canonical spelling. */
static bool is_plain_integer(struct span number)
{
    return number.size <= JSON_NUMBER_PLAIN_MAX && digit_run(number, 0) == number.size;
}

static char *keep(struct span number, struct arena *arena)
{
    return memcpy(arena_alloc(arena, number.size + 1), number.data, number.size);
}

char *json_number_canonical(struct span number, struct arena *arena)
{
    CHECK(number.size != 0);
    if (is_plain_integer(number)) {
        return keep(number, arena);
    }
    struct text out;
    text_init(&out, number.size + 64);
    struct text digits;
    text_init(&digits, number.size);
    text_add(&digits, number);
    struct decimal decimal;
    if (decimal_read(number, digits.data, &decimal)) {
        decimal_add(&out, &decimal);
    } else {
        text_add(&out, number);
    }
    CHECK(out.status == STATUS_OK);
    char *kept = keep(text_span(&out), arena);
    text_fini(&digits);
    text_fini(&out);
    return kept;
}
