#include "core/recv/open.h"

enum { TAG_OFFSET = 16 };

int lm_open_init(struct lm_open *o, uint32_t packet_size, const uint8_t *key)
{
    o->packet_size = packet_size;
    return key ? lm_aead_create(&o->aead, key, LM_AEAD_ANY) : 0;
}

void lm_open_finish(struct lm_open *o)
{
    lm_aead_destroy(o->aead);
    o->aead = NULL;
}

uint32_t lm_open_peek_frame(const struct lm_open *o, const uint8_t *datagram, size_t size_bytes)
{
    struct lm_gsv_prefix prefix;
    if (!o->aead || lm_gsv_parse_prefix(datagram, size_bytes, &prefix) < 0)
        return 0;
    return prefix.frame_index;
}

static int decrypt(struct lm_open *o, uint8_t *datagram, size_t size_bytes)
{
    struct lm_gsv_prefix prefix;
    int rc = lm_gsv_parse_prefix(datagram, size_bytes, &prefix);
    if (rc < 0)
        return rc;
    rc = lm_aead_open(o->aead, prefix.iv, sizeof prefix.iv, datagram + LM_GSV_PREFIX_BYTES,
                      size_bytes - LM_GSV_PREFIX_BYTES, datagram + TAG_OFFSET);
    return rc < 0 ? LM_EAUTH : 0;
}

/* Only the last data shard of a frame may be cut to its content. */
static bool size_is_allowed(const struct lm_open *o, const struct lm_gsv_header *h,
                            size_t shard_bytes)
{
    size_t full = o->packet_size + LM_GSV_OVER_BYTES;
    if (shard_bytes >= full)
        return shard_bytes == full;
    return h->shard + 1 == h->data_shards && h->block + 1 == h->block_count;
}

int lm_open_datagram(struct lm_open *o, uint8_t *datagram, size_t size_bytes, struct lm_opened *out)
{
    size_t prefix_bytes = o->aead ? LM_GSV_PREFIX_BYTES : 0;
    if (size_bytes > prefix_bytes + o->packet_size + LM_GSV_OVER_BYTES)
        return LM_EPROTO;
    int rc = o->aead ? decrypt(o, datagram, size_bytes) : 0;
    if (rc < 0)
        return rc;
    const uint8_t *shard = datagram + prefix_bytes;
    size_t shard_bytes = size_bytes - prefix_bytes;
    rc = lm_gsv_parse_header(shard, shard_bytes, &out->header);
    if (rc < 0)
        return rc;
    if (!size_is_allowed(o, &out->header, shard_bytes))
        return LM_EPROTO;
    out->payload = shard + LM_GSV_HEADER_BYTES;
    out->payload_bytes = shard_bytes - LM_GSV_HEADER_BYTES;
    return 0;
}
