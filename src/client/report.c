#include "client/report.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "media/opus.h"

#include <math.h>
#include <stdio.h>

static double rounded(double value)
{
    return round(value * 1000) / 1000;
}

static double rate(uint64_t count, uint64_t duration_ns)
{
    return duration_ns ? (double)count * (double)LM_NS_PER_S / (double)duration_ns : 0;
}

static json_t *spread_json(const struct stats_spread *s)
{
    return json_pack("{sfsfsfsf}", "p50", rounded(stats_spread_ms(s, 0.5)), "p99",
                     rounded(stats_spread_ms(s, 0.99)), "mean", rounded(stats_spread_mean_ms(s)),
                     "max", (double)s->max_us / 1000);
}

static json_t *pattern_json(const struct stats_pattern *p)
{
    return json_pack("{sIsIsIsIsIsIso}", "read", (json_int_t)p->read, "unreadable",
                     (json_int_t)p->unreadable, "distinct", (json_int_t)p->distinct, "doubles",
                     (json_int_t)p->doubles, "skipped", (json_int_t)p->skipped, "out_of_order",
                     (json_int_t)p->out_of_order, "painted_to_received_ms", spread_json(&p->age));
}

static json_t *cadence_json(const struct stats_cadence *c)
{
    return json_pack("{sfsIsIsIsIso}", "nominal_ms", (double)c->nominal_ns / LM_NS_PER_MS, "early",
                     (json_int_t)c->early, "on_time", (json_int_t)c->on_time, "late",
                     (json_int_t)c->late, "missed", (json_int_t)c->missed, "ms",
                     spread_json(&c->spread));
}

static json_t *sound_json(const struct listener_results *l)
{
    json_t *channels = json_array();
    for (uint32_t c = 0; c < l->tone.channels; c++)
        json_array_append_new(channels, json_real(stats_tone_rms(&l->tone, c)));
    return json_pack("{sIsIsIsIsfsfsisfso}", "packets", (json_int_t)l->stats.delivered, "lost",
                     (json_int_t)l->stats.lost, "repaired", (json_int_t)l->stats.repaired,
                     "undecodable", (json_int_t)(l->undecodable + l->stats.undecryptable),
                     "tone_hz", rounded(stats_tone_hz(&l->tone, OPUS_RATE_HZ)), "rms",
                     stats_tone_rms(&l->tone, 0), "channels", (int)l->tone.channels, "duration_s",
                     rounded((double)l->tone.count / OPUS_RATE_HZ), "channel_rms", channels);
}

static json_t *encryption_json(const struct stream_params *s)
{
    return json_pack("{sbsbsb}", "control_v2", (int)(s->encryption & SDP_ENCRYPT_CONTROL) != 0,
                     "video", (int)(s->encryption & SDP_ENCRYPT_VIDEO) != 0, "audio",
                     (int)(s->encryption & SDP_ENCRYPT_AUDIO) != 0);
}

const char *report_cause_name(enum ending_cause cause, uint32_t code)
{
    switch (cause) {
    case ENDING_NONE:
        break;
    case ENDING_HOST:
        return code == LM_GS_END_GRACEFUL ? "host-ended" : "host-failed";
    case ENDING_LOST:
        return "lost";
    case ENDING_NO_VIDEO:
        return "no-video";
    case ENDING_NO_PICTURE:
        return "no-picture";
    case ENDING_NO_DECODER:
        return "no-decoder";
    case ENDING_NO_DISPLAY:
        return "no-display";
    case ENDING_USER:
        return "user";
    case ENDING_DONE:
        return "done";
    case ENDING_DROPPED:
        return "dropped";
    }
    return "none";
}

static void add_stream(json_t *root, const struct report *r)
{
    const struct connect_stream *s = r->stream;
    uint32_t width = r->viewer->width ? r->viewer->width : s->params.width_px;
    uint32_t height = r->viewer->height ? r->viewer->height : s->params.height_px;
    json_object_set_new(root, "host", json_string(r->host));
    json_object_set_new(root, "app", json_string(s->app_title));
    json_object_set_new(root, "resumed", json_boolean(s->resumed));
    json_object_set_new(root, "width", json_integer(width));
    json_object_set_new(root, "height", json_integer(height));
    json_object_set_new(root, "codec", json_string("h264"));
    json_object_set_new(root, "encryption", encryption_json(&s->params));
    json_object_set_new(root, "reference_invalidation", json_boolean(s->can_invalidate));
    json_object_set_new(root, "packet_size", json_integer(s->params.packet_size_bytes));
    json_object_set_new(root, "termination", json_string(report_cause_name(r->cause, r->code)));
    json_object_set_new(root, "termination_code", json_integer(r->code));
}

static void add_counts(json_t *root, const struct report *r)
{
    const struct receive_results *in = r->receive;
    const struct lm_receiver_stats *s = &in->stats;
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"frames_received", in->frames},
        {"frames_decoded", r->viewer->pictures},
        {"frames_lost", s->frames_lost + in->overflows},
        {"frames_dropped_waiting", in->frames_dropped},
        {"key_frames", in->keys},
        {"recoveries", in->recoveries},
        {"decode_errors", r->viewer->errors},
        {"packets", s->datagrams},
        {"packets_lost_or_late", s->late + s->overflow},
        {"packets_duplicate", s->duplicate},
        {"packets_reordered", s->reordered},
        {"packets_malformed", s->malformed},
        {"packets_unauthentic", s->unauthentic},
        {"blocks_repaired", s->blocks_repaired},
        {"shards_repaired", s->shards_repaired},
        {"bytes", s->bytes},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(counts); i++)
        json_object_set_new(root, counts[i].name, json_integer((json_int_t)counts[i].value));
}

static void add_times(json_t *root, const struct report *r)
{
    const struct receive_results *in = r->receive;
    uint64_t first_ns = r->viewer->first_picture_ns, launched_ns = r->stream->launched_ns;
    double first_ms = first_ns > launched_ns ? (double)(first_ns - launched_ns) / LM_NS_PER_MS : 0;
    uint64_t intervals = in->frames ? in->frames - 1 : 0;
    json_object_set_new(root, "duration_s", json_real(rounded((double)r->duration_ns / 1e9)));
    json_object_set_new(root, "fps_measured", json_real(rounded(rate(intervals, r->duration_ns))));
    json_object_set_new(root, "bitrate_kbps",
                        json_real(rounded(rate(in->stats.bytes, r->duration_ns) * 8 / 1000)));
    json_object_set_new(root, "first_frame_ms", json_real(rounded(first_ms)));
    json_object_set_new(root, "host_latency_ms", spread_json(&in->host));
    json_object_set_new(root, "network_ms", spread_json(&in->network));
    json_object_set_new(root, "decode_ms", spread_json(&r->viewer->decode));
    json_object_set_new(root, "control_rtt_ms", json_integer(r->rtt_ms));
    json_object_set_new(root, "intervals", cadence_json(&in->cadence));
    json_object_set_new(root, "pattern", pattern_json(&r->viewer->pattern));
    json_object_set_new(root, "audio", sound_json(r->listener));
}

json_t *report_json(const struct report *report)
{
    json_t *root = json_object();
    if (!root)
        return NULL;
    add_stream(root, report);
    add_counts(root, report);
    add_times(root, report);
    return root;
}

bool report_print(json_t *object)
{
    int result = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(object);
    return result == 0 && putchar('\n') != EOF && fflush(stdout) == 0;
}

static int host_ended(uint32_t code, bool seen, struct failure *failure)
{
    switch (code) {
    case LM_GS_END_GRACEFUL:
        return seen ? LM_OK
                    : failure_set(failure, FAILURE_REFUSED,
                                  "the host ended the stream before the first picture");
    case LM_GS_END_PROTECTED:
        return failure_set(failure, FAILURE_REFUSED,
                           "the host ended the stream: protected content is on its screen");
    case LM_GS_END_CONVERSION:
        return failure_set(failure, FAILURE_REFUSED,
                           "the host ended the stream: it cannot convert its picture");
    default:
        return failure_set(failure, FAILURE_REFUSED, "the host ended the stream (code 0x%08x)",
                           code);
    }
}

int report_failure(enum ending_cause cause, uint32_t code, bool seen, struct failure *failure)
{
    switch (cause) {
    case ENDING_HOST:
        return host_ended(code, seen, failure);
    case ENDING_LOST:
        return failure_set(failure, FAILURE_LOST, "connection lost: the host does not answer");
    case ENDING_NO_VIDEO:
        return failure_set(failure, FAILURE_UNREACHABLE,
                           "no video arrives from the host: is UDP port 47998 open?");
    case ENDING_NO_PICTURE:
        return failure_set(failure, FAILURE_OTHER,
                           "video arrives, but no picture can be made of it");
    case ENDING_NO_DECODER:
        return failure_set(failure, FAILURE_OTHER, "the video decoder failed");
    case ENDING_NO_DISPLAY:
        return failure_set(failure, FAILURE_OTHER, "the display went away");
    case ENDING_NONE:
    case ENDING_USER:
    case ENDING_DONE:
    case ENDING_DROPPED:
        break;
    }
    return LM_OK;
}

void report_overlay(const struct pipeline *p, const struct connect_stream *stream, uint64_t now_ns,
                    struct report_live *last, char out[REPORT_OVERLAY_BYTES])
{
    const struct receive_live *live = receive_live(p->receive);
    struct report_live now = {.at_ns = now_ns,
                              .frames = atomic_load(&live->frames),
                              .bytes = atomic_load(&live->bytes),
                              .pictures = viewer_pictures(p->viewer)};
    uint64_t span_ns = now.at_ns - last->at_ns;
    snprintf(out, REPORT_OVERLAY_BYTES,
             "%s\n%ux%u H.264\n\n"
             "received  %6.1f fps\n"
             "decoded   %6.1f fps\n"
             "bitrate   %6.1f mbit/s\n"
             "host      %6.1f ms\n"
             "network   %6.1f ms\n"
             "control   %6u ms\n"
             "lost      %6llu frames\n"
             "repaired  %6llu packets\n\n"
             "ctrl+alt+shift: q leave, f full\n"
             "screen, s statistics, z catch",
             stream->app_title, stream->params.width_px, stream->params.height_px,
             rate(now.frames - last->frames, span_ns), rate(now.pictures - last->pictures, span_ns),
             rate(now.bytes - last->bytes, span_ns) * 8 / 1e6,
             atomic_load(&live->host_latency_us) / 1000.0, atomic_load(&live->network_us) / 1000.0,
             channel_rtt_ms(p->channel), (unsigned long long)atomic_load(&live->lost),
             (unsigned long long)atomic_load(&live->repaired));
    *last = now;
}
