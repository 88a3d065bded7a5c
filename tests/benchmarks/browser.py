"""A page in a real browser: headless Chromium, spoken to over its debugging pipe (NUL-terminated JSON on file descriptors 3 and 4).

A page is opened at a given width; what it asks the network for, what it writes to the console and what it looks like are kept.
"""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe")  # fmt: skip


def find():
    """Chromium's path, or None."""
    return next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


@dataclass
class Page:
    """What was seen of a page."""

    requests: list = field(default_factory=list)  # URLs beyond the page itself, data: URLs aside
    errors: list = field(default_factory=list)  # console errors, warnings and exceptions
    result: object = None  # of the script
    screenshot: bytes = b""  # PNG of the whole page


class Browser:
    """`with Browser() as browser: browser.open(url, width, script)`."""

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        commands_read, self.write_end = os.pipe()
        self.read_end, answers_write = os.pipe()

        def descriptors():  # in the child: 3 is read from, 4 is written to
            ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands_read, answers_write)]  # out of the way of 3 and 4
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        command = [find(), *FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen(command, preexec_fn=descriptors, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(commands_read)
        os.close(answers_write)
        self.number, self.buffer, self.events = 0, b"", []
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError, TimeoutError):
            self.call("Browser.close", timeout=5)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read_end)
        os.close(self.write_end)
        self.profile.cleanup()

    def _message(self, deadline):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read_end], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self.read_end, 1 << 20)
            if not piece:
                raise OSError("the browser has ended")
            self.buffer += piece
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text)

    def call(self, method, session=None, timeout=60, **params):
        self.number += 1
        command = {"id": self.number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self.write_end, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while True:
            message = self._message(deadline)
            if message.get("id") == self.number:
                if "error" in message:
                    raise OSError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def wait_for(self, event, timeout=60):
        deadline = time.monotonic() + timeout
        while not any(message.get("method") == event for message in self.events):
            self.events.append(self._message(deadline))

    def open(self, url, width, script="null", dark=False, height=900):
        """Load the page at this width (in CSS pixels; under 600 as a phone), run the script in it, and photograph all of it."""
        self.events = []
        phone = width < 600
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable", session)
        self.call("Emulation.setDeviceMetricsOverride", session, width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.events = []
        self.call("Page.navigate", session, url=url)
        self.wait_for("Page.loadEventFired")
        result = self.call("Runtime.evaluate", session, expression=script, returnByValue=True, awaitPromise=True)
        picture = self.call("Page.captureScreenshot", session, format="png", captureBeyondViewport=True)
        self.call("Target.closeTarget", targetId=target)
        page = Page(result=result["result"].get("value"), screenshot=base64.b64decode(picture["data"]))
        if "exceptionDetails" in result:
            page.errors.append(result["exceptionDetails"]["text"])
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Network.requestWillBeSent":
                asked = params["request"]["url"]
                page.requests += [asked] if asked != url and not asked.startswith("data:") else []
            elif event.get("method") == "Log.entryAdded":
                page.errors.append(params["entry"]["text"])
            elif event.get("method") == "Runtime.exceptionThrown":
                page.errors.append(params["exceptionDetails"]["text"])
            elif event.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                page.errors.append(json.dumps(params["args"]))
        return page
