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
  const boxes = e => e.closest('.scroll, .picture, pre') && !e.matches('.scroll, .picture, pre');  // these scroll by themselves
  const wide = [...document.querySelectorAll('body *')].filter(e => !boxes(e) && e.getBoundingClientRect().right > width + 1);
  const seen = e => { const b = e.getBoundingClientRect(); return b.width > 50 && b.height > 30; };
  return {
    width, page: document.documentElement.scrollWidth,
    wide: wide.map(e => e.tagName + '#' + e.id + '.' + e.className),
    figures: [...document.querySelectorAll('figure')].map(f => {
      const pictures = [...f.querySelectorAll('svg, img')];
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
    assert seen["page"] == seen["width"] == WIDTHS[width] and seen["wide"] == []  # only figures and tables scroll sideways
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
    assert seen["page"] == seen["width"] == WIDTHS[width] and seen["wide"] == []  # only figures and tables scroll sideways
    assert seen["broken"] == seen["unnamed"] == seen["small"] == 0
    assert len(seen["figures"]) == len(records) > 40 and all(whole and pictures for _, whole, pictures, _ in seen["figures"])


@pytest.mark.parametrize("width", WIDTHS)
def test_one_picture_stands_right_under_the_verdict(chromium, pages, width):
    script = """(() => {
      const box = e => e.getBoundingClientRect(), first = document.querySelector('figure');
      const verdict = box(document.querySelector('#verdict')), contents = box(document.querySelector('nav'));
      return {id: first.id, gap: box(first).top - verdict.bottom, above: contents.top - box(first).bottom,
              copies: document.querySelectorAll('[id="' + first.id + '"]').length, links: document.querySelectorAll('a[href="#' + first.id + '"]').length};
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
