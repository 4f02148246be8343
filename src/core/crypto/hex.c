#include "core/crypto/hex.h"

void lm_hex_encode(const void *data, size_t size_bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = data;
    for (size_t i = 0; i < size_bytes; i++) {
        *out++ = digits[at[i] >> 4];
        *out++ = digits[at[i] & 15];
    }
    *out = '\0';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int lm_hex_decode(const char *text, size_t text_bytes, void *out, size_t size_bytes)
{
    uint8_t *to = out;
    if (text_bytes % 2 || text_bytes / 2 != size_bytes)
        return LM_EPROTO;
    for (size_t i = 0; i < size_bytes; i++) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return LM_EPROTO;
        to[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

int lm_hex_decode_any(const char *text, size_t text_bytes, void *out, size_t capacity)
{
    if (text_bytes / 2 > capacity || text_bytes / 2 > INT32_MAX)
        return LM_ELIMIT;
    int err = lm_hex_decode(text, text_bytes, out, text_bytes / 2);
    return err ? err : (int)(text_bytes / 2);
}
