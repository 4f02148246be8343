/* Log sink. The embedder supplies `write`; nothing below it prints. Levels: error = someone must
 * act, warn = degraded, info = once per event of a session, debug = for us. Never called per frame
 * or packet, and never given keys, PINs, salts or certificates. */
#ifndef LUMEN_CORE_BASE_LOG_H
#define LUMEN_CORE_BASE_LOG_H

enum lm_log_level { LM_LOG_ERROR = 1, LM_LOG_WARN, LM_LOG_INFO, LM_LOG_DEBUG };

struct lm_log {
    /* Called on any thread with one line without its line end. May be NULL: silence. */
    void (*write)(void *user, enum lm_log_level level, const char *area, const char *text);
    void *user;
    enum lm_log_level max_level;
};

/* Formats (at most 1 KiB, longer lines are cut) and hands on. `log` may be NULL: silence. `area`
 * is the module's name, "rtsp". */
void lm_log_write(const struct lm_log *log, enum lm_log_level level, const char *area,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

#define lm_error(log, area, ...) lm_log_write(log, LM_LOG_ERROR, area, __VA_ARGS__)
#define lm_warn(log, area, ...)  lm_log_write(log, LM_LOG_WARN, area, __VA_ARGS__)
#define lm_info(log, area, ...)  lm_log_write(log, LM_LOG_INFO, area, __VA_ARGS__)
#define lm_debug(log, area, ...) lm_log_write(log, LM_LOG_DEBUG, area, __VA_ARGS__)

#endif
