#include "bench/fec/report.h"

#include <stdio.h>

static const char *const column_names[FEC_COLUMNS] = {"encode", "few_lost", "all_lost"};

void fec_report_setup(const struct fec_plugin *plugin, const struct fec_setup *setup, bool json)
{
    if (json)
        printf("{\"setup\": \"%s\", \"version\": \"%s\", \"field\": \"%s\", "
               "\"first_create_us\": %.1f, \"resident_kib\": %ld}\n",
               plugin->name, plugin->version, plugin->field, setup->first_create_us,
               setup->resident_kib);
    else
        printf("%-14s %-22s %-22s first code %9.1f us, %6ld KiB\n", plugin->name, plugin->version,
               plugin->field, setup->first_create_us, setup->resident_kib);
}

static double best_of(const struct fec_row *rows, uint32_t count, bool ours, int column)
{
    double best = 0;
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].ours == ours && !rows[i].failed && rows[i].gb_s[column] > best)
            best = rows[i].gb_s[column];
    return best;
}

static void print_ratios(const struct fec_row *rows, uint32_t count)
{
    printf("%-14s", "ours / best");
    for (int c = 0; c < FEC_COLUMNS; c++) {
        double peer = best_of(rows, count, false, c);
        if (peer > 0)
            printf(" %9.2fx", best_of(rows, count, true, c) / peer);
        else
            printf(" %10s", "-");
    }
    printf("\n");
}

void fec_report_shape(const struct fec_shape *shape, uint32_t few, const struct fec_row *rows,
                      uint32_t count)
{
    printf("\nk %u, m %u, %u-byte shards; GB/s of data\n", shape->k, shape->m, shape->shard_bytes);
    printf("%-14s %10s %5u lost %5u lost %10s %9s  %s\n", "", "encode", few,
           shape->m < shape->k ? shape->m : shape->k, "create us", "parity", "field");
    for (uint32_t i = 0; i < count; i++) {
        const struct fec_row *r = &rows[i];
        if (r->failed) {
            printf("%-14s FAILED: what came back is not what was sent\n", r->plugin->name);
            continue;
        }
        printf("%-14s %10.2f %10.2f %10.2f %10.1f  %08x  %s\n", r->plugin->name,
               r->gb_s[FEC_ENCODE], r->gb_s[FEC_FEW_LOST], r->gb_s[FEC_ALL_LOST], r->create_us,
               r->digest, r->plugin->field);
    }
    print_ratios(rows, count);
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].finish_ns > 0)
            printf("%-14s parity %.1f us after the last shard (all at once: %.1f us)\n",
                   rows[i].plugin->name, rows[i].finish_ns * 1e-3,
                   rows[i].median_ns[FEC_ENCODE] * 1e-3);
}

void fec_report_json(const struct fec_shape *shape, uint32_t few, const struct fec_row *rows,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct fec_row *r = &rows[i];
        printf("{\"k\": %u, \"m\": %u, \"shard_bytes\": %u, \"few\": %u, \"code\": \"%s\", "
               "\"ours\": %s, \"ok\": %s, \"create_us\": %.1f, \"finish_us\": %.2f",
               shape->k, shape->m, shape->shard_bytes, few, r->plugin->name,
               r->ours ? "true" : "false", r->failed ? "false" : "true", r->create_us,
               r->finish_ns * 1e-3);
        for (int c = 0; c < FEC_COLUMNS; c++)
            printf(", \"%s\": {\"gb_s\": %.3f, \"median_us\": %.3f, \"best_us\": %.3f}",
                   column_names[c], r->gb_s[c], r->median_ns[c] * 1e-3, r->best_ns[c] * 1e-3);
        printf("}\n");
    }
}
