#include "message_sheet.h"

#include "core/utf8.h"

#include <string.h>

#define COLUMNS 72
#define LABEL_COLUMNS 20
#define VALUE_COLUMNS 25 /* of the old and of the new */

static size_t columns_of(struct span bytes)
{
    size_t columns = 0;
    for (size_t position = 0; position < bytes.size; columns++) {
        (void)utf8_next(bytes, &position);
    }
    return columns;
}

static void add_padding(struct text *out, size_t from, size_t to)
{
    for (size_t column = from; column < to; column++) {
        text_add_char(out, ' ');
    }
}

/* Breaks between words; a word longer than a line stays whole. Starts at column, with further lines
 * indented. */
static void add_wrapped(struct text *out, struct span line, size_t column, const char *indent)
{
    bool is_line_start = true;
    size_t position = 0;
    while (position < line.size) {
        const char *rest = line.data + position;
        const char *space = memchr(rest, ' ', line.size - position);
        struct span word = {.data = rest,
                            .size = space != NULL ? (size_t)(space - rest) : line.size - position};
        size_t columns = columns_of(word);
        if (!is_line_start && column + 1 + columns > COLUMNS) {
            text_addf(out, "\n%s", indent);
            column = strlen(indent);
        } else if (!is_line_start) {
            text_add_char(out, ' ');
            column++;
        }
        text_add(out, word);
        column += columns;
        position += word.size + 1;
        is_line_start = false;
    }
}

static void add_paragraph(struct text *out, const char *text)
{
    add_wrapped(out, span_of(text), 0, "");
    text_add_char(out, '\n');
}

/* Each line of the words is wrapped by itself, so that its breaks stay. */
static void add_quote(struct text *out, const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        text_add_text(out, "> ");
        add_wrapped(out, (struct span){.data = text, .size = size}, 2, "> ");
        text_add_char(out, '\n');
        text += size + (text[size] == '\n' ? 1 : 0);
    }
}

static void add_heading(struct text *out, const char *text)
{
    size_t start = out->size;
    add_paragraph(out, text);
    size_t columns =
        columns_of((struct span){.data = text_cstr(out) + start, .size = out->size - start - 1});
    for (size_t i = 0; i < columns && i < COLUMNS; i++) {
        text_add_char(out, '-');
    }
    text_add_char(out, '\n');
}

static void add_fact(struct text *out, const struct row *row, enum language language)
{
    const char *colon = words_phrase(PHRASE_COLON, language);
    size_t columns = columns_of(span_of(row->label)) + columns_of(span_of(colon));
    text_addf(out, "%s%s", row->label, colon);
    add_padding(out, columns, LABEL_COLUMNS);
    columns = columns < LABEL_COLUMNS ? LABEL_COLUMNS : columns;
    text_add_char(out, ' ');
    add_wrapped(out, span_of(row->to), columns + 1, "    ");
    text_add_char(out, '\n');
}

/* Whether each word of it fits into a column. */
static bool fits_column(const char *value)
{
    while (*value != '\0') {
        size_t size = strcspn(value, " ");
        if (columns_of((struct span){.data = value, .size = size}) > VALUE_COLUMNS) {
            return false;
        }
        value += size + (value[size] == ' ' ? 1 : 0);
    }
    return true;
}

/* The words that fit into one line of a column; *rest goes on behind them. */
static struct span take_line(struct span *rest)
{
    struct span line = {.data = rest->data, .size = 0};
    for (size_t end = 0; end < rest->size;) {
        const char *space = memchr(rest->data + end, ' ', rest->size - end);
        end = space != NULL ? (size_t)(space - rest->data) : rest->size;
        if (columns_of((struct span){.data = rest->data, .size = end}) > VALUE_COLUMNS) {
            break;
        }
        line.size = end;
        end += space != NULL ? 1 : 0;
    }
    size_t taken = line.size < rest->size ? line.size + 1 : line.size;
    *rest = (struct span){.data = rest->data + taken, .size = rest->size - taken};
    return line;
}

/* Old and new side by side, as many lines as they need. */
static void add_columns(struct text *out, const char *label, const char *from, const char *to)
{
    struct span old = span_of(from);
    struct span new = span_of(to);
    do {
        struct span left = take_line(&old);
        struct span right = take_line(&new);
        text_add_text(out, label);
        add_padding(out, columns_of(span_of(label)), LABEL_COLUMNS + 1);
        text_add(out, left);
        if (right.size != 0) {
            add_padding(out, columns_of(left), VALUE_COLUMNS + 1);
            text_add(out, right);
        }
        text_add_char(out, '\n');
        label = "";
    } while (old.size != 0 || new.size != 0);
}

static void add_side(struct text *out, enum phrase side, const char *value, enum language language)
{
    size_t start = out->size;
    text_addf(out, "  %s%s ", words_phrase(side, language), words_phrase(PHRASE_COLON, language));
    struct span label = {.data = text_cstr(out) + start, .size = out->size - start};
    add_wrapped(out, span_of(value), columns_of(label), "    ");
    text_add_char(out, '\n');
}

static void add_stacked(struct text *out, const struct row *row, enum language language)
{
    text_addf(out, "%s\n", row->label);
    if (row->from[0] != '\0') {
        add_side(out, PHRASE_BEFORE, row->from, language);
    }
    add_side(out, PHRASE_AFTER, row->to, language);
}

static bool is_columns(const struct row *row)
{
    return columns_of(span_of(row->label)) <= LABEL_COLUMNS && fits_column(row->from) &&
           fits_column(row->to);
}

/* Three columns; a row with a word that is too long for them is told one under the other. */
static void add_changes(struct text *out, const struct block *block, enum language language)
{
    add_columns(out, "", words_phrase(PHRASE_BEFORE, language),
                words_phrase(PHRASE_AFTER, language));
    for (size_t i = 0; i < block->row_count; i++) {
        const struct row *row = &block->rows[i];
        if (is_columns(row)) {
            add_columns(out, row->label, row->from, row->to);
        } else {
            add_stacked(out, row, language);
        }
    }
}

static void add_steps(struct text *out, const struct block *block)
{
    for (size_t i = 0; i < block->row_count; i++) {
        text_add_text(out, "* ");
        add_wrapped(out, span_of(block->rows[i].to), 2, "  ");
        text_add_char(out, '\n');
    }
}

static void add_block(struct text *out, const struct block *block, enum language language)
{
    switch (block->kind) {
    case BLOCK_LEAD:
    case BLOCK_PARAGRAPH:
        add_paragraph(out, block->text);
        return;
    case BLOCK_LABEL:
        text_addf(out, "%s\n", block->text);
        return;
    case BLOCK_HEADING:
        add_heading(out, block->text);
        return;
    case BLOCK_QUOTE:
        add_quote(out, block->text);
        return;
    case BLOCK_STEPS:
        add_steps(out, block);
        return;
    case BLOCK_CHANGES:
        add_changes(out, block, language);
        return;
    case BLOCK_FACTS:
        for (size_t i = 0; i < block->row_count; i++) {
            add_fact(out, &block->rows[i], language);
        }
        return;
    case BLOCK_LINK:
        text_addf(out, "%s%s %s\n", block->label, words_phrase(PHRASE_COLON, language),
                  block->text);
        return;
    case BLOCK_FOOT:
        text_add_text(out, "-- \n"); /* readers fold away what follows */
        add_paragraph(out, block->text);
        return;
    }
    CHECK(!"a block that exists");
}

void sheet_add_plain(const struct sheet *sheet, struct text *out)
{
    for (size_t i = 0; i < sheet->count; i++) {
        bool follows_label = i > 0 && sheet->blocks[i - 1].kind == BLOCK_LABEL;
        if (i > 0 && !follows_label) {
            text_add_char(out, '\n');
        }
        add_block(out, &sheet->blocks[i], sheet->language);
    }
}
