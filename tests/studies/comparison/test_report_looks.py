"""How a report looks in a browser: wide and narrow, by day and by night, and on paper."""

from __future__ import annotations

import base64
import re

import pytest

pytestmark = pytest.mark.browser

WIDE, NARROW = 1280, 400
LETTER = 979
"""Pixels across a sheet of US letter that lies across, less its margins; A4 has more."""
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


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("name", ["pictures", "structured", "hostile names", "many arms"])
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
@pytest.mark.parametrize("name", ["pictures", "many arms"])
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
    """The table of arms is printed on sheets that lie across, the rest upright; no column is cut off."""
    browser = look("many arms", LETTER, media="print")
    across = browser.execute_script("return document.querySelector('#arms table').getBoundingClientRect().right")
    assert across <= LETTER
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    a4 = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True}
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", a4)["data"])
    sheets = [tuple(map(float, size)) for size in re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)]
    assert {width > height for width, height in sheets} == {True, False}
    assert max(width for width, _ in sheets) > 800


def test_the_rest_of_the_page_fits_on_upright_paper(look):
    """On A4, nothing but the table is wider than the sheet."""
    browser = look("pictures", 688, media="print")
    wide = browser.execute_script(
        "return [...document.querySelectorAll('main > section:not(#arms) *, header *')]"
        ".filter(e => e.getBoundingClientRect().right > 689).map(e => e.tagName)"
    )
    assert wide == []


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
@pytest.mark.parametrize("name", ["pictures", "structured", "many arms", "large codebook"])
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


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_the_name_of_an_arm_stays_when_the_table_scrolls(look, width):
    """Whoever reads the last column sees whose numbers they are, and at which rate."""
    browser = look("many arms", width)
    left, names, rates = browser.execute_script(
        """
        const box = document.querySelector("#arms .scroll");
        box.scrollLeft = 1e6;
        const at = (part) => [...box.querySelectorAll(part)].map((e) => e.getBoundingClientRect().left);
        return [box.getBoundingClientRect().left, at("tbody th.name"), at("tr.rate span")];
        """
    )
    assert all(0 <= place - left < 12 for place in names + rates)
