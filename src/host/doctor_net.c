#include "core/base/check.h"
#include "host/doctor_checks.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WANTED_BUFFER_BYTES = 1 << 20 };

/* --- ports ----------------------------------------------------------------------------------- */

/* errno of the attempt, or 0. A machine without the family has nothing taken there. */
static int try_bind(int family, int type, uint16_t port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t size = family == AF_INET ? sizeof address.v4 : sizeof address.v6;
    int on = 1, error = 0, fd = socket(family, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno == EAFNOSUPPORT ? 0 : errno;
    address.any.sa_family = (sa_family_t)family;
    if (family == AF_INET)
        address.v4.sin_port = htons(port);
    else
        address.v6.sin6_port = htons(port);
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (type == SOCK_STREAM) /* connections that have just ended do not matter */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &address.any, size))
        error = errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT ? 0 : errno;
    close(fd);
    return error;
}

enum doctor_port doctor_probe_port(int type, uint16_t port)
{
    int error = try_bind(AF_INET, type, port);
    if (!error)
        error = try_bind(AF_INET6, type, port);
    if (!error)
        return DOCTOR_PORT_FREE;
    return error == EADDRINUSE ? DOCTOR_PORT_TAKEN : DOCTOR_PORT_FORBIDDEN;
}

/* The inode of the socket that has the port, out of one of the tables in /proc/net; 0: none. */
static unsigned long find_inode(const char *table, uint16_t port, bool listening)
{
    enum { STATE_LISTEN = 0x0a };
    char line[512];
    unsigned long found = 0;
    FILE *file = fopen(table, "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        unsigned local_port, state;
        unsigned long inode;
        if (sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*d %*d %lu",
                   &local_port, &state, &inode) != 3)
            continue; /* the heading */
        if (local_port == port && (!listening || state == STATE_LISTEN))
            found = inode;
    }
    if (file)
        fclose(file);
    return found;
}

/* True when the process has a descriptor whose link reads `target`. */
static bool has_open(const char *process, const char *target)
{
    char path[512], link[64];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%.16s/fd", process);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        snprintf(path, sizeof path, "/proc/%.16s/fd/%.16s", process, entry->d_name);
        ssize_t size = readlink(path, link, sizeof link - 1);
        if (size <= 0)
            continue;
        link[size] = 0;
        found = !strcmp(link, target);
    }
    if (dir)
        closedir(dir);
    return found;
}

static void describe_process(const char *process, char *out, size_t out_bytes)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%.16s/comm", process);
    FILE *file = fopen(path, "re");
    if (file && fgets(name, sizeof name, file))
        name[strcspn(name, "\n")] = 0;
    if (file)
        fclose(file);
    snprintf(out, out_bytes, "%s (process %.16s)", *name ? name : "a program", process);
}

bool doctor_port_owner(int type, uint16_t port, char *out, size_t out_bytes)
{
    bool tcp = type == SOCK_STREAM, found = false;
    unsigned long inode = find_inode(tcp ? "/proc/net/tcp" : "/proc/net/udp", port, tcp);
    if (!inode)
        inode = find_inode(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", port, tcp);
    if (!inode)
        return false;
    char target[64];
    snprintf(target, sizeof target, "socket:[%lu]", inode);
    DIR *dir = opendir("/proc");
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        found = isdigit((unsigned char)*entry->d_name) && has_open(entry->d_name, target);
        if (found)
            describe_process(entry->d_name, out, out_bytes);
    }
    if (dir)
        closedir(dir);
    return found;
}

static bool check_port(struct doctor *d, int type, uint16_t port)
{
    static const char advice[] = "Stop that program, or give the host another [host] port.";
    const char *kind = type == SOCK_STREAM ? "TCP" : "UDP";
    char owner[96];
    switch (doctor_probe_port(type, port)) {
    case DOCTOR_PORT_FREE:
        return true;
    case DOCTOR_PORT_TAKEN:
        if (!doctor_port_owner(type, port, owner, sizeof owner))
            snprintf(owner, sizeof owner, "another user's program");
        doctor_say(d, DOCTOR_FAIL, advice, "%s %u is taken by %s", kind, port, owner);
        return false;
    case DOCTOR_PORT_FORBIDDEN:
        doctor_say(d, DOCTOR_FAIL, "Give the host another [host] port.",
                   "%s %u may not be used by this user", kind, port);
        return false;
    }
    return false;
}

void doctor_check_ports(struct doctor *d)
{
    static const struct {
        int type, offset;
    } used[] = {{SOCK_STREAM, -5}, {SOCK_STREAM, 0}, {SOCK_STREAM, 21},
                {SOCK_DGRAM, 9},   {SOCK_DGRAM, 10}, {SOCK_DGRAM, 11}};
    int port = d->config->port;
    bool all_free = true;
    if (d->host_runs) {
        doctor_say(d, DOCTOR_OK, NULL, "the running host has its own");
        return;
    }
    for (size_t i = 0; i < LM_ARRAY_LEN(used); i++)
        all_free &= check_port(d, used[i].type, (uint16_t)(port + used[i].offset));
    if (all_free)
        doctor_say(d, DOCTOR_OK, NULL, "free: TCP %d, %d, %d; UDP %d, %d, %d (%s)", port - 5, port,
                   port + 21, port + 9, port + 10, port + 11,
                   d->config->listen == CONFIG_LISTEN_LOOPBACK
                       ? "for this machine only: [host] listen = loopback"
                       : "let them through a firewall");
}

/* --- the rest of the network ----------------------------------------------------------------- */

void doctor_check_ipv6(struct doctor *d)
{
    char line[256];
    bool loopback = false, global = false, link_local = false;
    FILE *file = fopen("/proc/net/if_inet6", "re");
    while (file && fgets(line, sizeof line, file)) {
        unsigned scope;
        if (sscanf(line, "%*s %*s %*s %x", &scope) != 1)
            continue;
        loopback |= scope == 0x10;
        link_local |= scope == 0x20;
        global |= scope == 0;
    }
    if (file)
        fclose(file);
    if (!loopback && !link_local && !global)
        doctor_say(d, DOCTOR_WARN, "IPv4 clients are not affected.", "this machine has none");
    else
        doctor_say(d, DOCTOR_OK, NULL, "%s",
                   global       ? "present"
                   : link_local ? "link-local only"
                                : "loopback only");
}

void doctor_check_discovery(struct doctor *d)
{
    static const char advice[] =
        "Clients must be given the address by hand. Install and start avahi-daemon and dbus.";
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/avahi-daemon/socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!d->config->discovery)
        doctor_say(d, DOCTOR_OK, NULL, "switched off in the configuration");
    else if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        doctor_say(d, DOCTOR_WARN, advice, "the Avahi daemon does not answer");
    else if (access("/run/dbus/system_bus_socket", F_OK) && !getenv("DBUS_SYSTEM_BUS_ADDRESS"))
        doctor_say(d, DOCTOR_WARN, advice, "Avahi runs, but not the system bus to reach it by");
    else
        doctor_say(d, DOCTOR_OK, NULL, "the Avahi daemon runs");
    if (fd >= 0)
        close(fd);
}

static bool read_number(const char *path, long *out)
{
    FILE *file = fopen(path, "re");
    bool read = file && fscanf(file, "%ld", out) == 1;
    if (file)
        fclose(file);
    return read;
}

void doctor_check_buffers(struct doctor *d)
{
    static const struct {
        const char *path, *key;
    } limits[] = {{"/proc/sys/net/core/rmem_max", "net.core.rmem_max"},
                  {"/proc/sys/net/core/wmem_max", "net.core.wmem_max"}};
    long smallest = 0;
    for (size_t i = 0; i < LM_ARRAY_LEN(limits); i++) {
        long value;
        char advice[128];
        if (!read_number(limits[i].path, &value))
            continue; /* hidden in some containers, where it cannot be changed either */
        snprintf(advice, sizeof advice, "As root: sysctl -w %s=4194304 (and into /etc/sysctl.d/).",
                 limits[i].key);
        if (value < WANTED_BUFFER_BYTES)
            doctor_say(d, DOCTOR_WARN, advice, "%s is %ld, which a burst of packets can overrun",
                       limits[i].key, value);
        smallest = smallest && smallest < value ? smallest : value;
    }
    if (!smallest)
        doctor_say(d, DOCTOR_OK, NULL, "their limits are not shown to this system");
    else if (smallest >= WANTED_BUFFER_BYTES)
        doctor_say(d, DOCTOR_OK, NULL, "up to %ld KiB", smallest / 1024);
}
