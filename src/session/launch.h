/* The parameters of /launch and /resume, both ends. Any thread, no state. */
#ifndef LUMEN_SESSION_LAUNCH_H
#define LUMEN_SESSION_LAUNCH_H

#include "session/params.h"

enum { LAUNCH_QUERY_MAX_BYTES = 1024, LAUNCH_UID_BYTES = 65, LAUNCH_SURROUND_BYTES = 16 };

struct launch_params {
    uint32_t app_id;                  /* 0 on resume: whatever runs */
    char unique_id[LAUNCH_UID_BYTES]; /* a claim, never an identity; may be "" */
    uint32_t width_px, height_px;     /* 0: not told; ANNOUNCE decides */
    uint32_t rate_mhz;                /* frames per 1000 s; 0: not told */
    uint8_t key[16];                  /* rikey; wipe when the stream ends */
    uint32_t key_id;                  /* rikeyid as unsigned; first 4 bytes (BE) of the legacy IV */
    bool optimize;                    /* sops: the host may change the desktop's mode */
    bool hdr;
    bool local_audio; /* keep playing on the host's speakers */
    bool persist_pads;
    bool continuous_audio;
    bool virtual_display;
    uint8_t audio_channels; /* 2, 6, 8 */
    uint16_t channel_mask;
    uint32_t pad_mask;                    /* bit n: controller n attached */
    int32_t core_version;                 /* corever; -1 absent; >= 1 knows rtspenc */
    uint32_t scale_percent;               /* 0: not told */
    char surround[LAUNCH_SURROUND_BYTES]; /* custom Opus layout digits, validated; or "" */
};

/* Reads and checks all parameters before anything has an effect. LM_EPROTO: `*why` is a short
 * sentence for status_message (static storage), answer 400. */
int launch_parse(const struct params *query, bool resume, struct launch_params *out,
                 const char **why) LM_MUST_USE;

/* "1920x1080x60", "1920x1080x59.94", "1920x1080x59940": rate in mHz. LM_EPROTO if malformed. */
int launch_parse_mode(const char *text, struct launch_params *out) LM_MUST_USE;

/* The whole query a client sends, without "?"; returns its length. */
int launch_format(const struct launch_params *params, bool resume, char *out,
                  size_t capacity_bytes) LM_MUST_USE;

/* The legacy 16-byte IV: key id BE32, then zeros. */
void launch_iv(uint32_t key_id, uint8_t iv[16]);

/* Frames per 1000 s of a frame rate that may be fps or, above 1000, fps x 1000. */
uint32_t launch_rate_mhz(uint32_t fps);

#endif
