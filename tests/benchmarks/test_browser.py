"""The report in a real browser, on a desktop and on a phone: it asks the network for nothing, complains of nothing, and shows everything."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.report import against, films
from benchmarks.report.page import render, render_store
from benchmarks.running.launchers import launch
from benchmarks.store.store import Store
from benchmarks.studies import study
from benchmarks.studies.plan import group, pinned
from benchmarks.textbook import page
from tests.benchmarks import browser
from tests.benchmarks.synthetic import CONTROL, SyntheticStore

pytestmark = pytest.mark.skipif(browser.find() is None, reason="no Chromium on this machine (apt install chromium)")

WIDTHS = {"desktop": 1280, "phone": 390}
LOOK = """(async () => {
  for (const d of document.querySelectorAll('details')) d.open = true;
  for (const i of document.querySelectorAll('img')) { i.loading = 'eager'; await i.decode().catch(() => 0); }  // a lazy picture has no width yet
  const width = document.documentElement.clientWidth;
  const boxes = e => e.closest('.scroll, pre') && !e.matches('.scroll, pre');  // these scroll by themselves
  const drawn = e => e.ownerSVGElement;  // strokes that are cut at the axes reach on as boxes
  const wide = [...document.querySelectorAll('body *')].filter(e => !boxes(e) && !drawn(e) && e.getBoundingClientRect().right > width + 1);
  const seen = e => { const b = e.getBoundingClientRect(); return b.width > 50 && b.height > 30; };
  return {
    width, page: document.documentElement.scrollWidth,
    wide: wide.map(e => e.tagName + '#' + e.id + '.' + e.className),
    figures: [...document.querySelectorAll('figure')].map(f => {
      const pictures = [...f.querySelectorAll('svg, img')].filter(p => p.getClientRects().length);  // of two drawings, the one for this width
      return [f.id, seen(f), pictures.every(seen), pictures.length];
    }),
    broken: [...document.querySelectorAll('img')].filter(i => !i.complete || !i.naturalWidth).length,
    unnamed: [...document.querySelectorAll('svg')].filter(s => s.getAttribute('role') !== 'img' || !s.getAttribute('aria-label')).length
           + [...document.querySelectorAll('img')].filter(i => !i.alt).length,
    small: [...document.querySelectorAll('p, li, td, figcaption')].filter(e => parseFloat(getComputedStyle(e).fontSize) < 12).length,
    top: document.querySelector('#verdict, .verdict, .question').getBoundingClientRect().top,
  };
})()"""


@pytest.fixture(scope="module")
def chromium():
    with browser.Browser() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Two reports: one of everything that a page can have, in invented scores with a run missing; and one side-by-side page of two trained studies."""
    root = tmp_path_factory.mktemp("pages")
    store = SyntheticStore(groups=[CONTROL], reps=200).lose("dqn", "Acrobot-v1", [3], "failed", "ValueError: " + "a long word " * 12, "Traceback\n" + "x" * 300)
    render_store(store, root / "invented", allow_partial=True)
    small = ["protocol.eval_points=3", "statistics.reps=200"]
    resolved = study.adhoc(["q_learning", "value_iteration"], ["FrozenLake-v1"], seeds=2, steps=300, overrides=small)
    trained = Store(root / "trained")
    trained.save_study(pinned(resolved))
    launch(group([run for _, run in trained.planned()], 1), trained, {"name": "inprocess"})
    render(trained.path, play=films.make)
    against.render(trained, trained, root / "against")
    return {"invented": root / "invented" / "report.html", "trained": root / "trained" / "report" / "report.html", "against": root / "against" / "against.html"}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["invented", "trained", "against"])
def test_the_page_in_a_browser(chromium, pages, name, width):
    page = chromium.open(pages[name].as_uri(), WIDTHS[width], LOOK)
    assert page.requests == [] and page.errors == []
    seen = page.result
    assert seen["page"] == seen["width"] == WIDTHS[width] and seen["wide"] == []  # only tables scroll sideways
    assert seen["broken"] == seen["unnamed"] == seen["small"] == 0
    assert seen["top"] < 700  # the verdict is on the first screen, or begins there
    expected = {"invented": 10, "trained": 8 + 2, "against": 1}[name]
    assert len(seen["figures"]) == expected and all(whole and pictures and n == 1 for _, whole, pictures, n in seen["figures"]), seen["figures"]
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot)).convert("L"))
    assert picture.shape[1] == WIDTHS[width] and (picture < 128).mean() > 0.01  # there is ink on it


@pytest.mark.parametrize("width", WIDTHS)
def test_the_textbooks_page_in_a_browser(chromium, tmp_path, width):
    """Rendered anew from the committed figures, with all of them loaded: on the page they are lazy."""
    folder = Path(__file__).parents[2] / "results" / "textbook"
    for path in [*folder.glob("*.json"), *folder.glob("*.png")]:
        (tmp_path / path.name).symlink_to(path)
    records = page.write(tmp_path)
    found = chromium.open((tmp_path / "index.html").as_uri(), WIDTHS[width], LOOK)
    assert found.errors == [] and {request.rpartition("/")[0] for request in found.requests} == {tmp_path.as_uri()}
    seen = found.result
    assert seen["page"] == seen["width"] == WIDTHS[width] and seen["wide"] == []  # only tables scroll sideways
    assert seen["broken"] == seen["unnamed"] == seen["small"] == 0
    assert len(seen["figures"]) == len(records) > 40 and all(whole and pictures for _, whole, pictures, _ in seen["figures"])


def test_on_a_phone_the_textbooks_pictures_are_whole_and_lead_to_themselves_at_full_size(chromium, tmp_path):
    folder = Path(__file__).parents[2] / "results" / "textbook"
    for name in ("2.2", "6.5"):
        for kind in ("json", "png"):
            (tmp_path / f"{name}.{kind}").symlink_to(folder / f"{name}.{kind}")
    page.write(tmp_path)
    found = chromium.open((tmp_path / "index.html").as_uri(), WIDTHS["phone"], PHONE)
    assert found.result["inside"]
    shown = hints(np.asarray(Image.open(io.BytesIO(found.screenshot)).convert("RGB")), found.result["tables"])
    assert shown and all(is_hinted == goes_on for goes_on, is_hinted in shown)
    links = "[...document.querySelectorAll('figcaption a')].filter(a => a.getClientRects().length).map(a => a.getAttribute('href'))"
    assert chromium.open((tmp_path / "index.html").as_uri(), WIDTHS["phone"], links).result == ["2.2.png", "6.5.png"]


PHONE = """(async () => {
  for (const d of document.querySelectorAll('details')) d.open = true;
  for (const i of document.querySelectorAll('img')) { i.loading = 'eager'; await i.decode().catch(() => 0); }
  const box = e => e.getBoundingClientRect(), shown = e => e.getClientRects().length > 0;
  const pictures = [...document.querySelectorAll('figure svg, figure img')].filter(shown);
  const scrolls = [...document.querySelectorAll('.scroll')].filter(shown), frame = p => p.closest('.picture, .film');
  return {
    inside: pictures.every(p => box(p).left >= 0 && box(p).right <= innerWidth && frame(p).scrollWidth <= frame(p).clientWidth),
    type: Math.min(...pictures.flatMap(p => [...p.querySelectorAll('text')]).map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)
          .filter(size => size > 0)),
    cut: [...document.querySelectorAll('svg')].filter(shown).flatMap(s => [...s.querySelectorAll('text')].filter(t => box(t).right > box(s).right + 1
          || box(t).left < box(s).left - 1)).map(t => t.textContent),
    tables: scrolls.map(s => [s.scrollWidth > s.clientWidth + 1, box(s).right + scrollX, box(s).top + scrollY, box(s).height]),
  };
})()"""


def hints(picture, tables):
    """Of each table, whether it goes on beyond its box, and whether the last pixels of the box are bluer than white."""
    found = []
    for goes_on, right, top, height in tables:
        edge = picture[int(top) + 2 : int(top + height) - 2, int(right) - 3 : int(right) - 1].astype(float)
        found.append((goes_on, bool(np.median(edge[..., 2] - edge[..., 0]) > 20)))
    return found


@pytest.mark.parametrize("name", ["invented", "trained", "against"])
def test_on_a_phone_every_curve_is_seen_to_its_end_in_readable_type_and_a_table_that_goes_on_says_so(chromium, pages, name):
    page = chromium.open(pages[name].as_uri(), WIDTHS["phone"], PHONE)
    seen = page.result
    assert seen["inside"] and seen["type"] > 8.5 and seen["cut"] == []
    found = hints(np.asarray(Image.open(io.BytesIO(page.screenshot)).convert("RGB")), seen["tables"])
    assert all(is_hinted == goes_on for goes_on, is_hinted in found) and any(goes_on for goes_on, _ in found)


@pytest.mark.parametrize("width, shown", [("desktop", "wide"), ("phone", "narrow")])
def test_a_figure_is_drawn_once_for_each_kind_of_screen(chromium, pages, width, shown):
    script = """[...new Set([...document.querySelectorAll('.wide, .narrow')].filter(e => e.getClientRects().length).map(e => e.className))]"""
    assert chromium.open(pages["invented"].as_uri(), WIDTHS[width], script).result == [shown]


@pytest.mark.parametrize("width", WIDTHS)
def test_one_picture_stands_right_under_the_verdict(chromium, pages, width):
    script = """(() => {
      const box = e => e.getBoundingClientRect(), first = document.querySelector('figure');
      const verdict = box(document.querySelector('#verdict')), contents = box(document.querySelector('nav'));
      return {id: first.id, gap: box(first).top - verdict.bottom, above: contents.top - box(first).bottom,
              copies: document.querySelectorAll('[id="' + first.id + '"]').length,
              links: document.querySelectorAll('section:not(#cautions) a[href="#' + first.id + '"]').length};
    })()"""
    seen = chromium.open(pages["invented"].as_uri(), WIDTHS[width], script).result
    assert seen["id"] == "g-control-curves-steps" and 0 < seen["gap"] < 150 and seen["above"] > 0
    assert seen["copies"] == seen["links"] == 1  # moved, not repeated


def test_a_picture_from_the_network_a_script_that_fails_and_a_wide_box_would_be_seen(chromium, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text('<meta name=viewport content="width=device-width"><div id=verdict class=verdict>x</div>'
                    '<img src="http://127.0.0.1:9/x.png"><p style="width:900px">x</p>'
                    "<script>undefined_name()</script>")
    found = chromium.open(page.as_uri(), 390, LOOK)
    assert found.requests == ["http://127.0.0.1:9/x.png"]
    assert any("Uncaught" in error for error in found.errors) and any("ERR_" in error for error in found.errors)
    assert found.result["wide"] == ["P#."] and found.result["broken"] == 1 and found.result["unnamed"] == 1


@pytest.mark.slow
def test_the_printed_page_opens_its_tables_and_leaves_the_lists_of_hashes_out(chromium, pages):
    target = chromium.call("Target.createTarget", url="about:blank")["targetId"]
    session = chromium.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    chromium.call("Page.enable", session)
    chromium.events = []
    chromium.call("Page.navigate", session, url=pages["trained"].as_uri())
    chromium.wait_for("Page.loadEventFired")
    chromium.call("Emulation.setEmulatedMedia", session, media="print")
    script = """(() => {
      const high = e => e.getBoundingClientRect().height;
      return {tables: [...document.querySelectorAll('figure table')].map(high), hashes: [...document.querySelectorAll('details.screen')].map(high)};
    })()"""
    seen = chromium.call("Runtime.evaluate", session, expression=script, returnByValue=True)["result"]["value"]
    chromium.call("Target.closeTarget", targetId=target)
    assert len(seen["tables"]) > 5 and min(seen["tables"]) > 20, json.dumps(seen)
    assert len(seen["hashes"]) == 4 and max(seen["hashes"]) == 0
