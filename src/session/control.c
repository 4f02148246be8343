#include "session/control.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/crypto/aead.h"

#include <stdlib.h>

enum {
    WINDOW_BITS = 1024, /* sequence numbers remembered below the highest */
    V2_IV_BYTES = 12,
    LEGACY_IV_BYTES = 16,
};

struct control {
    struct lm_aead *aead;
    enum control_role role;
    enum control_iv iv;
    uint64_t next_sequence; /* 64 bits, so that the 32 of the wire cannot wrap */
    bool any_seen;
    uint32_t highest_seen;
    uint64_t seen[WINDOW_BITS / 64]; /* bit (sequence mod WINDOW_BITS) */
};

int control_create(struct control **out, enum control_role role, enum control_iv iv,
                   const uint8_t key[16])
{
    *out = NULL;
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        return LM_ENOMEM;
    c->role = role;
    c->iv = iv;
    int result = lm_aead_create(&c->aead, key, LM_AEAD_ANY);
    if (result < 0) {
        control_destroy(c);
        return result;
    }
    *out = c;
    return LM_OK;
}

void control_destroy(struct control *c)
{
    if (!c)
        return;
    lm_aead_destroy(c->aead);
    free(c);
}

/* `from_host`: the direction of the message. Returns the IV's size. */
static size_t make_iv(const struct control *c, bool from_host, uint32_t sequence,
                      uint8_t iv[LEGACY_IV_BYTES])
{
    memset(iv, 0, LEGACY_IV_BYTES);
    if (c->iv == CONTROL_IV_LEGACY) {
        iv[0] = (uint8_t)sequence;
        return LEGACY_IV_BYTES;
    }
    lm_put_le32(iv, sequence);
    iv[10] = from_host ? 'H' : 'C';
    iv[11] = 'C';
    return V2_IV_BYTES;
}

int control_seal(struct control *c, const uint8_t *plain, size_t size_bytes, uint8_t *out,
                 size_t capacity_bytes)
{
    size_t total_bytes = size_bytes + LM_GS_ENVELOPE_OVERHEAD_BYTES;
    if (size_bytes > LM_GS_CONTROL_MAX_BYTES || total_bytes > capacity_bytes ||
        c->next_sequence > UINT32_MAX)
        return LM_ELIMIT;
    uint32_t sequence = (uint32_t)c->next_sequence++;
    uint8_t iv[LEGACY_IV_BYTES];
    size_t iv_bytes = make_iv(c, c->role == CONTROL_HOST, sequence, iv);
    uint8_t *data = out + LM_GS_ENVELOPE_OVERHEAD_BYTES;
    lm_put_le16(out, LM_GS_ENVELOPE_TYPE);
    lm_put_le16(out + 2, (uint16_t)(total_bytes - 4));
    lm_put_le32(out + 4, sequence);
    memmove(data, plain, size_bytes);
    int result =
        lm_aead_seal(c->aead, iv, iv_bytes, data, size_bytes, out + LM_GS_ENVELOPE_HEADER_BYTES);
    return result < 0 ? result : (int)total_bytes;
}

static uint64_t *window_word(struct control *c, uint32_t sequence, uint64_t *bit)
{
    uint32_t at = sequence % WINDOW_BITS;
    *bit = UINT64_C(1) << (at % 64);
    return &c->seen[at / 64];
}

static bool was_seen(struct control *c, uint32_t sequence)
{
    uint64_t bit;
    if (!c->any_seen || sequence > c->highest_seen)
        return false;
    if (c->highest_seen - sequence >= WINDOW_BITS)
        return true; /* too old to know */
    const uint64_t *word = window_word(c, sequence, &bit);
    return (*word & bit) != 0;
}

static void mark_seen(struct control *c, uint32_t sequence)
{
    uint64_t bit;
    if (!c->any_seen || sequence > c->highest_seen) {
        uint32_t steps = c->any_seen ? sequence - c->highest_seen : WINDOW_BITS;
        for (uint32_t i = 1; i <= LM_MIN(steps, (uint32_t)WINDOW_BITS); i++) {
            uint64_t *passed = window_word(c, c->highest_seen + i, &bit);
            *passed &= ~bit;
        }
        c->highest_seen = sequence;
        c->any_seen = true;
    }
    uint64_t *word = window_word(c, sequence, &bit);
    *word |= bit;
}

int control_open(struct control *c, const uint8_t *packet, size_t size_bytes, uint8_t *plain,
                 size_t capacity_bytes)
{
    if (size_bytes < LM_GS_ENVELOPE_OVERHEAD_BYTES + LM_GS_CONTROL_HEADER_BYTES ||
        lm_get_le16(packet) != LM_GS_ENVELOPE_TYPE || lm_get_le16(packet + 2) != size_bytes - 4)
        return LM_EPROTO;
    size_t plain_bytes = size_bytes - LM_GS_ENVELOPE_OVERHEAD_BYTES;
    if (plain_bytes > capacity_bytes)
        return LM_EPROTO;
    uint32_t sequence = lm_get_le32(packet + 4);
    if (was_seen(c, sequence))
        return LM_EAUTH;
    uint8_t iv[LEGACY_IV_BYTES];
    size_t iv_bytes = make_iv(c, c->role == CONTROL_CLIENT, sequence, iv);
    memcpy(plain, packet + LM_GS_ENVELOPE_OVERHEAD_BYTES, plain_bytes);
    int result = lm_aead_open(c->aead, iv, iv_bytes, plain, plain_bytes,
                              packet + LM_GS_ENVELOPE_HEADER_BYTES);
    if (result < 0)
        return result;
    mark_seen(c, sequence);
    return (int)plain_bytes;
}

int control_write_host(struct control *c, const struct lm_gs_host_message *message, uint8_t *out,
                       size_t capacity_bytes)
{
    uint8_t plain[LM_GS_CONTROL_MAX_BYTES];
    LM_CHECK(c->role == CONTROL_HOST);
    int size_bytes = lm_gs_host_message_encode(message, plain, sizeof plain);
    return size_bytes < 0 ? size_bytes
                          : control_seal(c, plain, (size_t)size_bytes, out, capacity_bytes);
}

int control_write_client(struct control *c, const struct lm_gs_client_message *message,
                         uint8_t *out, size_t capacity_bytes)
{
    uint8_t plain[LM_GS_CONTROL_MAX_BYTES];
    LM_CHECK(c->role == CONTROL_CLIENT);
    int size_bytes = lm_gs_client_message_encode(message, plain, sizeof plain);
    return size_bytes < 0 ? size_bytes
                          : control_seal(c, plain, (size_t)size_bytes, out, capacity_bytes);
}

int control_read_client(struct control *c, const uint8_t *packet, size_t size_bytes,
                        struct lm_gs_client_message *out)
{
    uint8_t plain[LM_GS_CONTROL_MAX_BYTES];
    LM_CHECK(c->role == CONTROL_HOST);
    int plain_bytes = control_open(c, packet, size_bytes, plain, sizeof plain);
    return plain_bytes < 0 ? plain_bytes
                           : lm_gs_client_message_parse(plain, (size_t)plain_bytes, out);
}

int control_read_host(struct control *c, const uint8_t *packet, size_t size_bytes,
                      struct lm_gs_host_message *out)
{
    uint8_t plain[LM_GS_CONTROL_MAX_BYTES];
    LM_CHECK(c->role == CONTROL_CLIENT);
    int plain_bytes = control_open(c, packet, size_bytes, plain, sizeof plain);
    return plain_bytes < 0 ? plain_bytes
                           : lm_gs_host_message_parse(plain, (size_t)plain_bytes, out);
}
