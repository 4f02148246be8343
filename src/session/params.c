#include "session/params.h"

#include "core/crypto/hex.h"

#include <string.h>
#include <strings.h>

struct span {
    const char *at; /* NULL: absent */
    size_t size_bytes;
};

struct params params_of_query(const char *query)
{
    return (struct params){.query = query, .size_bytes = strlen(query)};
}

struct params params_of_target(const char *target)
{
    const char *mark = strchr(target, '?');
    return params_of_query(mark ? mark + 1 : "");
}

static struct span find(const struct params *p, const char *name)
{
    size_t name_bytes = strlen(name);
    const char *at = p->query;
    size_t left = p->size_bytes;
    while (left) {
        const char *amp = memchr(at, '&', left);
        size_t pair_bytes = amp ? (size_t)(amp - at) : left;
        const char *equal = memchr(at, '=', pair_bytes);
        size_t key_bytes = equal ? (size_t)(equal - at) : pair_bytes;
        if (key_bytes == name_bytes && strncasecmp(at, name, name_bytes) == 0) {
            size_t skip = equal ? key_bytes + 1 : pair_bytes;
            return (struct span){at + skip, pair_bytes - skip};
        }
        size_t step = amp ? pair_bytes + 1 : pair_bytes;
        at += step;
        left -= step;
    }
    return (struct span){NULL, 0};
}

bool params_has(const struct params *p, const char *name)
{
    return find(p, name).at != NULL;
}

/* The character at the head of `value`, its size in *used; negative when it is not allowed. */
static int decode_one(struct span value, size_t *used)
{
    uint8_t byte = (uint8_t)value.at[0];
    *used = 1;
    if (byte == '%') {
        if (value.size_bytes < 3 || lm_hex_decode(value.at + 1, 2, &byte, 1) < 0)
            return LM_EPROTO;
        *used = 3;
    }
    return byte < 0x20 || byte == 0x7f ? LM_EPROTO : byte;
}

int params_text(const struct params *p, const char *name, char *out, size_t capacity_bytes)
{
    struct span value = find(p, name);
    size_t size_bytes = 0;
    out[0] = '\0';
    if (!value.at)
        return LM_ENOENT;
    while (value.size_bytes) {
        size_t used;
        int c = decode_one(value, &used);
        if (c < 0 || size_bytes + 1 >= capacity_bytes) {
            out[0] = '\0';
            return c < 0 ? c : LM_ELIMIT;
        }
        out[size_bytes++] = (char)c;
        value.at += used;
        value.size_bytes -= used;
    }
    out[size_bytes] = '\0';
    return (int)size_bytes;
}

int params_number(const struct params *p, const char *name, int64_t min, int64_t max, int64_t *out)
{
    enum { MAX_DIGITS = 18 }; /* cannot overflow */
    struct span value = find(p, name);
    if (!value.at)
        return LM_ENOENT;
    bool negative = value.size_bytes && value.at[0] == '-';
    if (negative || (value.size_bytes && value.at[0] == '+')) {
        value.at++;
        value.size_bytes--;
    }
    if (value.size_bytes == 0 || value.size_bytes > MAX_DIGITS)
        return LM_EPROTO;
    int64_t number = 0;
    for (size_t i = 0; i < value.size_bytes; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return LM_EPROTO;
        number = number * 10 + (value.at[i] - '0');
    }
    if (negative)
        number = -number;
    if (number < min || number > max)
        return LM_EPROTO;
    *out = number;
    return LM_OK;
}

int params_number_or(const struct params *p, const char *name, int64_t min, int64_t max,
                     int64_t fallback, int64_t *out)
{
    int result = params_number(p, name, min, max, out);
    if (result != LM_ENOENT)
        return result;
    *out = fallback;
    return LM_OK;
}

int params_hex(const struct params *p, const char *name, uint8_t *out, size_t size_bytes)
{
    struct span value = find(p, name);
    if (!value.at)
        return LM_ENOENT;
    return lm_hex_decode(value.at, value.size_bytes, out, size_bytes);
}

int params_hex_upto(const struct params *p, const char *name, uint8_t *out, size_t capacity_bytes)
{
    struct span value = find(p, name);
    if (!value.at)
        return LM_ENOENT;
    int count = lm_hex_decode_any(value.at, value.size_bytes, out, capacity_bytes);
    return count == 0 ? LM_EPROTO : count;
}
