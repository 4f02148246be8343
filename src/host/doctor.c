#include "host/doctor.h"

#include "core/base/check.h"
#include "host/doctor_checks.h"

#include <stdlib.h>

static const struct doctor_check checks[] = {
    {"configuration", doctor_check_config},
    {"state", doctor_check_state},
    {"disk space", doctor_check_disk},
    {"runtime directory", doctor_check_runtime},
    {"user", doctor_check_user},
    {"clock", doctor_check_clock},
    {"ports", doctor_check_ports},
    {"IPv6", doctor_check_ipv6},
    {"discovery", doctor_check_discovery},
    {"socket buffers", doctor_check_buffers},
    {"sway", doctor_check_sway},
    {"desktop backend", doctor_check_display},
    {"Xwayland", doctor_check_xwayland},
    {"D-Bus", doctor_check_bus},
    {"sound", doctor_check_sound},
    {"desktop programs", doctor_check_desktop},
    {"applications", doctor_check_apps},
    {"encoder", doctor_check_encoder},
    {"processor", doctor_check_processor},
    {"priority", doctor_check_priority},
};

int doctor_run(const struct config *config, const struct paths *paths, FILE *out)
{
    const char *search_path = getenv("PATH");
    struct doctor doctor = {
        .config = config,
        .paths = paths,
        .out = out,
        .search_path = search_path ? search_path : "/usr/local/bin:/usr/bin:/bin",
    };
    return doctor_run_checks(&doctor, checks, LM_ARRAY_LEN(checks));
}
