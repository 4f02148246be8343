#include "model.h"

#include "core/base/check.h"
#include "core/base/time.h"

uint64_t model_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* A chance as the share of all 64-bit numbers below the result; 1 falls short by 2^-64. */
static uint64_t threshold(double chance)
{
    LM_CHECK(chance >= 0 && chance <= 1);
    return chance >= 1 ? UINT64_MAX : (uint64_t)(chance * 0x1p64);
}

static bool happens(struct model *m, uint64_t chance)
{
    return model_random(&m->random) < chance;
}

static struct model *add(struct model_chain *chain,
                         bool (*pass)(struct model *, struct model_packet *), uint64_t seed)
{
    LM_CHECK(chain->count < MODEL_CHAIN_MAX);
    /* Models of one chain must not see the same numbers. */
    uint64_t random = seed ^ (uint64_t)chain->count << 56;
    struct model *m = &chain->models[chain->count++];
    *m = (struct model){.pass = pass, .random = model_random(&random)};
    return m;
}

static bool pass_queue(struct model *m, struct model_packet *p)
{
    uint64_t size_bytes = p->size_bytes + MODEL_IP_UDP_BYTES;
    uint64_t start_ns = LM_MAX(m->queue.busy_until_ns, p->at_ns);
    double queued = (double)(start_ns - p->at_ns) * (double)m->queue.rate_bps / 8e9;
    if (m->queue.size_bytes && queued + (double)size_bytes > (double)m->queue.size_bytes)
        return false;
    m->queue.busy_until_ns = start_ns + size_bytes * 8 * LM_NS_PER_S / m->queue.rate_bps;
    p->at_ns = m->queue.busy_until_ns;
    return true;
}

void model_add_queue(struct model_chain *chain, uint64_t rate_bps, uint64_t size_bytes)
{
    LM_CHECK(rate_bps);
    struct model *m = add(chain, pass_queue, 0);
    m->queue.rate_bps = rate_bps;
    m->queue.size_bytes = size_bytes;
}

static bool pass_independent(struct model *m, struct model_packet *p)
{
    return !happens(m, m->independent.lose);
}

void model_add_independent(struct model_chain *chain, double loss, uint64_t seed)
{
    add(chain, pass_independent, seed)->independent.lose = threshold(loss);
}

static bool pass_bursts(struct model *m, struct model_packet *p)
{
    if (m->bursts.inside)
        m->bursts.inside = !happens(m, m->bursts.leave);
    else
        m->bursts.inside = happens(m, m->bursts.enter);
    return !m->bursts.inside;
}

void model_add_bursts(struct model_chain *chain, double loss, double burst, uint64_t seed)
{
    LM_CHECK(loss <= 0.5 && burst >= 1);
    struct model *m = add(chain, pass_bursts, seed);
    /* Of the time inside, burst, and outside, 1 / enter, the share inside is `loss`. */
    m->bursts.enter = threshold(loss / (burst * (1 - loss)));
    m->bursts.leave = threshold(1 / burst);
    m->bursts.inside = happens(m, threshold(loss));
}

static bool pass_trace(struct model *m, struct model_packet *p)
{
    const struct trace *trace = m->recorded.trace;
    if (!m->recorded.left) {
        m->recorded.run = (m->recorded.run + 1) % trace->count;
        m->recorded.left = trace->runs[m->recorded.run].packets;
    }
    m->recorded.left--;
    return !trace->runs[m->recorded.run].lost;
}

void model_add_trace(struct model_chain *chain, const struct trace *trace, uint64_t seed)
{
    LM_CHECK(trace->count && trace->packets);
    struct model *m = add(chain, pass_trace, seed);
    uint64_t skip = model_random(&m->random) % trace->packets;
    size_t run = 0;
    for (; skip >= trace->runs[run].packets; run++)
        skip -= trace->runs[run].packets;
    m->recorded.trace = trace;
    m->recorded.run = run;
    m->recorded.left = trace->runs[run].packets - skip;
}

static bool pass_duplicate(struct model *m, struct model_packet *p)
{
    if (happens(m, m->delay.chance))
        p->copy_at_ns = p->at_ns + 1 + model_random(&m->random) % m->delay.most_ns;
    return true;
}

void model_add_duplicate(struct model_chain *chain, double chance, uint64_t most_ns, uint64_t seed)
{
    LM_CHECK(most_ns);
    struct model *m = add(chain, pass_duplicate, seed);
    m->delay.chance = threshold(chance);
    m->delay.most_ns = most_ns;
}

static bool pass_reorder(struct model *m, struct model_packet *p)
{
    if (happens(m, m->delay.chance))
        p->at_ns += 1 + model_random(&m->random) % m->delay.most_ns;
    return true;
}

void model_add_reorder(struct model_chain *chain, double chance, uint64_t most_ns, uint64_t seed)
{
    LM_CHECK(most_ns);
    struct model *m = add(chain, pass_reorder, seed);
    m->delay.chance = threshold(chance);
    m->delay.most_ns = most_ns;
}

bool model_chain_pass(struct model_chain *chain, struct model_packet *packet)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        struct model *m = &chain->models[i];
        m->passed++;
        if (!m->pass(m, packet)) {
            m->lost++;
            return false;
        }
    }
    return true;
}
