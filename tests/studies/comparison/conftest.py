"""Reports of all cases, and a browser to look at them; browser tests are skipped with a notice where there is none."""

from __future__ import annotations

import shutil

import pytest

from studies.comparison import report_cases
from studies.comparison.html_reader import read

WIDE = 1280


@pytest.fixture(params=report_cases.CASES, ids=report_cases.CASES)
def case(request):
    """The name of each case in turn."""
    return request.param


@pytest.fixture
def comparison(case):
    """The record of the case."""
    return report_cases.CASES[case]()


@pytest.fixture
def page(case):
    """The report of the case, read."""
    return read(report_cases.rendered(case))


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium that can be asked what it loaded and what it complained about."""
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium with chromedriver here: the report is not looked at in a browser")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    switches = (
        "headless=new", "hide-scrollbars", "no-sandbox", "disable-gpu", "disable-dev-shm-usage",
        "disable-background-networking", "disable-component-update", "disable-sync", "no-first-run",
        f"user-data-dir={tmp_path_factory.mktemp('profile')}",
    )  # fmt: skip
    for switch in switches:
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=Service(driver))
    yield running
    running.quit()


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The addresses of written reports."""
    folder = tmp_path_factory.mktemp("reports")
    cases = ("pictures", "vectors", "structured", "hostile names", "many arms", "large codebook")
    for name in cases:
        (folder / f"{name}.html").write_text(report_cases.rendered(name), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in cases}


@pytest.fixture
def look(browser, pages):
    """Open a report on a screen of some width, by day or night; afterwards all is as before."""

    def at(name, width=WIDE, scheme="light", media="", *, script=True):
        browser.get_log("performance")
        browser.get_log("browser")
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
        browser.get(pages[name])
        return browser

    yield at
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
