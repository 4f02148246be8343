#include "host/config.h"

#include "core/base/check.h"
#include "core/base/log.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

enum type { TYPE_BOOL = 1, TYPE_INT, TYPE_TEXT, TYPE_CHOICE };

struct choice {
    const char *name;
    int32_t value;
};

static const struct choice log_levels[] = {{"error", LM_LOG_ERROR},
                                           {"warn", LM_LOG_WARN},
                                           {"info", LM_LOG_INFO},
                                           {"debug", LM_LOG_DEBUG},
                                           {NULL, 0}};
static const struct choice listens[] = {
    {"all", CONFIG_LISTEN_ALL}, {"loopback", CONFIG_LISTEN_LOOPBACK}, {NULL, 0}};
static const struct choice networks[] = {
    {"local", CONFIG_NETWORKS_LOCAL}, {"any", CONFIG_NETWORKS_ANY}, {NULL, 0}};
static const struct choice encryptions[] = {{"auto", CONFIG_ENCRYPTION_AUTO},
                                            {"all", CONFIG_ENCRYPTION_ALL},
                                            {"required", CONFIG_ENCRYPTION_REQUIRED},
                                            {NULL, 0}};
static const struct choice on_exits[] = {
    {"end", CONFIG_ON_EXIT_END}, {"keep", CONFIG_ON_EXIT_KEEP}, {NULL, 0}};

struct key {
    const char *section, *name;
    enum type type;
    size_t offset;
    int32_t low, high; /* INT: range; TEXT: low is unused, high the room in bytes */
    const struct choice *choices;
    const char *initial; /* as it would stand in the file */
    const char *help;
};

#define INT(section, field, low, high, initial, help)                                              \
    {                                                                                              \
        section, #field, TYPE_INT, offsetof(struct config, field), low, high, NULL, initial, help  \
    }
#define BOOL(section, field, initial, help)                                                        \
    {                                                                                              \
        section, #field, TYPE_BOOL, offsetof(struct config, field), 0, 1, NULL, initial, help      \
    }
#define TEXT(section, field, initial, help)                                                        \
    {                                                                                              \
        section, #field, TYPE_TEXT, offsetof(struct config, field), 0,                             \
            (int32_t)sizeof(((struct config *)0)->field), NULL, initial, help                      \
    }
#define CHOICE(section, name, field, choices, initial, help)                                       \
    {                                                                                              \
        section, name, TYPE_CHOICE, offsetof(struct config, field), 0, 0, choices, initial, help   \
    }

static const struct key keys[] = {
    TEXT("host", name, "", "Name that clients show. Empty: the machine's name."),
    INT("host", port, 1030, 65513, "47989",
        "Base port. HTTPS is 5 below; video, control, sound 9, 10, 11 above; RTSP 21 above."),
    CHOICE("host", "listen", listen, listens, "all",
           "Serve all networks, or only this machine (behind a tunnel or relay)."),
    INT("host", max_sessions, 1, 16, "4", "Most desktops at the same time."),
    INT("host", grace_s, -1, 604800, "300",
        "Seconds that a desktop and its programs are kept after its client is gone. -1: until "
        "the client quits it."),
    BOOL("host", discovery, "yes", "Announce the host on the local network through Avahi."),
    CHOICE("host", "log_level", log_level, log_levels, "info", "Least important line to log."),
    CHOICE("pairing", "networks", pairing_networks, networks, "local",
           "Who may ask to pair: private and link-local addresses, or any."),
    INT("pairing", pairing_max_failures, 1, 1000, "5",
        "Wrong PINs per hour, after which new requests are refused for a while."),
    CHOICE("stream", "encryption", encryption, encryptions, "auto",
           "auto: the control channel always, sound and picture too beyond the local network; all: "
           "ask for everything; required: refuse clients that do not encrypt everything."),
    INT("stream", fec_percent, 0, 100, "20", "Parity packets per 100 data packets."),
    INT("stream", max_bitrate_kbps, 500, 500000, "150000",
        "Most that a client may ask for, parity and sound included."),
    INT("stream", pace_mbps, 10, 100000, "800", "Fastest rate at which a frame leaves."),
    TEXT("stream", encoder, "auto", "auto, or one of: x264."),
    INT("stream", encoder_threads, 0, 64, "0", "Threads of a software encoder. 0: automatic."),
    INT("stream", slices, 1, 4, "4",
        "Slices per frame, each sent while the next is encoded. A client may ask for more."),
    BOOL("desktop", sound, "yes", "Give each desktop a sound server and stream it."),
    TEXT("desktop", display, "auto", "auto, or one of: embedded-sway."),
    BOOL("desktop", xwayland, "yes", "Let X11 programs run (Xwayland starts with the first)."),
    TEXT("desktop", terminal, "foot", "Command of the terminal (Super+Return)."),
    TEXT("desktop", launcher, "wofi --show drun", "Command of the launcher (Super+D)."),
    TEXT("desktop", keyboard_layout, "us",
         "xkb layout of the virtual keyboard, like de or us(intl)."),
};

/* Keys of the sections [app:NAME]; offsets are into struct config_app. */
static const struct key app_keys[] = {
    {"app:NAME", "command", TYPE_TEXT, offsetof(struct config_app, command), 0, CONFIG_TEXT_BYTES,
     NULL, "", "Command line, run by /bin/sh on the session's desktop. Empty: just the desktop."},
    {"app:NAME", "art", TYPE_TEXT, offsetof(struct config_app, art), 0, CONFIG_TEXT_BYTES, NULL, "",
     "PNG file that clients show, about 600x800. Empty: one drawn by lumen."},
    {"app:NAME", "on_exit", TYPE_CHOICE, offsetof(struct config_app, on_exit), 0, 0, on_exits,
     "end", "When the program ends: end the session, or keep its desktop."},
};

/* The key's name in the file: pairing keys drop the prefix that C needs. */
static const char *file_name(const struct key *key)
{
    const char *prefix = "pairing_";
    return strncmp(key->name, prefix, strlen(prefix)) ? key->name : key->name + strlen(prefix);
}

static void describe_range(const struct key *key, char *out, size_t size)
{
    if (key->type == TYPE_BOOL) {
        snprintf(out, size, "yes or no");
    } else if (key->type == TYPE_INT) {
        snprintf(out, size, "%d..%d", (int)key->low, (int)key->high);
    } else if (key->type == TYPE_TEXT) {
        snprintf(out, size, "text, at most %d bytes", (int)key->high - 1);
    } else {
        size_t used = 0;
        for (const struct choice *c = key->choices; c->name && used < size; c++)
            used += (size_t)snprintf(out + used, size - used, "%s%s", c == key->choices ? "" : ", ",
                                     c->name);
    }
}

static bool set_bool(void *field, const char *value)
{
    static const struct {
        const char *name;
        bool value;
    } words[] = {{"yes", true}, {"true", true},   {"on", true},   {"1", true},
                 {"no", false}, {"false", false}, {"off", false}, {"0", false}};
    for (size_t i = 0; i < LM_ARRAY_LEN(words); i++)
        if (!strcmp(value, words[i].name)) {
            *(bool *)field = words[i].value;
            return true;
        }
    return false;
}

static bool set_int(const struct key *key, void *field, const char *value)
{
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (end == value || *end || errno || number < key->low || number > key->high)
        return false;
    *(int32_t *)field = (int32_t)number;
    return true;
}

static bool set_choice(const struct key *key, void *field, const char *value)
{
    for (const struct choice *c = key->choices; c->name; c++)
        if (!strcmp(value, c->name)) {
            *(int32_t *)field = c->value;
            return true;
        }
    return false;
}

static bool set_text(const struct key *key, void *field, const char *value)
{
    size_t length = strlen(value);
    if (length >= (size_t)key->high)
        return false;
    memcpy(field, value, length + 1);
    return true;
}

static bool set_value(const struct key *key, void *base, const char *value)
{
    void *field = (char *)base + key->offset;
    switch (key->type) {
    case TYPE_BOOL:
        return set_bool(field, value);
    case TYPE_INT:
        return set_int(key, field, value);
    case TYPE_CHOICE:
        return set_choice(key, field, value);
    case TYPE_TEXT:
        return set_text(key, field, value);
    }
    return false;
}

struct parse {
    struct config *config;
    const char *file;
    char *error;
    size_t error_bytes;
    const char *at; /* what is left of the text */
    int line;       /* the one being parsed: inih itself does not tell its handler */
    bool continued; /* it is indented: the value before goes on */
    bool failed;
};

static int fail(struct parse *p, int line, const char *what)
{
    if (!p->failed)
        snprintf(p->error, p->error_bytes, "%s:%d: %s", p->file, line, what);
    p->failed = true;
    return 0;
}

static struct config_app *app_named(struct config *config, const char *name)
{
    for (size_t i = 0; i < config->app_count; i++)
        if (!strcmp(config->apps[i].name, name))
            return &config->apps[i];
    if (config->app_count == CONFIG_MAX_APPS)
        return NULL;
    struct config_app *app = &config->apps[config->app_count++];
    memset(app, 0, sizeof *app);
    snprintf(app->name, sizeof app->name, "%s", name);
    for (size_t i = 0; i < LM_ARRAY_LEN(app_keys); i++)
        LM_CHECK(set_value(&app_keys[i], app, app_keys[i].initial));
    return app;
}

/* An indented line goes on with the text of the line before. */
static bool append_text(const struct key *key, void *base, const char *value)
{
    char *field = (char *)base + key->offset;
    size_t used = strlen(field), length = strlen(value);
    if (key->type != TYPE_TEXT || used + 1 + length >= (size_t)key->high)
        return false;
    field[used] = ' ';
    memcpy(field + used + 1, value, length + 1);
    return true;
}

static int apply(struct parse *p, int line, const struct key *key, void *base, const char *value)
{
    if (p->continued ? append_text(key, base, value) : set_value(key, base, value))
        return 1;
    char range[160], text[512];
    describe_range(key, range, sizeof range);
    snprintf(text, sizeof text, "[%s] %s: \"%.80s\" is not allowed (%s)", key->section,
             file_name(key), value, range);
    return fail(p, line, text);
}

static int on_app_pair(struct parse *p, int line, const char *section, const char *name,
                       const char *value)
{
    const char *app_name = section + strlen("app:");
    if (!*app_name || strlen(app_name) >= CONFIG_NAME_BYTES)
        return fail(p, line, "[app:NAME] needs a name of 1..63 bytes");
    struct config_app *app = app_named(p->config, app_name);
    if (!app)
        return fail(p, line, "too many applications (at most 64)");
    for (size_t i = 0; i < LM_ARRAY_LEN(app_keys); i++)
        if (!strcmp(name, app_keys[i].name))
            return apply(p, line, &app_keys[i], app, value);
    char text[256];
    snprintf(text, sizeof text, "unknown key \"%.64s\" in [%.64s] (known: command, art, on_exit)",
             name, section);
    return fail(p, line, text);
}

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
    struct parse *p = user;
    int line = p->line;
    if (p->failed)
        return 1;
    if (!strncmp(section, "app:", 4))
        return on_app_pair(p, line, section, name, value ? value : "");
    for (size_t i = 0; i < LM_ARRAY_LEN(keys); i++)
        if (!strcmp(section, keys[i].section) && !strcmp(name, file_name(&keys[i])))
            return apply(p, line, &keys[i], p->config, value ? value : "");
    char text[256];
    snprintf(text, sizeof text,
             "unknown key \"%.64s\" in [%.64s]; lumen-host --help lists all keys", name, section);
    return fail(p, line, text);
}

void config_defaults(struct config *config)
{
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < LM_ARRAY_LEN(keys); i++)
        LM_CHECK(set_value(&keys[i], config, keys[i].initial));
    LM_CHECK(app_named(config, "Desktop"));
}

/* Feeds inih one line at a time, counting. */
static char *next_line(char *out, int size, void *user)
{
    struct parse *p = user;
    if (!*p->at)
        return NULL;
    size_t length = strcspn(p->at, "\n");
    p->line++;
    if (length + 2 > (size_t)size) {
        fail(p, p->line, "the line is too long; go on in the next line, indented");
        return NULL;
    }
    p->continued = *p->at == ' ' || *p->at == '\t';
    memcpy(out, p->at, length);
    memcpy(out + length, "\n", 2);
    p->at += length + (p->at[length] == '\n');
    return out;
}

int config_parse(struct config *config, const char *name, const char *text, char *error,
                 size_t error_bytes)
{
    struct parse p = {
        .config = config, .file = name, .error = error, .error_bytes = error_bytes, .at = text};
    config_defaults(config);
    int line = ini_parse_stream(next_line, &p, on_pair, &p);
    if (line > 0 && !p.failed)
        fail(&p, line, "this line is neither [section] nor key = value");
    return p.failed ? LM_EINVAL : LM_OK;
}

int config_load(struct config *config, const char *path, char *error, size_t error_bytes)
{
    config_defaults(config);
    FILE *file = fopen(path, "re");
    if (!file) {
        snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
        return errno == ENOENT ? LM_ENOENT : LM_EIO;
    }
    enum { MAX_BYTES = 256 * 1024 };
    char *text = calloc(1, MAX_BYTES + 1);
    int result = LM_ENOMEM;
    if (text) {
        size_t size = fread(text, 1, MAX_BYTES + 1, file);
        result = LM_EIO;
        if (ferror(file) || size > MAX_BYTES) {
            snprintf(error, error_bytes, "%s: cannot be read, or is larger than 256 KiB", path);
        } else {
            text[size] = 0;
            result = config_parse(config, path, text, error, error_bytes);
        }
    }
    free(text);
    fclose(file);
    return result;
}

/* Prints `help` in lines of at most `width` bytes, each after `prefix`. */
static void print_wrapped(FILE *out, const char *prefix, const char *help, size_t width)
{
    while (*help) {
        size_t n = strlen(help);
        if (n > width) {
            n = width;
            while (n && help[n] != ' ')
                n--;
            if (!n)
                n = width;
        }
        fprintf(out, "%s%.*s\n", prefix, (int)n, help);
        help += n;
        while (*help == ' ')
            help++;
    }
}

static void print_keys(FILE *out, const struct key *table, size_t count,
                       void (*print)(FILE *, const struct key *, const char *range),
                       void (*section)(FILE *, const char *))
{
    const char *last = "";
    for (size_t i = 0; i < count; i++) {
        char range[160];
        describe_range(&table[i], range, sizeof range);
        if (strcmp(last, table[i].section))
            section(out, last = table[i].section);
        print(out, &table[i], range);
    }
}

static void help_section(FILE *out, const char *name)
{
    fprintf(out, "\n[%s]\n", name);
}

static void help_key(FILE *out, const struct key *key, const char *range)
{
    fprintf(out, "  %s = %s    (%s)\n", file_name(key), key->initial, range);
    print_wrapped(out, "      ", key->help, 84);
}

void config_print_help(FILE *out)
{
    print_keys(out, keys, LM_ARRAY_LEN(keys), help_key, help_section);
    print_keys(out, app_keys, LM_ARRAY_LEN(app_keys), help_key, help_section);
}

static void file_section(FILE *out, const char *name)
{
    bool app = !strncmp(name, "app:", 4);
    fprintf(out,
            app ? "\n# One section for each program that clients can start:\n#[%s]\n" : "\n[%s]\n",
            name);
}

static void file_key(FILE *out, const struct key *key, const char *range)
{
    print_wrapped(out, "# ", key->help, 90);
    fprintf(out, "# %s\n#%s = %s\n", range, file_name(key), key->initial);
}

void config_print_default_file(FILE *out)
{
    fprintf(out,
            "# lumen-host's configuration. Every key is shown with its default, commented out.\n"
            "# A long text goes on in the next line, indented.\n");
    print_keys(out, keys, LM_ARRAY_LEN(keys), file_key, file_section);
    print_keys(out, app_keys, LM_ARRAY_LEN(app_keys), file_key, file_section);
}

static void manual_section(FILE *out, const char *name)
{
    fprintf(out, ".SS [%s]\n", name);
}

static void manual_key(FILE *out, const struct key *key, const char *range)
{
    fprintf(out, ".TP\n.BR %s \" = %s\"\n%s (%s)\n", file_name(key),
            *key->initial ? key->initial : "(empty)", key->help, range);
}

void config_print_manual(FILE *out)
{
    fprintf(out, ".SH CONFIGURATION\n");
    print_keys(out, keys, LM_ARRAY_LEN(keys), manual_key, manual_section);
    print_keys(out, app_keys, LM_ARRAY_LEN(app_keys), manual_key, manual_section);
}
