/* While a stream flows nothing is allocated, freed, logged or locked: a real pipeline on the
 * pattern and the tone, everything encrypted, and the client's receivers behind it, with the heap
 * calls of every thread counted, by this program's own malloc and its kin in front of libc's. */
#include "core/base/check.h"
#include "host/test_rig.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>

enum { WARM_UP_FRAMES = 300, FRAMES = 1000, KEPT = 16 };

/* What was called while `counting`, and from where. */
static _Atomic bool counting;
static _Atomic uint32_t heap_calls, own_locks, log_lines;
static void *_Atomic callers[KEPT];

static void note(void *caller)
{
    if (!atomic_load_explicit(&counting, memory_order_relaxed))
        return;
    uint32_t at = atomic_fetch_add(&heap_calls, 1);
    if (at < KEPT)
        atomic_store(&callers[at], caller);
}

/* libc's own entries, which need no look-up (that would allocate). */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

void *malloc(size_t size)
{
    note(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    note(__builtin_return_address(0));
    return __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    note(__builtin_return_address(0));
    return __libc_realloc(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    note(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size)
{
    note(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    note(__builtin_return_address(0));
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

void free(void *p)
{
    if (p)
        note(__builtin_return_address(0));
    __libc_free(p);
}

/* Encoders hand their slices to threads of their own under locks. Lumen's code is all in this
 * program, so the caller's address tells. */
static bool is_own(const void *address)
{
    extern const char __executable_start, etext;
    return (const char *)address >= &__executable_start && (const char *)address < &etext;
}

static int (*next_lock)(pthread_mutex_t *);

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed) &&
        is_own(__builtin_return_address(0)))
        atomic_fetch_add(&own_locks, 1);
    if (!next_lock)
        *(void **)&next_lock = dlsym(RTLD_NEXT, "pthread_mutex_lock");
    return next_lock(mutex);
}

static void write_log(void *user, enum lm_log_level level, const char *area, const char *text)
{
    if (atomic_load(&counting)) {
        atomic_fetch_add(&log_lines, 1);
        fprintf(stderr, "  logged while streaming: %s: %s\n", area, text);
    }
}

static void print_callers(void)
{
    for (uint32_t i = 0; i < KEPT && i < heap_calls; i++) {
        Dl_info info = {0};
        void *at = callers[i];
        dladdr(at, &info);
        fprintf(stderr, "  called by %s+0x%zx %s\n", info.dli_fname ? info.dli_fname : "?",
                (size_t)((char *)at - (char *)info.dli_fbase),
                info.dli_sname ? info.dli_sname : "");
    }
}

/* Losses and key frames are part of streaming: some are asked for on the way. */
static bool stream(struct rig *rig)
{
    uint32_t first = atomic_load(&rig->frames);
    for (uint32_t done = 0; done < FRAMES; done += 50) {
        uint32_t frame = atomic_load(&rig->frames);
        if (done % 500 == 250)
            pipeline_request_key(rig->pipeline);
        else
            pipeline_invalidate(rig->pipeline, frame - 1, frame);
        rig_set_routes(rig);
        if (!rig_wait(rig, &rig->frames, first + done + 50))
            return false;
    }
    return true;
}

static bool run(const char *encoder)
{
    static struct rig rig;
    const struct lm_log log = {.write = write_log, .max_level = LM_LOG_DEBUG};
    const struct rig_params params = {.encoder = encoder,
                                      .width = 320,
                                      .height = 192,
                                      .rate_mhz = 480000,
                                      .kbps = 6000,
                                      .slices = 4,
                                      .trace = true,
                                      .log = &log};
    if (!rig_has_encoder(encoder)) {
        printf("%s: not in this build\n", encoder);
        return true;
    }
    rig_start(&rig, &params);
    bool flows = rig_wait(&rig, &rig.frames, WARM_UP_FRAMES);
    uint32_t sounds = atomic_load(&rig.sounds), recoveries = atomic_load(&rig.recovery_frames);
    atomic_store(&heap_calls, 0);
    atomic_store(&counting, true);
    flows = flows && stream(&rig);
    atomic_store(&counting, false);
    sounds = atomic_load(&rig.sounds) - sounds;
    recoveries = atomic_load(&rig.recovery_frames) - recoveries;
    printf("%s: %d frames, %u recoveries, %u sounds: %u heap calls, %u locks, %u log lines%s\n",
           encoder, FRAMES, recoveries, sounds, heap_calls, own_locks, log_lines,
           flows ? "" : "; THE STREAM STOPPED");
    print_callers();
    rig_stop(&rig);
    return flows && !heap_calls && !own_locks && !log_lines && sounds > 0 && !rig.failures;
}

/* A counter that does not count would find nothing either. */
static bool counts(void)
{
    static char *volatile copy;
    atomic_store(&counting, true);
    copy = strdup("from within libc");
    free(copy);
    atomic_store(&counting, false);
    return heap_calls == 2;
}

int main(void)
{
    if (!counts()) {
        fprintf(stderr, "heap calls are not counted here\n");
        return 1;
    }
    bool fake = run("fake"), real = run("x264");
    return fake && real ? 0 : 1;
}
