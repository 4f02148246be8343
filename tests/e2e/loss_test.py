#!/usr/bin/python3
"""A stream through an impairing relay: losses are repaired, or recovered from, and never shown."""
from harness import CLOCK, app, check, hosted, main, need, paired
from relay import Impairment, Relay

need("sway", "dbus-daemon")

CONFIG = "listen = loopback\n" + app("Clock", f"exec {CLOCK} --every-frame --motion video")
NEAR = "127.0.0.2"
SEED = 20240601


def stream_through(impairment, frames="400"):
    with hosted(CONFIG) as host:
        client = paired(host, address=NEAR)
        relay = Relay(NEAR, "127.0.0.1", host.port, impairment)
        try:
            report = client.stream("Clock", "--size", "1280x720", "--fps", "60", "--bitrate",
                                   "8000", "--frames", frames, timeout=120)
        finally:
            relay.close()
        print(f"  seed {SEED}: {impairment.seen} datagrams, {impairment.dropped} dropped, "
              f"{impairment.doubled} doubled, {impairment.late} late; frames lost "
              f"{report['frames_lost']}, shards repaired {report['shards_repaired']}, "
              f"recoveries {report['recoveries']}, key frames {report['key_frames']}")
        check(report["decode_errors"] == 0, "a decode error was shown")
        check(report["pattern"]["out_of_order"] == 0, f"order: {report['pattern']}")
        # The first pictures may show the desktop before the clock's window is up.
        check(report["pattern"]["unreadable"] <= 5, f"broken pictures: {report['pattern']}")
        return report


def few_losses_are_repaired():  # gs-media 44
    report = stream_through(Impairment(loss=0.02, delay_s=0.030, seed=SEED))
    check(report["shards_repaired"] > 20, "nothing was repaired")
    check(report["frames_lost"] <= 12, f"too many frames lost: {report['frames_lost']}")


def bursts_are_recovered_from_without_key_frames():  # gs-media 34
    report = stream_through(Impairment(burst=(0.004, 12), delay_s=0.030, seed=SEED))
    check(report["frames_lost"] >= 1, "the bursts did not hurt: make them longer")
    check(report["recoveries"] >= 1, "no recovery by an older reference")
    check(report["key_frames"] <= 1 + report["frames_lost"] // 2,
          f"key frames instead of references: {report['key_frames']}")


def reordered_and_doubled_datagrams_do_no_harm():
    impairment = Impairment(duplicate=0.03, reorder=0.03, delay_s=0.005, seed=SEED)
    report = stream_through(impairment)
    check(impairment.doubled > 100, "nothing was doubled")
    # The others came when their frame was complete, where nobody looks: more on a busy machine.
    check(report["packets_duplicate"] > 0, "no double was seen as such")
    check(report["frames_lost"] <= 4, f"frames lost: {report['frames_lost']}")


if __name__ == "__main__":
    main(few_losses_are_repaired, bursts_are_recovered_from_without_key_frames,
         reordered_and_doubled_datagrams_do_no_harm)
