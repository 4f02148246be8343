#include "host/display/desktop_files.h"

#include "core/base/check.h"
#include "host/display/session_dir.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_BYTES = 8192, COMMAND_BYTES = 600 };

static const char sway_base[] = "xwayland %s\n"
                                "output * bg #1b2a41 solid_color\n"
                                "output " DESKTOP_OUTPUT " mode --custom %s\n"
                                "default_border pixel 2\n"
                                "default_floating_border pixel 2\n"
                                "smart_borders on\n"
                                "focus_follows_mouse yes\n"
                                "floating_modifier Mod4 normal\n"
                                "client.focused #5fa8d3 #1b4965 #ffffff #62b6cb #5fa8d3\n"
                                "input type:keyboard repeat_delay 400\n"
                                "input type:keyboard repeat_rate 30\n";

/* sway's own settings are not for a compositor that somebody starts on its desktop. */
#define CLEAN "env -u WLR_BACKENDS -u WLR_RENDERER -u WLR_LIBINPUT_NO_DEVICES "

static const char sway_keys[] = "set $lumen_terminal " CLEAN "%s\n"
                                "set $lumen_launcher " CLEAN "%s\n"
                                "bindsym Mod4+Return exec $lumen_terminal\n"
                                "bindsym Mod1+Return exec $lumen_terminal\n"
                                "bindsym Mod4+d exec $lumen_launcher\n"
                                "bindsym Mod1+d exec $lumen_launcher\n"
                                "bindsym Mod4+Shift+q kill\n"
                                "bindsym Mod1+Shift+q kill\n"
                                "bindsym Mod1+F4 kill\n"
                                "bindsym Mod4+f fullscreen toggle\n"
                                "bindsym Mod4+Shift+space floating toggle\n"
                                "bindsym Mod4+space focus mode_toggle\n"
                                "bindsym Mod1+Tab focus next\n"
                                "bindsym Mod4+Tab workspace back_and_forth\n"
                                "bindsym Mod4+b splith\n"
                                "bindsym Mod4+v splitv\n"
                                "bindsym Mod4+w layout tabbed\n"
                                "bindsym Mod4+e layout toggle split\n";

static const char sway_bar[] = "bar {\n"
                               "  position top\n"
                               "  status_command while date +'%H:%M '; "
                               "do sleep $((60 - $(date +%S | sed 's/^0//'))); done\n"
                               "  colors {\n"
                               "    background #0d1b2a\n"
                               "    statusline #e0e1dd\n"
                               "    focused_workspace #5fa8d3 #1b4965 #ffffff\n"
                               "    inactive_workspace #0d1b2a #0d1b2a #a0a7b0\n"
                               "  }\n"
                               "}\n";

/* The terminal's first program: says how to get along, then becomes the user's shell. */
static const char welcome[] =
    "printf '%s\\n' 'This desktop belongs to your stream: it ends with the session.' '' \\\n"
    "  '  Super+Return  terminal              (or Alt+Return)' \\\n"
    "  '  Super+D       start a program       (or Alt+D)' \\\n"
    "  '  Super+Shift+Q close a window        (or Alt+Shift+Q)' \\\n"
    "  '  Super+1..9    go to a workspace     with Shift: move the window there' \\\n"
    "  '  Super+arrows  focus a neighbour     with Shift: move the window' \\\n"
    "  '  Super+F       full screen           Super+Shift+Space: floating' ''\n"
    "exec \"${SHELL:-/bin/sh}\"\n";

/* 240 frames are 5 ms, one packet of sound; quanta are powers of two unless told otherwise. The
 * distribution's configuration would raise the quantum to 1024 inside virtual machines. */
static const char pipewire_conf[] =
    "context.properties = {\n"
    "  core.daemon = true\n"
    "  core.name = pipewire-0\n"
    "  settings.check-quantum = true\n"
    "  clock.power-of-two-quantum = false\n"
    "  default.clock.rate = 48000\n"
    "  default.clock.allowed-rates = [ 48000 ]\n"
    "  default.clock.quantum = 240\n"
    "  default.clock.min-quantum = 32\n"
    "  default.clock.max-quantum = 2048\n"
    "}\n"
    "context.spa-libs = {\n"
    "  audio.convert.* = audioconvert/libspa-audioconvert\n"
    "  support.* = support/libspa-support\n"
    "}\n"
    "context.modules = [\n"
    "  { name = libpipewire-module-rt args = { nice.level = -11 } flags = [ ifexists nofail ] }\n"
    "  { name = libpipewire-module-protocol-native }\n"
    "  { name = libpipewire-module-metadata }\n"
    "  { name = libpipewire-module-spa-device-factory }\n"
    "  { name = libpipewire-module-spa-node-factory }\n"
    "  { name = libpipewire-module-client-node }\n"
    "  { name = libpipewire-module-client-device }\n"
    "  { name = libpipewire-module-access }\n"
    "  { name = libpipewire-module-adapter }\n"
    "  { name = libpipewire-module-link-factory }\n"
    "  { name = libpipewire-module-session-manager }\n"
    "]\n"
    "context.objects = [\n"
    "  { factory = spa-node-factory args = { factory.name = support.node.driver\n"
    "      node.name = Dummy-Driver node.group = pipewire.dummy priority.driver = 20000 } }\n"
    "  { factory = adapter args = { factory.name = support.null-audio-sink\n"
    "      node.name = lumen-sink node.description = \"Stream\" media.class = Audio/Sink\n"
    "      object.linger = true audio.rate = 48000 audio.position = [ FL FR ]\n"
    "      priority.session = 2000 priority.driver = 2000\n"
    "      monitor.channel-volumes = true session.suspend-timeout-seconds = 0 } }\n"
    "]\n";

static const char pulse_conf[] =
    "context.spa-libs = {\n"
    "  audio.convert.* = audioconvert/libspa-audioconvert\n"
    "  support.* = support/libspa-support\n"
    "}\n"
    "context.modules = [\n"
    "  { name = libpipewire-module-rt args = { nice.level = -11 } flags = [ ifexists nofail ] }\n"
    "  { name = libpipewire-module-protocol-native }\n"
    "  { name = libpipewire-module-client-node }\n"
    "  { name = libpipewire-module-adapter }\n"
    "  { name = libpipewire-module-metadata }\n"
    "  { name = libpipewire-module-protocol-pulse }\n"
    "]\n"
    "pulse.properties = {\n"
    "  server.address = [ \"unix:native\" ]\n"
    "  pulse.min.req = 240/48000\n"
    "  pulse.min.quantum = 240/48000\n"
    "}\n";

static const char wireplumber_conf[] =
    "context.properties = { wireplumber.script-engine = lua-scripting }\n"
    "context.spa-libs = {\n"
    "  audio.convert.* = audioconvert/libspa-audioconvert\n"
    "  support.* = support/libspa-support\n"
    "}\n"
    "context.modules = [\n"
    "  { name = libpipewire-module-protocol-native }\n"
    "  { name = libpipewire-module-client-node }\n"
    "  { name = libpipewire-module-client-device }\n"
    "  { name = libpipewire-module-adapter }\n"
    "  { name = libpipewire-module-metadata }\n"
    "  { name = libpipewire-module-session-manager }\n"
    "]\n"
    "wireplumber.components = [\n"
    "  { name = libwireplumber-module-lua-scripting, type = module }\n"
    "  { name = main.lua, type = config/lua }\n"
    "]\n";

/* Linking and default nodes only: a streamed desktop has no sound hardware and keeps no state. */
static const char wireplumber_lua[] =
    "local function module(name, args)\n"
    "  components[name] = { 'libwireplumber-module-' .. name, type = 'module', args = args }\n"
    "end\n"
    "local function script(name, args)\n"
    "  components[name] = { name, type = 'script/lua', args = args }\n"
    "end\n"
    "components = {}\n"
    "local policy = { ['move'] = true, ['follow'] = true, ['audio.no-dsp'] = false,\n"
    "  ['filter.forward-format'] = false, ['duck.level'] = 0.3 }\n"
    "script('access/access-default.lua', { rules = {} })\n"
    "module('default-nodes', { ['use-persistent-storage'] = false })\n"
    "module('metadata')\n"
    "module('si-node')\n"
    "module('si-audio-adapter')\n"
    "module('si-standard-link')\n"
    "module('si-audio-endpoint')\n"
    "module('default-nodes-api')\n"
    "module('mixer-api')\n"
    "script('create-item.lua', policy)\n"
    "script('policy-node.lua', policy)\n";

void desktop_mode_text(const struct display_mode *mode, char *text, size_t size)
{
    snprintf(text, size, "%ux%u@%u.%03uHz", mode->width, mode->height, mode->refresh_mhz / 1000,
             mode->refresh_mhz % 1000);
}

static bool usable_command(const char *command)
{
    return strlen(command) < COMMAND_BYTES && !strpbrk(command, "\r\n");
}

static size_t add_workspace_keys(char *text, size_t used)
{
    static const char *const directions[] = {"left", "right", "up", "down"};
    static const char *const keys[] = {"Left", "Right", "Up", "Down"};
    for (int i = 1; i <= 9; i++)
        used += (size_t)snprintf(text + used, FILE_BYTES - used,
                                 "bindsym Mod4+%d workspace number %d\n"
                                 "bindsym Mod4+Shift+%d move container to workspace number %d\n",
                                 i, i, i, i);
    for (int i = 0; i < 4; i++)
        used += (size_t)snprintf(text + used, FILE_BYTES - used,
                                 "bindsym Mod4+%s focus %s\nbindsym Mod4+Shift+%s move %s\n",
                                 keys[i], directions[i], keys[i], directions[i]);
    return used;
}

static int write_sway(const char *dir, const struct display_params *params)
{
    const char *terminal = params->terminal ? params->terminal : "foot";
    const char *launcher = params->launcher ? params->launcher : "wofi --show drun";
    if (!usable_command(terminal) || !usable_command(launcher))
        return LM_EINVAL;
    char text[FILE_BYTES], mode[64];
    desktop_mode_text(&params->mode, mode, sizeof mode);
    size_t used = (size_t)snprintf(text, sizeof text, sway_base,
                                   params->xwayland ? "enable" : "disable", mode);
    used += (size_t)snprintf(text + used, sizeof text - used, sway_keys, terminal, launcher);
    used = add_workspace_keys(text, used);
    if (params->xwayland)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "exec echo \"$DISPLAY\" >%s/x11.new && mv %s/x11.new %s/%s\n", dir,
                                 dir, dir, DESKTOP_X11_FILE);
    if (params->desktop_programs)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "%sexec " CLEAN "%s -e sh %s/welcome\n", sway_bar, terminal, dir);
    LM_CHECK(used < sizeof text);
    return session_dir_write(dir, "sway.conf", text);
}

static int write_sound(const char *dir)
{
    char path[SESSION_DIR_BYTES + 64];
    static const char *const folders[] = {"pulse", "wireplumber", "wireplumber/main.lua.d"};
    static const struct {
        const char *name, *text;
    } files[] = {
        {"pipewire.conf", pipewire_conf},
        {"pulse.conf", pulse_conf},
        {"wireplumber/wireplumber.conf", wireplumber_conf},
        {"wireplumber/main.lua.d/main.lua", wireplumber_lua},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
        if (mkdir(path, 0700))
            return LM_EIO;
    }
    for (size_t i = 0; i < LM_ARRAY_LEN(files); i++) {
        int code = session_dir_write(dir, files[i].name, files[i].text);
        if (code)
            return code;
    }
    return LM_OK;
}

int desktop_files_write(const char *dir, const struct display_params *params)
{
    int code = write_sway(dir, params);
    if (!code)
        code = session_dir_write(dir, "welcome", welcome);
    if (!code && params->sound)
        code = write_sound(dir);
    return code;
}
