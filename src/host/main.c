/* lumen-host: the start-up ladder, and the command line's questions to a running host. */
#include "core/base/check.h"
#include "core/base/time.h"
#include "host/config.h"
#include "host/display/supervisor.h"
#include "host/doctor.h"
#include "host/log_sink.h"
#include "host/paths.h"
#include "host/server.h"
#include "net/ctl_socket.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION LUMEN_VERSION

struct options {
    struct paths paths;
    const char *trace_path;
    const char *display, *capture, *audio, *input; /* backends, for tests */
    const char *pair_request, *pair_name;
};

static void print_usage(FILE *out)
{
    fprintf(out,
            "lumen-host %s - a desktop of your screen's own size, for any Moonlight client\n\n"
            "Usage: lumen-host [OPTION...]            run the host\n"
            "       lumen-host pair PIN [--request N] [--name NAME]\n"
            "                                         let the device that shows PIN in\n"
            "       lumen-host devices                list paired devices\n"
            "       lumen-host unpair NAME            forget one; its stream ends\n"
            "       lumen-host status                 what runs now, as JSON\n"
            "       lumen-host doctor                 check this machine and say what to do\n"
            "       lumen-host quit                   end the running host\n"
            "       lumen-host default-config         print an annotated configuration file\n\n"
            "Options:\n"
            "  --config FILE    configuration (default: $XDG_CONFIG_HOME/lumen/lumen.conf)\n"
            "  --state DIR      key, certificate, paired devices (default: "
            "$XDG_STATE_HOME/lumen)\n"
            "  --runtime DIR    sockets (default: $XDG_RUNTIME_DIR/lumen)\n"
            "  --trace FILE     write each frame's times as one JSON object per line\n"
            "  --display NAME, --capture NAME, --audio NAME, --input NAME\n"
            "                   use this backend, for tests: null, pattern, tone, record\n"
            "  --help, --version\n\n"
            "Configuration keys, with defaults and ranges:\n",
            VERSION);
    config_print_help(out);
}

static void print_manual(FILE *out)
{
    fprintf(out,
            ".TH LUMEN-HOST 1 \"\" \"lumen %s\" \"User Commands\"\n"
            ".SH NAME\nlumen-host \\- low-latency desktop streaming host\n"
            ".SH SYNOPSIS\n.B lumen-host\n[\\fIOPTION\\fR...]\n.br\n.B lumen-host\n"
            "\\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n"
            ".SH DESCRIPTION\nWithout a command, runs a host that Moonlight clients find, "
            "pair with by a PIN, and work on: each gets a virtual desktop of its own screen's "
            "size and rate, with sound and input.\n.SH COMMANDS\n",
            VERSION);
    static const char *commands[][2] = {
        {"pair PIN [--request N] [--name NAME]", "Let the device that shows PIN in."},
        {"devices", "List paired devices."},
        {"unpair NAME", "Forget a device; its stream ends at once."},
        {"status", "What runs now, as JSON."},
        {"doctor", "Check this machine and say what to do about each problem."},
        {"quit", "End the running host."},
        {"default-config", "Print an annotated configuration file."},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(commands); i++)
        fprintf(out, ".TP\n.B %s\n%s\n", commands[i][0], commands[i][1]);
    static const char *options[][2] = {
        {"--config FILE", "Configuration file."},
        {"--state DIR", "Directory of key, certificate and paired devices."},
        {"--runtime DIR", "Directory of the sockets."},
        {"--trace FILE", "Write each frame's times as one JSON object per line."},
        {"--display NAME, --capture NAME, --audio NAME, --input NAME",
         "Use this backend instead of the best one, for tests."},
    };
    fprintf(out, ".SH OPTIONS\n");
    for (size_t i = 0; i < LM_ARRAY_LEN(options); i++)
        fprintf(out, ".TP\n.B %s\n%s\n", options[i][0], options[i][1]);
    config_print_manual(out);
    fprintf(out, ".SH FILES\n.I $XDG_CONFIG_HOME/lumen/lumen.conf\n.br\n"
                 ".I $XDG_STATE_HOME/lumen/lumen.db\n.br\n"
                 ".I $XDG_RUNTIME_DIR/lumen/host.sock\n");
}

enum {
    OPT_CONFIG = 256,
    OPT_STATE,
    OPT_RUNTIME,
    OPT_TRACE,
    OPT_DISPLAY,
    OPT_CAPTURE,
    OPT_AUDIO,
    OPT_INPUT,
    OPT_REQUEST,
    OPT_NAME,
    OPT_HELP,
    OPT_VERSION,
    OPT_MANUAL,
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"state", required_argument, NULL, OPT_STATE},
    {"runtime", required_argument, NULL, OPT_RUNTIME},
    {"trace", required_argument, NULL, OPT_TRACE},
    {"display", required_argument, NULL, OPT_DISPLAY},
    {"capture", required_argument, NULL, OPT_CAPTURE},
    {"audio", required_argument, NULL, OPT_AUDIO},
    {"input", required_argument, NULL, OPT_INPUT},
    {"request", required_argument, NULL, OPT_REQUEST},
    {"name", required_argument, NULL, OPT_NAME},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {"manual", no_argument, NULL, OPT_MANUAL},
    {0},
};

static bool set_path(char out[PATHS_BYTES], const char *value)
{
    char absolute[PATHS_BYTES];
    const char *form = *value == '/' ? "%.0s%s" : "%s/%s";
    if (*value != '/' && !getcwd(absolute, sizeof absolute))
        return false;
    return snprintf(out, PATHS_BYTES, form, *value == '/' ? "" : absolute, value) < PATHS_BYTES;
}

/* 0: go on; otherwise exit with the status minus one. */
static int take_option(struct options *o, int option)
{
    switch (option) {
    case OPT_CONFIG:
        return set_path(o->paths.config, optarg) ? 0 : 3;
    case OPT_STATE:
        return set_path(o->paths.state, optarg) ? 0 : 3;
    case OPT_RUNTIME:
        return set_path(o->paths.runtime, optarg) ? 0 : 3;
    case OPT_TRACE:
        o->trace_path = optarg;
        return 0;
    case OPT_DISPLAY:
        o->display = optarg;
        return 0;
    case OPT_CAPTURE:
        o->capture = optarg;
        return 0;
    case OPT_AUDIO:
        o->audio = optarg;
        return 0;
    case OPT_INPUT:
        o->input = optarg;
        return 0;
    case OPT_REQUEST:
        o->pair_request = optarg;
        return 0;
    case OPT_NAME:
        o->pair_name = optarg;
        return 0;
    case OPT_HELP:
        print_usage(stdout);
        return 1;
    case OPT_VERSION:
        printf("lumen-host %s\n", VERSION);
        return 1;
    case OPT_MANUAL:
        print_manual(stdout);
        return 1;
    default:
        fprintf(stderr, "lumen-host --help lists all options\n");
        return 3;
    }
}

/* --- a running host's answers ------------------------------------------------------------------
 */

static int ask(const struct options *o, const char *line)
{
    char path[PATHS_BYTES + 16], *text = NULL;
    snprintf(path, sizeof path, "%s/host.sock", o->paths.runtime);
    int size = ctl_call(path, line, 30 * LM_NS_PER_S, &text);
    if (size < 0) {
        fprintf(stderr,
                size == LM_ENOENT ? "No lumen-host runs here (no answer on %s).\n"
                                  : "The host on %s does not answer.\n",
                path);
        return 2;
    }
    bool error = !strncmp(text, "error ", 6);
    fputs(text + (error ? 6 : !strncmp(text, "ok ", 3) ? 3 : 0), error ? stderr : stdout);
    free(text);
    return error ? 1 : 0;
}

static int command_pair(const struct options *o, int argc, char **argv)
{
    char line[256];
    if (argc != 1) {
        fprintf(stderr, "Usage: lumen-host pair PIN [--request N] [--name NAME]\n");
        return 2;
    }
    snprintf(line, sizeof line, "pair\t%.16s\t%.16s\t%.60s", argv[0],
             o->pair_request ? o->pair_request : "0", o->pair_name ? o->pair_name : "");
    return ask(o, line);
}

static int command_unpair(const struct options *o, int argc, char **argv)
{
    char line[256];
    if (argc != 1) {
        fprintf(stderr, "Usage: lumen-host unpair NAME (lumen-host devices lists the names)\n");
        return 2;
    }
    snprintf(line, sizeof line, "unpair\t%.200s", argv[0]);
    return ask(o, line);
}

static int command_devices(const struct options *o, int argc, char **argv)
{
    return ask(o, "devices");
}

static int command_status(const struct options *o, int argc, char **argv)
{
    return ask(o, "status");
}

static int command_quit(const struct options *o, int argc, char **argv)
{
    return ask(o, "quit");
}

static int load_config(const struct options *o, struct config *config)
{
    char error[512];
    int code = config_load(config, o->paths.config, error, sizeof error);
    if (code && code != LM_ENOENT)
        fprintf(stderr, "lumen-host: %s\n", error);
    return code == LM_ENOENT ? LM_OK : code;
}

static int command_doctor(const struct options *o, int argc, char **argv)
{
    static struct config config;
    return load_config(o, &config) ? 1 : doctor_run(&config, &o->paths, stdout);
}

static int command_default_config(const struct options *o, int argc, char **argv)
{
    config_print_default_file(stdout);
    return 0;
}

/* --- the host ------------------------------------------------------------------------------------
 */

static void on_signal(void *user, int signal_number)
{
    server_shut_down(user);
}

static void print_welcome(const struct config *config)
{
    printf("\nlumen-host is ready on port %d. Open Moonlight on another device and choose this "
           "host;\nit shows a PIN: type it here, or run  lumen-host pair PIN\n\n",
           config->port);
    fflush(stdout);
}

static int serve(struct server_params *params)
{
    struct server *server;
    struct loop_signal *signals[2] = {NULL, NULL};
    int code = server_create(params, &server);
    if (code)
        return 1;
    signals[0] = loop_signal_create(params->loop, SIGINT, on_signal, server);
    signals[1] = loop_signal_create(params->loop, SIGTERM, on_signal, server);
    print_welcome(params->config);
    code = loop_run(params->loop);
    for (int i = 0; i < 2; i++)
        if (signals[i])
            loop_signal_destroy(signals[i]);
    server_destroy(server);
    return code ? 1 : 0;
}

static int open_and_serve(const struct options *o, const struct config *config,
                          const struct lm_log *log)
{
    char error[512];
    struct server_params params = {
        .config = config,
        .runtime_dir = o->paths.runtime,
        .display_backend = o->display,
        .capture_backend = o->capture,
        .audio_backend = o->audio,
        .input_backend = o->input,
        .ask_pin = isatty(STDIN_FILENO),
        .log = log,
    };
    int status = 1, code = paths_make_runtime(&o->paths);
    if (code) {
        lm_error(log, "host", "%s cannot be used: %s. Choose another with --runtime.",
                 o->paths.runtime, lm_err_text(code));
        return 1;
    }
    if (o->trace_path && !(params.trace = fopen(o->trace_path, "we"))) {
        lm_error(log, "host", "%s: %s", o->trace_path, strerror(errno));
        return 1;
    }
    if (store_open(o->paths.state, &params.store, error, sizeof error))
        lm_error(log, "host", "%s", error);
    else if (!(params.loop = loop_create(log)))
        lm_error(log, "host", "out of memory");
    else
        status = serve(&params);
    loop_destroy(params.loop);
    store_close(params.store);
    if (params.trace)
        fclose(params.trace);
    return status;
}

static int run_host(const struct options *o)
{
    static struct config config;
    struct lm_log log;
    if (load_config(o, &config))
        return 1;
    log_sink_init(&log, (enum lm_log_level)config.log_level);
    signal(SIGPIPE, SIG_IGN);
    return open_and_serve(o, &config, &log);
}

static const struct {
    const char *name;
    int (*run)(const struct options *o, int argc, char **argv);
} commands[] = {
    {"pair", command_pair},
    {"devices", command_devices},
    {"unpair", command_unpair},
    {"status", command_status},
    {"doctor", command_doctor},
    {"quit", command_quit},
    {"default-config", command_default_config},
};

int main(int argc, char **argv)
{
    struct options o = {0};
    if (argc > 1 && !strcmp(argv[1], DESKTOP_SUPERVISOR_VERB))
        return desktop_supervisor_main(argc - 1, argv + 1);
    int missing = paths_find(&o.paths);
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        int exit_plus_one = take_option(&o, option);
        if (exit_plus_one)
            return exit_plus_one - 1;
    }
    if (missing && (!*o.paths.config || !*o.paths.state)) {
        fprintf(stderr, "lumen-host: HOME is not set; give --config and --state\n");
        return 2;
    }
    if (optind == argc)
        return run_host(&o);
    for (size_t i = 0; i < LM_ARRAY_LEN(commands); i++)
        if (!strcmp(argv[optind], commands[i].name))
            return commands[i].run(&o, argc - optind - 1, argv + optind + 1);
    fprintf(stderr, "lumen-host: unknown command \"%s\"; lumen-host --help lists them\n",
            argv[optind]);
    return 2;
}
