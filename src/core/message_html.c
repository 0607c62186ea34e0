#include "message_sheet.h"

#include <string.h>

/* Colours come from the reader's own scheme; what is set here is readable on light and on dark. */
static const char head[] =
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; }\n"
    "body { font: 16px/1.45 sans-serif; margin: 0 auto; max-width: 40em; padding: 12px; }\n"
    "table { border-collapse: collapse; margin: 8px 0; width: 100%; }\n"
    "th, td { border-bottom: 1px solid #8884; padding: 4px 8px 4px 0; text-align: left;\n"
    "  vertical-align: top; overflow-wrap: anywhere; }\n"
    "th { font-weight: normal; max-width: 40vw; opacity: .75; overflow-wrap: break-word; }\n"
    "td.new { font-weight: bold; }\n"
    ".changes { table-layout: fixed; }\n"
    ".changes th { font-size: .9em; } .changes th:first-child { width: 34%; }\n"
    "h2 { font-size: 1em; margin: 20px 0 4px; }\n"
    ".lead { border-left: 4px solid #888; font-size: 1.1em; margin: 0 0 12px;\n"
    "  padding-left: 10px; }\n"
    ".warning { border-color: #d98200; } .critical { border-color: #d1242f; }\n"
    "blockquote { border-left: 2px solid #8888; margin: 8px 0; padding-left: 10px;\n"
    "  white-space: pre-wrap; overflow-wrap: anywhere; }\n"
    ".foot { font-size: .85em; margin-top: 24px; opacity: .75; }\n"
    "</style>\n";

static void add_escaped(struct text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            text_add_text(out, "&amp;");
            break;
        case '<':
            text_add_text(out, "&lt;");
            break;
        case '>':
            text_add_text(out, "&gt;");
            break;
        case '"':
            text_add_text(out, "&quot;");
            break;
        case '\'':
            text_add_text(out, "&#39;");
            break;
        default:
            text_add_char(out, *text);
        }
    }
}

static void add_element(struct text *out, const char *open, const char *text, const char *close)
{
    text_add_text(out, open);
    add_escaped(out, text);
    text_add_text(out, close);
}

static void add_changes(struct text *out, const struct block *block, enum language language)
{
    text_add_text(out, "<table class=\"changes\">\n<tr><th></th>");
    add_element(out, "<th>", words_phrase(PHRASE_BEFORE, language), "</th>");
    add_element(out, "<th>", words_phrase(PHRASE_AFTER, language), "</th></tr>\n");
    for (size_t i = 0; i < block->row_count; i++) {
        add_element(out, "<tr><th>", block->rows[i].label, "</th>");
        add_element(out, "<td>", block->rows[i].from, "</td>");
        add_element(out, "<td class=\"new\">", block->rows[i].to, "</td></tr>\n");
    }
    text_add_text(out, "</table>\n");
}

static void add_facts(struct text *out, const struct block *block)
{
    text_add_text(out, "<table>\n");
    for (size_t i = 0; i < block->row_count; i++) {
        add_element(out, "<tr><th>", block->rows[i].label, "</th>");
        add_element(out, "<td>", block->rows[i].to, "</td></tr>\n");
    }
    text_add_text(out, "</table>\n");
}

static void add_steps(struct text *out, const struct block *block)
{
    text_add_text(out, "<ul>\n");
    for (size_t i = 0; i < block->row_count; i++) {
        add_element(out, "<li>", block->rows[i].to, "</li>\n");
    }
    text_add_text(out, "</ul>\n");
}

static void add_link(struct text *out, const struct block *block, enum language language)
{
    add_element(out, "<p>", block->label, words_phrase(PHRASE_COLON, language));
    text_add_char(out, ' ');
    add_element(out, "<a href=\"", block->text, "\">");
    add_element(out, "", block->text, "</a></p>\n");
}

static void add_block(struct text *out, const struct block *block, enum language language)
{
    switch (block->kind) {
    case BLOCK_LEAD:
        text_addf(out, "<p class=\"lead %s\">", severity_name(block->severity));
        add_element(out, "", block->text, "</p>\n");
        return;
    case BLOCK_HEADING:
    case BLOCK_LABEL:
        add_element(out, "<h2>", block->text, "</h2>\n");
        return;
    case BLOCK_PARAGRAPH:
        add_element(out, "<p>", block->text, "</p>\n");
        return;
    case BLOCK_QUOTE:
        add_element(out, "<blockquote>", block->text, "</blockquote>\n");
        return;
    case BLOCK_STEPS:
        add_steps(out, block);
        return;
    case BLOCK_CHANGES:
        add_changes(out, block, language);
        return;
    case BLOCK_FACTS:
        add_facts(out, block);
        return;
    case BLOCK_LINK:
        add_link(out, block, language);
        return;
    case BLOCK_FOOT:
        add_element(out, "<p class=\"foot\">", block->text, "</p>\n");
        return;
    }
    CHECK(!"a block that exists");
}

void sheet_add_html(const struct sheet *sheet, const char *title, struct text *out)
{
    text_addf(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n", words_tag(sheet->language));
    text_add_text(out, head);
    add_element(out, "<title>", title, "</title>\n</head>\n<body>\n");
    for (size_t i = 0; i < sheet->count; i++) {
        add_block(out, &sheet->blocks[i], sheet->language);
    }
    text_add_text(out, "</body>\n</html>\n");
}
