#include "sim_link.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

uint64_t sim_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool happens(struct sim_link *link, uint32_t ppm)
{
    return sim_random(&link->random) % 1000000 < ppm;
}

void sim_link_init(struct sim_link *link, const struct sim_link_params *params, uint64_t seed)
{
    memset(link, 0, sizeof *link);
    link->params = *params;
    link->random = seed;
    link->items = calloc(SIM_LINK_IN_FLIGHT, sizeof *link->items);
    LM_CHECK(link->items);
    for (uint32_t i = 0; i < SIM_LINK_IN_FLIGHT; i++)
        link->heap[i] = i;
}

void sim_link_finish(struct sim_link *link)
{
    free(link->items);
    link->items = NULL;
}

void sim_link_calm(struct sim_link *link)
{
    link->params = (struct sim_link_params){.delay_ns = link->params.delay_ns};
    link->burst_left = 0;
}

static bool is_before(const struct sim_link *link, uint32_t a, uint32_t b)
{
    const struct sim_link_item *x = &link->items[link->heap[a]], *y = &link->items[link->heap[b]];
    return x->at_ns != y->at_ns ? x->at_ns < y->at_ns : x->order < y->order;
}

static void swap(struct sim_link *link, uint32_t a, uint32_t b)
{
    uint32_t kept = link->heap[a];
    link->heap[a] = link->heap[b];
    link->heap[b] = kept;
}

static struct sim_link_item *put(struct sim_link *link, const uint8_t *data, size_t size_bytes,
                                 uint64_t at_ns)
{
    LM_CHECK(link->count < SIM_LINK_IN_FLIGHT && size_bytes <= SIM_LINK_DATAGRAM_BYTES);
    struct sim_link_item *item = &link->items[link->heap[link->count]];
    item->at_ns = at_ns;
    item->order = link->order++;
    item->size_bytes = size_bytes;
    memcpy(item->data, data, size_bytes);
    uint32_t i = link->count++;
    for (; i && is_before(link, i, (i - 1) / 2); i = (i - 1) / 2)
        swap(link, i, (i - 1) / 2);
    return item;
}

static bool is_lost(struct sim_link *link)
{
    if (!link->burst_left && happens(link, link->params.burst_ppm))
        link->burst_left =
            1 + (uint32_t)(sim_random(&link->random) % (2 * link->params.burst_length));
    if (link->burst_left) {
        link->burst_left--;
        return true;
    }
    return happens(link, link->params.loss_ppm);
}

static uint64_t arrival(struct sim_link *link, uint64_t now_ns, bool is_delayed)
{
    uint64_t jitter = link->params.jitter_ns;
    uint64_t extra = is_delayed && jitter ? sim_random(&link->random) % jitter : 0;
    return now_ns + link->params.delay_ns + extra;
}

bool sim_link_send(struct sim_link *link, const uint8_t *data, size_t size_bytes, uint64_t now_ns)
{
    bool lost = is_lost(link);
    link->sent++;
    link->lost += lost;
    if (happens(link, link->params.damage_ppm)) {
        struct sim_link_item *bad = put(link, data, size_bytes, arrival(link, now_ns, true));
        uint64_t where = sim_random(&link->random);
        size_t at = where / 2 % size_bytes;
        /* Bytes 12-15 of a sealed datagram only repeat the frame's number, outside the tag: damage
         * there would leave a good datagram. */
        at = at >= 12 && at < 16 ? 0 : at;
        if (where & 1)
            bad->size_bytes = at;
        else
            bad->data[at] ^= (uint8_t)(1 << (where >> 60 & 7));
    }
    if (lost)
        return false;
    put(link, data, size_bytes, arrival(link, now_ns, happens(link, link->params.jitter_ppm)));
    if (happens(link, link->params.copy_ppm))
        put(link, data, size_bytes, arrival(link, now_ns, true));
    return true;
}

uint64_t sim_link_next_ns(const struct sim_link *link)
{
    return link->count ? link->items[link->heap[0]].at_ns : UINT64_MAX;
}

size_t sim_link_receive(struct sim_link *link, uint8_t out[SIM_LINK_DATAGRAM_BYTES])
{
    LM_CHECK(link->count);
    const struct sim_link_item *item = &link->items[link->heap[0]];
    size_t size_bytes = item->size_bytes;
    memcpy(out, item->data, size_bytes);
    swap(link, 0, --link->count);
    for (uint32_t i = 0;;) {
        uint32_t least = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < link->count; child++)
            if (is_before(link, child, least))
                least = child;
        if (least == i)
            return size_bytes;
        swap(link, i, least);
        i = least;
    }
}
