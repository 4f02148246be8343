"""A D-Bus and an Avahi for one test, seen by nobody else."""
import os
import shutil
import subprocess
import tempfile

from harness import wait_until

PROGRAMS = ("avahi-daemon", "avahi-browse", "dbus-daemon", "unshare")
BUS = """<busconfig><type>system</type><listen>unix:path={dir}/bus</listen>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>"""
CONF = """[server]
host-name=lumen-test
use-ipv4=yes
use-ipv6=no
allow-interfaces=lo
[rlimits]
"""


class Mdns:
    """A D-Bus and an Avahi of our own, in a mount namespace for the latter's fixed paths."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="lumen-mdns-")
        for name, text in (("bus.conf", BUS.format(dir=self.dir)), ("avahi.conf", CONF)):
            with open(os.path.join(self.dir, name), "w", encoding="ascii") as file:
                file.write(text)
        self.env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.dir}/bus")
        self.bus = subprocess.Popen(["dbus-daemon", "--nofork", "--config-file",
                                     f"{self.dir}/bus.conf"], env=self.env,
                                    stderr=subprocess.DEVNULL)
        wait_until("the bus", 5, lambda: os.path.exists(f"{self.dir}/bus"))
        self.avahi = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", "mkdir -p /run/avahi-daemon && mount -t tmpfs none "
             f"/run/avahi-daemon && exec avahi-daemon -f {self.dir}/avahi.conf --no-drop-root "
             "--no-chroot --no-rlimits"], env=self.env, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    def browse(self):
        """Ports under which hosts are announced."""
        done = subprocess.run(["avahi-browse", "-rpt", "_nvstream._tcp"], env=self.env, text=True,
                              capture_output=True, timeout=20, check=False)
        return [int(line.split(";")[8]) for line in done.stdout.splitlines()
                if line.startswith("=")]

    def works(self):
        return subprocess.run(["avahi-browse", "-at"], env=self.env, capture_output=True,
                              timeout=20, check=False).returncode == 0

    def close(self):
        for process in (self.avahi, self.bus):
            process.terminate()
            process.wait()
        shutil.rmtree(self.dir)
