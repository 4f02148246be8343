/* lumen/1 video datagrams as a host, or anyone else, may send them. Input: one byte of options (bit
 * 0 sealed, bits 1-2 frames in flight, bits 3-4 parity kept, bit 5 no reordering), then records,
 * each beginning with a byte: bit 0 clear: LE16 size and that many bytes, pushed as they are; bit 0
 * set: a datagram made here, with a tag that is right: one byte of sequence (signed, added to the
 * last), 16 bytes of video header, one byte of shard (its content; bits 1-3 of the first byte: its
 * size). Bits 4-7 of the first byte: time since the last, in 250 us. */
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/crypto/aead.h"
#include "core/recv/l1_receiver.h"

enum {
    SHARD = LM_L1_MIN_SHARD_BYTES,
    DATAGRAM = SHARD + LM_L1_OVERHEAD_BYTES,
    MAX_FRAME = 40 * SHARD - LM_L1_FRAME_BYTES,
    SESSION = 0x01020304,
};

static const uint8_t key[16] = "fuzzer's own key", salt[LM_L1_SALT_BYTES] = "salt";

struct fuzz {
    struct lm_l1_receiver *receiver;
    struct lm_aead *aead; /* NULL: in clear */
    uint64_t now_ns, sequence;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(struct fuzz *f)
{
    struct lm_l1_received_frame frame;
    struct lm_loss loss;
    volatile uint8_t sum = 0;
    while (lm_l1_receiver_pop(f->receiver, f->now_ns, &frame)) {
        LM_CHECK(frame.size_bytes > 0 && frame.size_bytes <= MAX_FRAME);
        LM_CHECK(frame.first_packet_ns <= frame.complete_ns && frame.complete_ns <= f->now_ns);
        for (size_t i = 0; i < frame.size_bytes; i++)
            sum ^= frame.data[i];
    }
    while (lm_l1_receiver_pop_loss(f->receiver, &loss))
        LM_CHECK(loss.last - loss.first <= INT32_MAX);
    LM_CHECK(lm_l1_receiver_wake_at(f->receiver) > f->now_ns);
    (void)sum;
}

static void push_raw(struct fuzz *f, struct lm_reader *in)
{
    uint8_t datagram[DATAGRAM + 16];
    size_t bytes = lm_read_le16(in) % (sizeof datagram + 1);
    bytes = LM_MIN(bytes, lm_reader_left(in));
    const uint8_t *from = lm_read_bytes(in, bytes);
    if (!from)
        return;
    memcpy(datagram, from, bytes);
    lm_l1_receiver_push(f->receiver, datagram, bytes, f->now_ns);
}

static size_t shard_size(uint8_t choice, const uint8_t *video)
{
    const size_t sizes[8] = {SHARD, SHARD, SHARD, SHARD, lm_get_be16(video + 14), SHARD - 1, 0, 1};
    return LM_MIN(sizes[choice], (size_t)SHARD);
}

static void push_made(struct fuzz *f, struct lm_reader *in, uint8_t options)
{
    uint8_t datagram[DATAGRAM], *text = datagram + LM_L1_HEADER_BYTES, nonce[LM_L1_NONCE_BYTES];
    f->sequence += (uint64_t)(int8_t)lm_read_u8(in);
    const uint8_t *video = lm_read_bytes(in, LM_L1_VIDEO_BYTES);
    uint8_t fill = lm_read_u8(in);
    if (!video || in->bad)
        return;
    struct lm_l1_header header = {.kind = LM_L1_VIDEO,
                                  .flags = f->aead ? 0 : LM_L1_CLEAR,
                                  .session_id = SESSION,
                                  .sequence = f->sequence};
    size_t bytes = shard_size(options >> 1 & 7, video);
    lm_l1_write_header(datagram, &header);
    memcpy(text, video, LM_L1_VIDEO_BYTES);
    memset(text + LM_L1_VIDEO_BYTES, fill, bytes);
    bytes += LM_L1_VIDEO_BYTES;
    if (f->aead) {
        lm_l1_write_nonce(nonce, salt, f->sequence);
        struct lm_aead_message message = {nonce, sizeof nonce, datagram,    LM_L1_HEADER_BYTES,
                                          text,  bytes,        text + bytes};
        LM_CHECK(lm_aead_seal_message(f->aead, &message) == 0);
        bytes += LM_L1_TAG_BYTES;
    }
    lm_l1_receiver_push(f->receiver, datagram, LM_L1_HEADER_BYTES + bytes, f->now_ns);
}

static void create(struct fuzz *f, uint8_t options)
{
    const uint32_t in_flight[4] = {0, 2, 3, 16}, percent[4] = {100, 50, 20, 0};
    struct lm_l1_receiver_config config = {.session_id = SESSION,
                                           .shard_bytes = SHARD,
                                           .encrypted = options & 1,
                                           .max_frame_bytes = MAX_FRAME,
                                           .max_fec_percent = percent[options >> 3 & 3],
                                           .frames_in_flight = in_flight[options >> 1 & 3],
                                           .reorder_ns = options & 0x20 ? 0 : 1000000};
    memcpy(config.key, key, sizeof key);
    memcpy(config.salt, salt, sizeof salt);
    *f = (struct fuzz){.now_ns = 1, .sequence = 5000};
    LM_CHECK(lm_l1_receiver_create(&config, &f->receiver) == 0);
    if (!config.encrypted)
        return;
    static struct lm_aead *aead; /* the same for all runs: it is slow to make */
    if (!aead)
        LM_CHECK(lm_aead_create(&aead, key, LM_AEAD_OPENSSL) == 0);
    f->aead = aead;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lm_reader in = lm_reader_of(data, size);
    struct lm_l1_receiver_stats s;
    struct fuzz f;
    create(&f, lm_read_u8(&in));
    while (lm_reader_left(&in) && !in.bad) {
        uint8_t options = lm_read_u8(&in);
        f.now_ns += (options >> 4) * UINT64_C(250000);
        if (options & 1)
            push_made(&f, &in, options);
        else
            push_raw(&f, &in);
        take(&f);
    }
    lm_l1_receiver_get_stats(f.receiver, &s);
    LM_CHECK(s.datagrams == s.accepted + s.surplus + s.late + s.duplicate + s.malformed +
                                s.unauthentic + s.overflow);
    lm_l1_receiver_destroy(f.receiver);
    return 0;
}
