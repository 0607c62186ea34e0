"""Headless Chromium as a person at the page: what is on the screen, what is pressed, and what the browser complained of."""
import json
import shutil
import tempfile
import time
import urllib.parse

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

DEADLINE_S = 60
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
             "--disable-extensions", "--disable-dev-shm-usage", "--lang=en-GB")


class Browser:
    """One browser with a folder of its own; it talks to no network but the loopback."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="orderwatch-browser.")
        options = Options()
        for argument in (*ARGUMENTS, f"--user-data-dir={self.folder}"):
            options.add_argument(argument)
        options.binary_location = shutil.which("chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(DEADLINE_S)
        self.base = None
        self.expected = ()

    def stop(self):
        self.driver.quit()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the visit ---

    def begin(self, base, language="en-GB,en", width=1280, height=900):
        """A reader who was never here, with this language and this screen."""
        self.base = base
        self.expected = ()
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.command("Network.enable")
        self.command("Storage.clearDataForOrigin", origin=base, storageTypes="all")
        self.command("Network.setUserAgentOverride", userAgent="Mozilla/5.0 (X11; Linux x86_64) Chrome/120",
                     acceptLanguage=language)
        self.look(width, height)
        return self

    def look(self, width, height, dark=False):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def command(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def open(self, where="#/"):
        """As typed into the address line: a new page."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.base}/{where}")
        return self

    def address(self):
        return urllib.parse.unquote(self.driver.current_url.removeprefix(self.base + "/"))

    # --- looking ---

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])].map(one => one.innerText.trim())", selector)

    def text(self, selector="main"):
        return "\n".join(self.texts(selector))

    def until(self, condition, what=None):
        """Waits until it is true, and gives what it gave."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                result = condition()
            except StaleElementReferenceException:
                result = None
            if result:
                return result
            assert time.monotonic() < deadline, f"{what or 'it'} did not come; on the page is:\n{self.text('body')}"
            time.sleep(0.05)

    def sees(self, words, selector="main"):
        self.until(lambda: words in self.text(selector), repr(words))
        return self

    def misses(self, words, selector="main"):
        self.until(lambda: words not in self.text(selector), f"the end of {words!r}")
        return self

    def announced(self):
        return self.run("return document.getElementById('announcer').textContent")

    # --- doing ---

    def find(self, selector, words=None):
        return self.until(lambda: next((one for one in self.all(selector) if one.is_displayed()
                                        and (words is None or words in (one.text or one.get_attribute("aria-label") or ""))),
                                       None), f"{selector} {words or ''}")

    def labelled(self, label):
        """The control that a label names, as a screen reader would find it."""
        return self.until(lambda: self.run(
            "return [...document.querySelectorAll('label')].find(one => one.innerText.trim() === arguments[0])?.control",
            label), f"the control {label}")

    def press(self, words, selector="button"):
        def pressed():
            try:
                self.find(selector, words).click()
                return True
            except WebDriverException:
                return False  # it moved on: find it anew
        self.until(pressed, f"{selector} {words}")
        return self

    def fill(self, label, text):
        control = self.labelled(label)
        if control.tag_name == "select":
            self.run("""const [select, words] = arguments;
                        select.value = [...select.options].find(one => one.text === words).value;
                        select.dispatchEvent(new Event('change', {bubbles: true}));""", control, text)
        else:
            control.send_keys(Keys.CONTROL, "a")
            control.send_keys(text or Keys.BACKSPACE)
        return self

    def type(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)
        return self

    def focused(self):
        return self.run("const one = document.activeElement; return one.innerText || one.getAttribute('aria-label') || one.id")

    # --- what the browser saw ---

    def requests(self):
        """(url, headers) of every request since the last question."""
        seen = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                request = message["params"]["request"]
                seen.append((request["url"], request["headers"]))
        return seen

    def expect(self, *words):
        """Of this visit's complaints those with one of these words are meant: the browser logs each refusal by its code."""
        self.expected = words
        return self

    def complaints(self):
        """Errors and policy violations of the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if (entry["level"] in ("SEVERE", "WARNING") or "Content Security Policy" in entry["message"])
                and not any(words in entry["message"] for words in self.expected)]

    def overflow(self):
        """How many pixels the page is wider than the screen."""
        return self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
