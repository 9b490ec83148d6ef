"""A headless Chromium, driven through the DevTools protocol: what the tests of the dashboard need of it and no more."""

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request

import websocket

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


class Browser:
    """One page, and everything that its console and its network said."""

    def __init__(self, folder):
        program = next(filter(None, map(shutil.which, NAMES)), None)
        assert program, "there is no Chromium: run Scripts/setup --tests"
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0", "--remote-allow-origins=*",
             f"--user-data-dir={folder}", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True)
        for line in self.process.stderr:
            if line.startswith("DevTools listening on "):
                address = line.split()[-1].split("/")[2]
                break
        else:
            raise AssertionError("Chromium ended before it listened")
        deadline = time.monotonic() + 60
        pages = []
        while not pages and time.monotonic() < deadline:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{address}/json/list") as answer:
                pages = [target for target in json.load(answer) if target["type"] == "page"]
        self.socket = websocket.create_connection(pages[0]["webSocketDebuggerUrl"], timeout=60, http_no_proxy=["*"])
        self.ids = itertools.count(1)
        self.complaints, self.responses, self.sizes, self.failed = [], {}, {}, []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        number = next(self.ids)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            self.notice(message)

    def notice(self, message):
        parameters = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(parameters["exceptionDetails"].get("exception", {}).get("description") or parameters["exceptionDetails"]["text"])
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning", "assert"):
                self.complaints.append(str(parameters["args"]))
            case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{parameters['entry']['text']} {parameters['entry'].get('url')}")
            case "Network.responseReceived":
                self.responses[parameters["requestId"]] = parameters["response"]["url"]
            case "Network.dataReceived":
                self.sizes[parameters["requestId"]] = self.sizes.get(parameters["requestId"], 0) + parameters["dataLength"]

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, expression, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = self.evaluate(expression)
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"{expression} did not come true; the console says {self.complaints}")

    def press(self, key):
        number, text = {"Tab": (9, None), "Escape": (27, None), "Enter": (13, "\r")}[key]
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            typed = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=number, **typed)

    def look(self, width, height, scheme, path=None):
        """Sets the window and the colour scheme; writes the whole page to `path`."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        time.sleep(1.3)
        if path:
            full = self.evaluate("document.documentElement.scrollHeight")
            shot = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip={"x": 0, "y": 0, "width": width, "height": full, "scale": 1})
            path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.socket.close()
        # Debian starts the browser from a shell, which would leave it behind.
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=60)
        self.process.stderr.close()
