/* While frames and input flow through a session nothing is allocated: this program's own malloc and
 * its kin, in front of libc's, count. */
#include "rig.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>

enum { WARM_UP_FRAMES = 20, FRAMES = 1000 };

static atomic_bool counting;
static atomic_uint heap_calls;

static void note(void)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed))
        atomic_fetch_add(&heap_calls, 1);
}

/* libc's own entries, which need no look-up (that would allocate). */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

void *malloc(size_t size)
{
    note();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    note();
    return __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    note();
    return __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
    note();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    note();
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

void free(void *p)
{
    if (p)
        note();
    __libc_free(p);
}

static void count_event(const LumenInputEvent *event, void *user)
{
    ++*(unsigned *)user;
}

/* `count` frames of all sizes, each with a key, losses included; how many arrived. */
static unsigned stream(struct rig_pair *p, unsigned count, bool is_udp)
{
    unsigned got = 0;
    for (unsigned i = 0; i < count; i++) {
        LumenInputEvent event = {.type = LUMEN_INPUT_KEY, .code = 30, .value = i & 1};
        LumenFrame f;
        LumenLoss loss;
        LumenStats stats;
        (void)rig_submit(p->host, 1 + i * 997 % 120000, i);
        (void)lumen_send_input(p->client, &event);
        (void)lumen_host_poll_input(p->host);
        while (rig_poll(p->client, &f) == LUMEN_STATUS_OK) {
            got++;
            if (is_udp)
                break; /* the next poll would wait for what nobody sends */
        }
        while (lumen_client_poll_loss(p->client, &loss) == LUMEN_STATUS_OK)
            continue;
        (void)lumen_get_stats(p->host, &stats);
    }
    return got;
}

static bool run(struct rig_way way, bool udp)
{
    struct rig_pair p = rig_pair(way);
    unsigned events = 0;
    if (udp) {
        if (!rig_udp(&p, "127.0.0.1:0"))
            return false;
    } else {
        p.configs[0].loopback_drop_period = 9;
        rig_loopback(&p);
    }
    (void)lumen_set_input_callback(p.host, count_event, &events);
    (void)stream(&p, WARM_UP_FRAMES, udp);
    atomic_store(&heap_calls, 0);
    atomic_store(&counting, true);
    unsigned got = stream(&p, FRAMES, udp);
    atomic_store(&counting, false);
    printf("phase %u, scheme %u, encrypt %u, %s: %u of %d frames, %u events: %u heap calls\n",
           way.phase, way.fec_scheme, way.encrypt, udp ? "UDP" : "loopback", got, FRAMES, events,
           atomic_load(&heap_calls));
    rig_free(&p);
    return atomic_load(&heap_calls) == 0 && got > FRAMES / 2 && events > FRAMES / 2;
}

/* A counter that does not count would find nothing either. */
static bool counts(void)
{
    static char *volatile copy;
    atomic_store(&counting, true);
    copy = strdup("from within libc");
    free(copy);
    atomic_store(&counting, false);
    return atomic_load(&heap_calls) == 2;
}

int main(void)
{
    bool ok = counts();
    if (!ok)
        fprintf(stderr, "heap calls are not counted here\n");
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++)
        ok = run(rig_ways[w], false) && ok;
    ok = run(rig_ways[5], true) && run(rig_ways[1], true) && ok;
    return ok ? 0 : 1;
}
