/* lumen-client: flags, and a table of commands. */
#include "client/play.h"
#include "client/report.h"
#include "net/mdns.h"
#include "session/pairing_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FOUND = 64, HELP_BYTES = 16384, DEFAULT_SEARCH_S = 3, DEFAULT_PIN_S = 300 };

static int open_state(const struct flags *flags, struct state **out, struct failure *failure)
{
    int result = state_create(flags->state_dir, out);
    if (result == LM_ECORRUPT)
        return failure_set(
            failure, FAILURE_OTHER, "the client's state is damaged; move %s away and pair again",
            flags->state_dir ? flags->state_dir : "~/.local/state/lumen-client (XDG_STATE_HOME)");
    if (result < 0)
        return failure_set(failure, FAILURE_OTHER, "cannot keep the client's state: %s",
                           lm_err_text(result));
    return LM_OK;
}

static int print_found(const struct mdns_host *found, int count, bool json)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        const struct net_addr *addr = &found[i].addr;
        json_array_append_new(
            list, json_pack("{ssssss*si}", "name", found[i].name, "address", addr->text, "family",
                            addr->family == AF_INET ? "ipv4" : "ipv6", "port", (int)addr->port));
        if (!json)
            printf("%-32s %s%s%s:%u\n", found[i].name, addr->family == AF_INET6 ? "[" : "",
                   addr->text, addr->family == AF_INET6 ? "]" : "", addr->port);
    }
    if (json)
        return report_print(list) ? LM_OK : LM_EIO;
    json_decref(list);
    if (count == 0)
        puts("no hosts found");
    return LM_OK;
}

static int run_discover(const struct flags *flags, struct failure *failure)
{
    struct mdns_host *found = calloc(MAX_FOUND, sizeof *found);
    uint64_t search_ns = (flags->timeout_s ? flags->timeout_s : DEFAULT_SEARCH_S) * LM_NS_PER_S;
    int count = found ? mdns_browse(found, MAX_FOUND, search_ns) : LM_ENOMEM;
    int result = LM_OK;
    if (count == LM_EDEVICE)
        result = failure_set(failure, FAILURE_OTHER,
                             "cannot search: avahi-daemon does not run; give the host's address");
    else if (count < 0)
        result = failure_set(failure, FAILURE_OTHER, "cannot search: %s", lm_err_text(count));
    else
        result = print_found(found, count, flags->json);
    free(found);
    return result;
}

static int run_pair(const struct flags *flags, struct connect_host *host, struct failure *failure)
{
    char pin[PAIRING_PIN_DIGITS + 1];
    if (flags->pin)
        snprintf(pin, sizeof pin, "%s", flags->pin);
    else
        pairing_make_pin(pin);
    printf("Type this PIN at the host \"%s\": %s\n", host->info.hostname, pin);
    fflush(stdout);
    int result =
        connect_pair(host, pin, flags->timeout_s ? flags->timeout_s : DEFAULT_PIN_S, failure);
    if (result == LM_OK)
        printf("Paired with \"%s\".\n", host->info.hostname);
    return result;
}

static int print_apps(const struct connect_host *host, const struct hostinfo_applist *list,
                      bool json)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct hostinfo_app *app = &list->apps[i];
        bool runs = app->id == host->info.current_app_id;
        json_array_append_new(array, json_pack("{sssIsb}", "title", app->title, "id",
                                               (json_int_t)app->id, "running", (int)runs));
        if (!json)
            printf("%-10u %s%s\n", app->id, app->title, runs ? "  (running)" : "");
    }
    if (json)
        return report_print(array) ? LM_OK : LM_EIO;
    json_decref(array);
    return LM_OK;
}

static int run_list(const struct flags *flags, struct connect_host *host, struct failure *failure)
{
    struct hostinfo_applist *list = calloc(1, sizeof *list);
    if (!list)
        return failure_set(failure, FAILURE_OTHER, "no memory");
    int result = connect_list(host, list, failure);
    if (result == LM_OK)
        result = print_apps(host, list, flags->json);
    free(list);
    return result;
}

static void tell_codec(const struct flags *flags, const struct connect_host *host)
{
    static const struct {
        const char *name;
        uint32_t offered;
    } codecs[] = {[FLAGS_H264] = {"H.264", HOSTINFO_H264},
                  [FLAGS_HEVC] = {"HEVC", HOSTINFO_ANY_HEVC},
                  [FLAGS_AV1] = {"AV1", HOSTINFO_ANY_AV1}};
    if (flags->codec == FLAGS_H264)
        return;
    bool offered = host->info.codecs & codecs[flags->codec].offered;
    fprintf(stderr, "lumen-client: no %s for %s: using H.264\n", offered ? "decoder" : "encoder",
            codecs[flags->codec].name);
}

static void tell_stream(const struct connect_stream *s)
{
    const struct stream_params *p = &s->params;
    fprintf(stderr,
            "lumen-client: %s \"%s\": %ux%u, %u.%03u fps, %u kbit/s, packets of %u bytes, "
            "encrypted:%s%s%s, after a loss: %s\n",
            s->resumed ? "resumed" : "launched", s->app_title, p->width_px, p->height_px,
            p->rate_mhz / 1000, p->rate_mhz % 1000, p->configured_kbps, p->packet_size_bytes,
            p->encryption & SDP_ENCRYPT_CONTROL ? " control" : " control (old form)",
            p->encryption & SDP_ENCRYPT_VIDEO ? " video" : "",
            p->encryption & SDP_ENCRYPT_AUDIO ? " sound" : "",
            s->can_invalidate ? "other references" : "a key frame");
}

static int run_stream(const struct flags *flags, struct connect_host *host, struct failure *failure)
{
    char error[SCRIPT_ERROR_BYTES];
    struct script script = {0};
    struct connect_stream *stream = calloc(1, sizeof *stream);
    int result = stream ? LM_OK : failure_set(failure, FAILURE_OTHER, "no memory");
    if (result == LM_OK && flags->input_script &&
        script_load(&script, flags->input_script, error) < 0)
        result = failure_set(failure, FAILURE_ARGUMENTS, "--input-script: %s", error);
    if (result == LM_OK) {
        tell_codec(flags, host);
        result = connect_launch(host, flags, stream, failure);
    }
    if (result == LM_OK && flags->verbose)
        tell_stream(stream);
    if (result == LM_OK)
        result = play_run(flags, host, stream, &script, failure);
    if (flags->quit_app && stream && stream->launched_ns) {
        struct failure quit = {0};
        if (connect_quit(host, &quit) < 0)
            fprintf(stderr, "lumen-client: %s\n", quit.text);
    }
    script_finish(&script);
    if (stream)
        explicit_bzero(stream->key, sizeof stream->key);
    free(stream);
    return result;
}

static int run_quit(const struct flags *flags, struct connect_host *host, struct failure *failure)
{
    return connect_quit(host, failure);
}

static const struct {
    enum flags_command command;
    int (*run)(const struct flags *flags, struct connect_host *host, struct failure *failure);
} commands[] = {
    {FLAGS_PAIR, run_pair},
    {FLAGS_LIST, run_list},
    {FLAGS_STREAM, run_stream},
    {FLAGS_QUIT, run_quit},
};

static int run_command(const struct flags *flags, struct failure *failure)
{
    if (flags->command == FLAGS_DISCOVER)
        return run_discover(flags, failure);
    struct state *state = NULL;
    struct connect_host *host = calloc(1, sizeof *host);
    int result = host ? open_state(flags, &state, failure)
                      : failure_set(failure, FAILURE_OTHER, "no memory");
    if (result == LM_OK)
        result = connect_find(state, flags->host, host, failure);
    if (result == LM_OK && flags->verbose)
        fprintf(stderr, "lumen-client: \"%s\" at %s, port %u: %s\n", host->info.hostname,
                host->address, host->addr.port, host->paired ? "paired" : "not paired");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0] && result == LM_OK; i++)
        if (commands[i].command == flags->command)
            result = commands[i].run(flags, host, failure);
    free(host);
    state_destroy(state);
    return result;
}

static int print_help(void)
{
    char text[HELP_BYTES];
    if (flags_help(text, sizeof text) < 0)
        return FAILURE_OTHER;
    fputs(text, stdout);
    return FAILURE_NONE;
}

/* The manual page is the help, laid out as it stands. */
static int print_manual(void)
{
    char text[HELP_BYTES];
    if (flags_help(text, sizeof text) < 0)
        return FAILURE_OTHER;
    printf(".TH LUMEN-CLIENT 1 \"\" \"lumen %s\" \"User Commands\"\n.SH NAME\n"
           "lumen-client \\- see and use a desktop of another machine\n.SH SYNOPSIS\n"
           ".B lumen-client\n\\fICOMMAND\\fR [\\fIOPTION\\fR...]\n.SH DESCRIPTION\n.nf\n",
           LUMEN_VERSION);
    for (const char *c = text; *c; c++) {
        if ((c == text || c[-1] == '\n') && (*c == '.' || *c == '\''))
            fputs("\\&", stdout);
        fputs(*c == '\\' ? "\\e" : *c == '-' ? "\\-" : (char[]){*c, 0}, stdout);
    }
    puts(".fi");
    return FAILURE_NONE;
}

int main(int argc, char **argv)
{
    struct flags flags;
    if (argc == 2 && strcmp(argv[1], "--manual") == 0) /* for the build, not for people */
        return print_manual();
    struct failure failure = {0};
    char error[FLAGS_ERROR_BYTES];
    if (flags_parse(&flags, argc, argv, error) < 0) {
        fprintf(stderr, "lumen-client: %s\n", error);
        return FAILURE_ARGUMENTS;
    }
    if (flags.command == FLAGS_HELP)
        return print_help();
    if (flags.command == FLAGS_VERSION) {
        puts("lumen-client " LUMEN_VERSION);
        return FAILURE_NONE;
    }
    if (run_command(&flags, &failure) < 0) {
        fprintf(stderr, "lumen-client: %s\n", failure.text);
        bool wants_json = flags.command == FLAGS_STREAM && (flags.headless || flags.json);
        if (wants_json && !failure.in_report)
            report_print(json_pack("{sssi}", "error", failure.text, "status", (int)failure.status));
        return failure.status ? (int)failure.status : FAILURE_OTHER;
    }
    return FAILURE_NONE;
}
