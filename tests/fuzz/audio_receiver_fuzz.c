/* Audio datagrams as anyone may send them: they carry no proof of origin. Input: one byte of
 * options (bit 0 encrypted), then records: LE16 size, one byte of time in ms, that many bytes. */
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/recv/audio_receiver.h"

enum { DATAGRAM_BYTES = 1500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lm_reader in = lm_reader_of(data, size);
    struct lm_audio_receiver_config config = {
        .encrypted = lm_read_u8(&in) & 1, .rikeyid = 0xfffffff0, .packet_duration_ms = 5};
    struct lm_audio_receiver *r;
    LM_CHECK(lm_audio_receiver_create(&config, &r) == 0);
    uint64_t now_ns = 1;
    while (lm_reader_left(&in) && !in.bad) {
        size_t bytes = lm_read_le16(&in) % (DATAGRAM_BYTES + 1);
        now_ns += lm_read_u8(&in) * UINT64_C(1000000);
        bytes = LM_MIN(bytes, lm_reader_left(&in));
        const uint8_t *from = lm_read_bytes(&in, bytes);
        if (from)
            lm_audio_receiver_push(r, from, bytes, now_ns);
        struct lm_audio_packet p;
        volatile uint8_t sum = 0;
        uint32_t count = 0;
        while (lm_audio_receiver_pop(r, now_ns, &p)) {
            LM_CHECK(++count <= 64); /* no more than the window holds */
            LM_CHECK(p.size_bytes <= 1400 && !p.size_bytes == !p.data);
            for (size_t i = 0; i < p.size_bytes; i++)
                sum ^= p.data[i];
        }
        (void)sum;
    }
    lm_audio_receiver_destroy(r);
    return 0;
}
