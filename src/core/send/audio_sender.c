#include "core/send/audio_sender.h"

#include "core/base/check.h"
#include "core/crypto/cbc.h"
#include "core/crypto/hash.h"
#include "core/fec/code8.h"
#include "core/wire/gs_audio.h"

#include <stdlib.h>
#include <string.h>

enum {
    DATA = LM_GSA_BLOCK_DATA,
    PARITY = LM_GSA_BLOCK_PARITY,
    ITEMS = DATA + 1, /* things to pull of a block: 4 packets, then both parities as one batch */
    BLOCKS = 2,       /* one being filled while the other is still pulled */
    PARITY_MAX = PARITY * LM_GSA_MAX_DATAGRAM_BYTES,
};

static_assert(LM_CODE8_AUDIO_DATA == LM_GSA_BLOCK_DATA, "one code");
static_assert(LM_CODE8_AUDIO_PARITY == LM_GSA_BLOCK_PARITY, "one code");

struct block {
    uint8_t data[DATA][LM_GSA_MAX_DATAGRAM_BYTES];
    uint8_t parity[PARITY_MAX]; /* both datagrams, one behind the other */
    size_t size_bytes[ITEMS];   /* of one datagram; 0: nothing to send */
    uint32_t base_timestamp_ms;
};

struct lm_audio_sender {
    struct lm_audio_sender_config config;
    uint16_t sequence;
    uint32_t timestamp_ms;
    struct block blocks[BLOCKS];
    uint64_t put, get; /* items, running; block item / ITEMS */
    uint32_t lent, sent_of_item;
    struct lm_cbc *cbc;
    struct lm_code8 *code;
    struct lm_audio_sender_stats stats;
};

static int audio_sender_init(struct lm_audio_sender *s)
{
    s->sequence = s->config.first_sequence;
    s->timestamp_ms = s->config.first_timestamp_ms;
    s->put = s->get = s->sequence % DATA;
    int rc = lm_code8_create_audio(&s->code);
    if (rc == 0 && s->config.encrypt)
        rc = lm_cbc_create(&s->cbc, s->config.key);
    return rc;
}

int lm_audio_sender_create(const struct lm_audio_sender_config *config,
                           struct lm_audio_sender **out)
{
    *out = NULL;
    if (config->packet_duration_ms < 1 || config->packet_duration_ms > 120)
        return LM_EINVAL;
    struct lm_audio_sender *s = calloc(1, sizeof *s);
    if (!s)
        return LM_ENOMEM;
    s->config = *config;
    int rc = audio_sender_init(s);
    if (rc < 0) {
        lm_audio_sender_destroy(s);
        return rc;
    }
    *out = s;
    return 0;
}

void lm_audio_sender_destroy(struct lm_audio_sender *s)
{
    if (!s)
        return;
    lm_cbc_destroy(s->cbc);
    lm_code8_destroy(s->code);
    lm_wipe(s->config.key, sizeof s->config.key);
    free(s);
}

static struct block *block_of(struct lm_audio_sender *s, uint64_t item)
{
    return &s->blocks[item / ITEMS % BLOCKS];
}

/* Puts the parity of a full block behind it, if its payloads are of one size. */
static void make_parity(struct lm_audio_sender *s, struct block *b)
{
    const uint8_t *data[DATA];
    for (int i = 0; i < DATA; i++)
        data[i] = b->data[i] + LM_RTP_BYTES;
    size_t body_bytes = b->size_bytes[0] - LM_RTP_BYTES;
    size_t datagram_bytes = LM_GSA_FEC_HEADER_BYTES + body_bytes;
    uint16_t base = (uint16_t)(s->sequence - (DATA - 1));
    uint8_t *parity[PARITY];
    for (uint32_t row = 0; row < PARITY; row++) {
        uint8_t *at = b->parity + row * datagram_bytes;
        lm_gsa_write_parity_header(at, row, base, b->base_timestamp_ms);
        parity[row] = at + LM_GSA_FEC_HEADER_BYTES;
    }
    lm_code8_encode(s->code, data, parity, body_bytes);
    b->size_bytes[DATA] = datagram_bytes;
    s->stats.parity_datagrams += PARITY;
}

static bool all_of_one_size(const struct block *b)
{
    for (int i = 0; i < DATA; i++)
        if (!b->size_bytes[i] || b->size_bytes[i] != b->size_bytes[0])
            return false;
    return true;
}

/* Closes packet item `put`, filled or not, and its block after the last. */
static void advance(struct lm_audio_sender *s, struct block *b)
{
    if (s->put % ITEMS == DATA - 1) {
        if (s->config.fec && all_of_one_size(b))
            make_parity(s, b);
        else if (s->config.fec)
            s->stats.blocks_without_parity++;
        s->put++;
    }
    s->put++;
    s->sequence++;
    s->timestamp_ms += s->config.packet_duration_ms;
}

/* Room for the next packet: the block that it begins must be empty. */
static struct block *open_item(struct lm_audio_sender *s)
{
    if (s->put / ITEMS - s->get / ITEMS >= BLOCKS)
        return NULL;
    struct block *b = block_of(s, s->put);
    if (s->put % ITEMS == 0) {
        memset(b->size_bytes, 0, sizeof b->size_bytes);
        b->base_timestamp_ms = s->timestamp_ms;
    }
    return b;
}

int lm_audio_sender_push(struct lm_audio_sender *s, const uint8_t *opus, size_t size_bytes,
                         uint64_t now_ns)
{
    (void)now_ns;
    size_t body_bytes = s->config.encrypt ? LM_CBC_SEALED_BYTES(size_bytes) : size_bytes;
    if (size_bytes == 0)
        return LM_EINVAL;
    if (size_bytes > LM_GSA_MAX_BODY_BYTES || body_bytes > LM_GSA_MAX_BODY_BYTES)
        return LM_ELIMIT;
    struct block *b = open_item(s);
    if (!b)
        return LM_EFULL;
    uint8_t *at = b->data[s->put % ITEMS];
    lm_gsa_write_data_header(at, s->sequence, s->timestamp_ms);
    if (s->config.encrypt) {
        uint8_t iv[16];
        lm_gsa_iv(iv, s->config.rikeyid, s->sequence);
        int rc = lm_cbc_encrypt(s->cbc, iv, opus, size_bytes, at + LM_RTP_BYTES, body_bytes);
        if (rc < 0)
            return LM_EIO;
        LM_CHECK((size_t)rc == body_bytes);
    } else {
        memcpy(at + LM_RTP_BYTES, opus, size_bytes);
    }
    b->size_bytes[s->put % ITEMS] = LM_RTP_BYTES + body_bytes;
    s->stats.data_datagrams++;
    advance(s, b);
    return 0;
}

void lm_audio_sender_skip(struct lm_audio_sender *s)
{
    struct block *b = open_item(s);
    if (b) {
        advance(s, b);
        return;
    }
    /* Both blocks still wait to be pulled: by now they are too old to be worth sending. */
    s->get = s->put;
    s->lent = s->sent_of_item = 0;
    lm_audio_sender_skip(s);
}

int lm_audio_sender_pull(struct lm_audio_sender *s, struct lm_batch *batch)
{
    while (s->get != s->put && !block_of(s, s->get)->size_bytes[s->get % ITEMS])
        s->get++;
    if (s->get == s->put)
        return 0;
    const struct block *b = block_of(s, s->get);
    uint32_t item = (uint32_t)(s->get % ITEMS);
    bool is_parity = item == DATA;
    s->lent = is_parity ? PARITY - s->sent_of_item : 1;
    const uint8_t *first = is_parity ? b->parity : b->data[item];
    *batch = (struct lm_batch){
        .data = first + s->sent_of_item * b->size_bytes[item],
        .segment_bytes = b->size_bytes[item],
        .segments = s->lent,
        .frame_index = (uint16_t)(s->sequence - 1),
        .block = is_parity,
        .last_of_frame = is_parity,
    };
    return 1;
}

void lm_audio_sender_done(struct lm_audio_sender *s, uint32_t segments)
{
    LM_CHECK(segments <= s->lent);
    s->stats.datagrams_sent += segments;
    s->stats.bytes_sent += segments * block_of(s, s->get)->size_bytes[s->get % ITEMS];
    s->sent_of_item += segments;
    if (segments == s->lent && s->lent) {
        s->sent_of_item = 0;
        s->get++;
    }
    s->lent = 0;
}

void lm_audio_sender_get_stats(const struct lm_audio_sender *s, struct lm_audio_sender_stats *out)
{
    *out = s->stats;
}
