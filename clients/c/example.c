/* A host and a client in one program, twice: joined in memory, then over UDP. Real ones are two
 * programs that agree on key, salt, session id and addresses by other means first.
 *
 *     cc example.c $(pkg-config --cflags --libs lumen-core) -o example && ./example
 */
#include <lumen_core.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 30, FRAME_BYTES = 40000 };

static void check(LumenStatus status, const char *what)
{
    if (status == LUMEN_STATUS_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, lumen_status_text(status));
    exit(1);
}

/* Both ends have the same but for their role. Zero first: members that this program does not know
 * of then have their defaults. */
static LumenConfig configure(uint32_t role)
{
    LumenConfig config;
    memset(&config, 0, sizeof config);
    config.struct_size = sizeof config;
    config.role = role;
    config.phase = LUMEN_PHASE_LUMEN1;
    config.fec_scheme = LUMEN_FEC_GF16;
    config.fec_percent = 20;
    config.encrypt = 1;
    memcpy(config.key, "for one session!", sizeof config.key); /* random bytes in earnest */
    memcpy(config.salt, "salt", sizeof config.salt);
    config.max_frame_bytes = 1 << 20;
    config.session_id = 4711;
    return config;
}

/* Called by lumen_host_poll_input, on its thread. */
static void on_input(const LumenInputEvent *event, void *user)
{
    if (event->type == LUMEN_INPUT_KEY && event->value == 1)
        ++*(unsigned *)user;
}

/* The client's side of one frame: waits for it, checks it, presses a key. */
static void receive(LumenSession *client, unsigned number)
{
    LumenFrame frame;
    LumenStatus status;
    while ((status = lumen_client_poll_frame(client, &frame)) == LUMEN_STATUS_NO_FRAME)
        if (lumen_session_wait(client, 2000) == LUMEN_STATUS_NO_FRAME)
            break;
    if (status == LUMEN_STATUS_NO_FRAME) {
        LumenLoss loss; /* a decoder would ask for a key frame now */
        while (lumen_client_poll_loss(client, &loss) == LUMEN_STATUS_OK)
            printf("  frames %u to %u are lost\n", loss.first, loss.last);
        return;
    }
    check(status, "poll_frame");
    /* frame.data is valid until the next poll: decode it, or copy it, before. */
    if (frame.len != FRAME_BYTES || frame.data[FRAME_BYTES - 1] != (uint8_t)number)
        fprintf(stderr, "frame %u is not what was sent\n", frame.frame_index);

    LumenInputEvent key;
    memset(&key, 0, sizeof key);
    key.type = LUMEN_INPUT_KEY;
    key.code = 30; /* KEY_A */
    key.value = number % 2;
    check(lumen_send_input(client, &key), "send_input");
}

static void stream(LumenSession *host, LumenSession *client)
{
    static uint8_t picture[FRAME_BYTES];
    unsigned presses = 0;
    check(lumen_set_input_callback(host, on_input, &presses), "set_input_callback");
    for (unsigned i = 0; i < FRAMES; i++) {
        memset(picture, (int)i, sizeof picture); /* an encoder's work */
        uint32_t flags = i == 0 ? LUMEN_FRAME_KEY : 0;
        check(lumen_host_submit_frame(host, picture, sizeof picture, i * UINT64_C(16666667), flags),
              "submit_frame");
        receive(client, i);
        int32_t events = lumen_host_poll_input(host);
        if (events < 0)
            check((LumenStatus)events, "poll_input");
    }
    /* The last key may be lost on its way: the client's poll sends it again, until it is there. */
    for (unsigned i = 0; i < 10 && presses < FRAMES / 2; i++) {
        LumenFrame none;
        (void)lumen_session_wait(client, 100);
        (void)lumen_client_poll_frame(client, &none);
        (void)lumen_host_poll_input(host);
    }

    LumenStats sent, received;
    check(lumen_get_stats(host, &sent), "get_stats");
    check(lumen_get_stats(client, &received), "get_stats");
    printf("  %llu of %llu frames arrived in %llu datagrams; %llu were dropped, %llu restored; "
           "%u key presses came back\n",
           (unsigned long long)received.frames_completed, (unsigned long long)sent.frames_submitted,
           (unsigned long long)sent.packets_sent, (unsigned long long)received.packets_dropped,
           (unsigned long long)received.fec_recovered_shards, presses);
    if (received.frames_completed != FRAMES || presses != FRAMES / 2)
        exit(1);
}

static void in_memory(void)
{
    LumenConfig host_config = configure(LUMEN_ROLE_HOST);
    LumenConfig client_config = configure(LUMEN_ROLE_CLIENT);
    LumenSession *host, *client;
    host_config.loopback_drop_period = 10; /* as a bad network would */
    check(lumen_test_loopback_pair(&host_config, &client_config, &host, &client), "loopback_pair");
    printf("In memory, one of ten datagrams dropped:\n");
    stream(host, client);
    lumen_session_free(host);
    lumen_session_free(client);
}

static void over_udp(void)
{
    LumenConfig host_config = configure(LUMEN_ROLE_HOST);
    LumenConfig client_config = configure(LUMEN_ROLE_CLIENT);
    LumenSession *host, *client;
    LumenSessionInfo host_info = {.struct_size = sizeof host_info};
    LumenSessionInfo client_info = {.struct_size = sizeof client_info};
    /* Port 0: the system chooses. Then each is told where the other one is. */
    check(lumen_session_open(&host_config, "127.0.0.1:0", NULL, &host), "open the host");
    check(lumen_session_open(&client_config, "127.0.0.1:0", NULL, &client), "open the client");
    check(lumen_session_get_info(host, &host_info), "get_info");
    check(lumen_session_get_info(client, &client_info), "get_info");
    check(lumen_session_set_peer(host, client_info.local), "set_peer");
    check(lumen_session_set_peer(client, host_info.local), "set_peer");
    printf("Over UDP, from %s to %s:\n", host_info.local, client_info.local);
    stream(host, client);
    lumen_session_free(host);
    lumen_session_free(client);
}

int main(void)
{
    if (lumen_abi_version() >> 16 != LUMEN_ABI_VERSION >> 16) {
        fprintf(stderr, "this library is of another major version\n");
        return 1;
    }
    in_memory();
    over_udp();
    return 0;
}
