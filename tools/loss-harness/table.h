/* Lines of aligned columns. */
#ifndef LOSS_HARNESS_TABLE_H
#define LOSS_HARNESS_TABLE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 32, TABLE_CELL_BYTES = 32 };

struct table {
    char (*cells)[TABLE_CELL_BYTES]; /* row by row */
    size_t count, capacity;
    uint32_t columns;
    bool is_left[TABLE_COLUMNS_MAX]; /* words; numbers stand right */
    bool failed;                     /* no memory: printing says so */
};

/* Zeroed but for columns and is_left. */
void table_finish(struct table *table);

/* The next cell, cut off when it is too long; NULL: an empty one. */
__attribute__((format(printf, 2, 3))) void table_add(struct table *table, const char *format, ...);

/* An empty line. */
void table_add_gap(struct table *table);

/* LM_ENOMEM: some cells had found no room, nothing is printed. */
int table_print(const struct table *table, FILE *out) LM_MUST_USE;

#endif
