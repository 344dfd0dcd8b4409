"""The report in a browser: wide and narrow, by day and by night, on paper, with and without script."""

from __future__ import annotations

import base64
import json
import shutil
import time

import pytest

from studies import report_cases

pytestmark = pytest.mark.browser

WIDE, NARROW = 1280, 400
CONTRAST = """
const channels = (text) => text.match(/[\\d.]+/g).map(Number);
const over = (top, below) => {
  const alpha = top.length > 3 ? top[3] : 1;
  return [0, 1, 2].map((i) => alpha * top[i] + (1 - alpha) * below[i]);
};
const background = (element) => {
  if (!element) return [255, 255, 255];
  const own = channels(getComputedStyle(element).backgroundColor);
  return own[3] === 0 ? background(element.parentElement) : over(own, background(element.parentElement));
};
const luminance = (colour) => {
  const [r, g, b] = colour.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const poor = [];
let seen = 0;
for (const element of document.body.querySelectorAll("*")) {
  if (element.closest("script, .unseen")) continue;
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own) continue;
  const style = getComputedStyle(element);
  const ground = background(element);
  const text = over(channels(element.closest("svg") ? style.fill : style.color), ground);
  const [a, b] = [luminance(text), luminance(ground)];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  seen += 1;
  if (!(ratio >= 4.5)) poor.push([element.tagName, element.textContent.slice(0, 30), ratio]);
}
return [seen, poor];
"""


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The addresses of written reports."""
    folder = tmp_path_factory.mktemp("reports")
    cases = ("pictures", "vectors", "hostile names", "many arms", "large codebook")
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


def requested(browser):
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    # The browser's own start page may still be loading.
    return [request["request"]["url"] for request in sent if not request["documentURL"].startswith("chrome:")]


@pytest.mark.parametrize("name", ["pictures", "vectors", "hostile names", "many arms"])
def test_nothing_is_requested_but_the_file(look, pages, name):
    """The page loads itself and data: links, and the browser has nothing to complain about."""
    browser = look(name)
    urls = requested(browser)
    assert pages[name] in urls
    assert [url for url in urls if url != pages[name] and not url.startswith("data:")] == []
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("name", ["pictures", "vectors", "hostile names", "many arms"])
def test_the_page_does_not_scroll_sideways(look, name, width):
    """Nothing is wider than the screen; what is wide scrolls in its own box."""
    browser = look(name, width)
    for details in browser.find_elements("css selector", "details"):
        browser.execute_script("arguments[0].open = true", details)
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    box = browser.execute_script(
        "const box = document.querySelector('#arms .scroll'); return [box.clientWidth, box.scrollWidth]"
    )
    assert width == WIDE or box[0] < box[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["pictures", "vectors"])
def test_every_text_has_contrast(look, name, scheme):
    """Every text, in plots too, stands out from its ground by 4.5 : 1 at least, by day and by night."""
    browser = look(name, scheme=scheme)
    for details in browser.find_elements("css selector", "details"):
        browser.execute_script("arguments[0].open = true", details)
    seen, poor = browser.execute_script(CONTRAST)
    assert seen > 200
    assert poor == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_mark_has_contrast(look, scheme):
    """Markers, the curve and warnings stand out from the page by 3 : 1 at least."""
    browser = look("vectors", scheme=scheme)
    poor = browser.execute_script(
        CONTRAST.partition("const poor")[0]
        + """
        const style = getComputedStyle(document.documentElement);
        const probe = document.body.appendChild(document.createElement("i"));
        const ground = luminance(background(document.body));
        return ["bound", "warn", ...[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `series-${i}`)].filter((role) => {
          probe.style.color = `var(--${role})`;
          const mark = luminance(channels(getComputedStyle(probe).color));
          return (Math.max(mark, ground) + 0.05) / (Math.min(mark, ground) + 0.05) < 3;
        });
        """
    )
    assert poor == []


def test_night_is_dark_and_paper_is_white(look):
    """The page follows the system's colours on a screen, and prints black on white even at night."""
    colour = "const c = getComputedStyle(document.body); return [c.backgroundColor, c.color].map(t => +t.match(/\\d+/)[0])"
    assert look("pictures", scheme="light").execute_script(colour) > [200, 0]
    ground, ink = look("pictures", scheme="dark").execute_script(colour)
    assert ground < 60
    assert ink > 200
    ground, ink = look("pictures", scheme="dark", media="print").execute_script(colour)
    assert ink < 60
    assert ground > 200


def test_paper_gets_the_whole_table(look):
    """Printed on A4, no column of the table of arms is cut off."""
    browser = look("pictures", 688, media="print")
    widths = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.querySelector('#arms table').getBoundingClientRect().right]"
    )
    assert max(widths) <= 688
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert pdf.startswith(b"%PDF")


def test_the_page_is_complete_without_script(look):
    """With JavaScript off, verdict, plots, tables and files are there, and no dead button is."""
    browser = look("pictures", script=False)
    document = browser.execute_cdp_cmd("DOM.getDocument", {"depth": -1})["root"]

    def nodes(node):
        yield node
        for child in node.get("children", []):
            yield from nodes(child)

    names = [node["nodeName"].lower() for node in nodes(document)]
    assert "button" not in names
    assert names.count("tr") > 30
    assert names.count("svg") > 4
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert "bits" in browser.find_element("class name", "headline").text
    assert browser.find_element("css selector", "#arms tbody tr").is_displayed()


def test_a_click_sorts_the_table_and_says_so(look):
    """A heading's button sorts by the exact values, a second click turns the order round."""
    browser = look("many arms")
    place = 3
    button = browser.find_elements("css selector", "#arms thead button")[place]

    def column():
        cells = browser.find_elements("css selector", f"#arms tbody td:nth-of-type({place})")
        return [float(cell.get_attribute("data-value")) for cell in cells]

    expected = sorted(column())
    assert column() != expected
    button.click()
    assert column() == expected
    assert browser.find_element("css selector", "[aria-sort=ascending]").text.startswith("error")
    button.click()
    assert column() == expected[::-1]


def test_the_keyboard_reaches_everything(look):
    """Tab comes to the skip link first, then to links, sort buttons, and the boxes that scroll."""
    from selenium.webdriver import ActionChains, Keys

    browser = look("pictures", NARROW)
    reached = []
    for _ in range(60):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached.append(browser.execute_script("const e = document.activeElement; return e.className || e.tagName"))
    assert reached[0] == "skip"
    assert {"A", "BUTTON", "scroll", "SUMMARY"} <= set(reached)


def test_a_file_inside_the_page_can_be_saved(look, tmp_path):
    """A click on a link saves the table of arms under its name, to the byte."""
    browser = look("pictures")
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    browser.find_element("css selector", "a[download='digits-arms.csv']").click()
    deadline = time.monotonic() + 10
    while not (tmp_path / "digits-arms.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    lines = (tmp_path / "digits-arms.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(report_cases.digits().arms)
    assert f",{report_cases.digits().arms[0].distortion!r}," in lines[1]


def test_the_policy_stops_a_foreign_script(look):
    """A script that slips into the page all the same does not run."""
    browser = look("pictures")
    browser.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.slipped = 1'; document.body.append(s)"
    )
    assert browser.execute_script("return window.slipped") is None
    assert "Content Security Policy" in browser.get_log("browser")[0]["message"]


def test_pictures_are_sharp(look):
    """Codewords are shown in whole multiples of their size, and not smoothed."""
    browser = look("pictures")
    shown = browser.execute_script(
        "return [...document.querySelectorAll('.tiles img')].map(i => [i.getBoundingClientRect().width / i.naturalWidth,"
        " i.getBoundingClientRect().height / i.naturalHeight, getComputedStyle(i).imageRendering])"
    )
    assert len(shown) > 80
    assert {(width, height) for width, height, _ in shown} == {(6, 6)}
    assert {rendering for _, _, rendering in shown} == {"pixelated"}


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("name", ["pictures", "vectors", "many arms", "large codebook"])
def test_labels_of_plots_do_not_cover_each_other(look, name, width):
    """In no plot do two texts overlap, and none leaves the plot."""
    browser = look(name, width)
    clashes = browser.execute_script(
        """
        const clashes = [];
        for (const plot of document.querySelectorAll("svg.plot")) {
          const texts = [...plot.querySelectorAll("text")].map((t) => [t.textContent, t.getBoundingClientRect()]);
          const frame = plot.getBoundingClientRect();
          for (const [a, p] of texts) if (p.left < frame.left - 4 || p.right > frame.right + 4) clashes.push(a);
          texts.forEach(([a, p], i) => texts.slice(i + 1).forEach(([b, q]) => {
            const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
            const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
            if (across > 1 && down > 4) clashes.push([plot.getAttribute("aria-label").slice(0, 20), a, b, across, down]);
          }));
        }
        return clashes;
        """
    )
    assert clashes == []
