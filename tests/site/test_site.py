"""The built site as a reader sees it: `nox -s docs` builds it and runs this."""

from __future__ import annotations

import functools
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.test_docs_code import reference

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html") if "_static" not in path.parts)
DRIVER, CHROMIUM = shutil.which("chromedriver"), shutil.which("chromium")

if not PAGES:
    pytest.skip("the site is not built", allow_module_level=True)
webdriver = pytest.importorskip("selenium.webdriver")
if not (DRIVER and CHROMIUM):
    pytest.skip("there is no chromium with its chromedriver", allow_module_level=True)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    # Nothing but the site: a page that needs the network fails here as it would for a reader without one.
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


def as_on_a(browser, width):
    """Give the window the width of a device; a headless window itself cannot be narrower than 500 pixels."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def errors(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.mark.parametrize("page", PAGES)
def test_page(page, address, browser):
    as_on_a(browser, 1280)
    browser.get(f"{address}/{page}")
    assert errors(browser) == []
    # Those out of sight load late.
    browser.execute_script("document.querySelectorAll('img').forEach(img => img.loading = 'eager')")
    broken = """
        const done = arguments[0];
        Promise.all([...document.images].map(img => img.decode().then(() => null, () => img.src)))
            .then(sources => done(sources.filter(source => source !== null)));
    """
    assert browser.execute_async_script(broken) == []
    empty = "return [...document.images].filter(img => img.naturalWidth === 0).map(img => img.src)"
    assert browser.execute_script(empty) == []
    as_on_a(browser, 390)
    # The theme lets the article scroll inside of the page, which is as bad.
    widths = """
        const boxes = [document.documentElement, ...document.querySelectorAll('.bd-article-container')];
        return boxes.map(box => box.scrollWidth);
    """
    assert max(browser.execute_script(widths)) <= 390


def test_search_finds_a_loss(address, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    as_on_a(browser, 1280)
    browser.get(f"{address}/search.html?q=Quantile")
    found = WebDriverWait(browser, 30).until(
        lambda driver: driver.find_elements(By.CSS_SELECTOR, "#search-results li a")
    )
    assert any("gbm_objectives.Quantile" in link.get_attribute("href") for link in found)
    assert errors(browser) == []


def test_every_public_name_has_a_page():
    missing = [name for name in reference() if f"generated/{name}.html" not in PAGES]
    assert missing == []
