#include "table.h"

#include "core/base/check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void table_finish(struct table *t)
{
    free(t->cells);
    t->cells = NULL;
    t->count = t->capacity = 0;
}

void table_add(struct table *t, const char *format, ...)
{
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 512;
        void *cells = realloc(t->cells, capacity * sizeof *t->cells);
        t->failed = t->failed || !cells;
        if (!cells)
            return;
        t->cells = cells;
        t->capacity = capacity;
    }
    char *cell = t->cells[t->count++];
    cell[0] = 0;
    va_list args;
    va_start(args, format);
    if (format)
        vsnprintf(cell, TABLE_CELL_BYTES, format, args);
    va_end(args);
}

void table_add_gap(struct table *t)
{
    LM_CHECK(t->failed || t->count % t->columns == 0);
    for (uint32_t c = 0; c < t->columns; c++)
        table_add(t, NULL);
}

static void print_row(const struct table *t, const size_t *widths,
                      const char (*row)[TABLE_CELL_BYTES], FILE *out)
{
    size_t blanks = 0; /* owed, so that no line ends in any */
    for (uint32_t c = 0; c < t->columns; c++) {
        size_t length = strlen(row[c]), room = widths[c] - length;
        size_t before = t->is_left[c] ? 0 : room;
        if (length) {
            fprintf(out, "%*s%s", (int)(blanks + before), "", row[c]);
            blanks = 2 + room - before;
        } else {
            blanks += widths[c] + 2;
        }
    }
    fputc('\n', out);
}

int table_print(const struct table *t, FILE *out)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    if (t->failed)
        return LM_ENOMEM;
    LM_CHECK(t->columns <= TABLE_COLUMNS_MAX && t->count % t->columns == 0);
    for (size_t i = 0; i < t->count; i++)
        widths[i % t->columns] = LM_MAX(widths[i % t->columns], strlen(t->cells[i]));
    for (size_t i = 0; i < t->count; i += t->columns)
        print_row(t, widths, (const char(*)[TABLE_CELL_BYTES]) & t->cells[i], out);
    return LM_OK;
}
