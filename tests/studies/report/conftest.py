"""A browser for the pages of studies: the one that looks at comparisons."""

from __future__ import annotations

import pytest

from studies.comparison.conftest import browser
from studies.report import study_cases
from zador.studies import report

__all__ = ["browser"]

SHOWN = ("stress", "sizes", "hostile names", "broken", "long names")


@pytest.fixture(scope="session")
def study_pages(tmp_path_factory):
    """The addresses of written reports, and of an index over two of them."""
    folder = tmp_path_factory.mktemp("studies")
    for name in SHOWN:
        (folder / f"{name}.html").write_text(study_cases.rendered(name), encoding="utf-8")
    cases = ("hostile names", "one arm")
    entries = [report.Entry(study_cases.measured(name), "a", study_cases.judged("stress")) for name in cases]
    index = report.write_index(entries, folder, provenance=study_cases.ABOUT)
    return {name: (folder / f"{name}.html").as_uri() for name in SHOWN} | {"index": index.as_uri()}


@pytest.fixture
def look(browser, study_pages):
    """Open a report on a screen of some width, by day or night, with everything unfolded."""

    def at(name, width=1280, scheme="light"):
        browser.get_log("performance")
        browser.get_log("browser")
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(study_pages[name])
        browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true })")
        return browser

    return at
