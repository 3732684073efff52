"""Journeys of the people on call, in a real browser on a live system: one Kafka, two workers, one console for all of them."""

from __future__ import annotations

import re
import secrets
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from support.browser import OPERATOR_TOKEN, REJECTING, TOKEN, Shop, browser, chromium
from support.migrating import MigratingStage, event_of
from support.rejecting import RejectingConsumer
from support.waiting import until
from support.worker import ROOT, free_port

from router.develop.broker import SHORT_LIVED, DevelopmentKafka
from router.failure.ledger import Ledger

pytestmark = pytest.mark.process

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The example shop, with its orders routed, on a Kafka of its own: pages show all that a cluster has."""
    chromium()
    home = tmp_path_factory.mktemp("shop")
    with DevelopmentKafka.start(directory=home / "kafka", java_options=SHORT_LIVED) as kafka:
        made = Shop(kafka.bootstrap, f"t{secrets.token_hex(3)}", home)
        try:
            made.start()
            yield made
        finally:
            made.end()


@pytest.fixture(scope="module")
def opened(shop: Shop) -> Iterator[Browser]:
    """A browser for all journeys."""
    with browser() as made:
        yield made


def visit(opened: Browser, shop: Shop, **more: Any) -> BrowserContext:
    """Somebody who has signed in, in Yekaterinburg unless told otherwise."""
    context = opened.new_context(base_url=shop.url, **({"viewport": WIDE, "timezone_id": "Asia/Yekaterinburg"} | more))
    context.set_default_timeout(10_000)
    context.request.get("/enter", params={"token": TOKEN})
    return context


@pytest.fixture
def page(opened: Browser, shop: Shop) -> Iterator[Page]:
    """A page of somebody's who has signed in; nothing that it loads may fail or be forbidden to it."""
    context = visit(opened, shop)
    said: list[str] = []
    made = context.new_page()
    made.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()
    assert said == []


def test_signing_in_and_out(opened: Browser, shop: Shop) -> None:
    """Without a session every page leads to where one signs in, and from there to what was asked for."""
    context = opened.new_context(base_url=shop.url)
    page = context.new_page()
    page.goto("/topics?q=vip")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("none of the console's tokens")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{shop.url}/topics?q=vip")
    expect(page.get_by_role("link", name=shop.name("vip.order.status.v1"))).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{shop.url}/sign-in")
    context.close()


def test_what_is_wrong_is_found_from_the_overview(page: Page, shop: Shop) -> None:
    """From the list to the causes, to one dead letter, to what it died of and the record that it was."""
    page.goto("/")
    expect(page.locator("[data-pulse]")).to_have_text("live")
    page.locator(".troubles").get_by_role("link", name=shop.name("order.status.v1.dead-letters")).click()
    cause = page.get_by_role("region", name="Causes").get_by_role("row").filter(has_text="unreadable").first
    cause.locator(".latest a").click()
    expect(page.get_by_role("heading", name="What it died of")).to_be_visible()
    page.locator(".path a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(shop.name("order.status.v1/"))


def test_the_picture_is_the_routes_with_what_flows(page: Page, shop: Shop) -> None:
    """Numbers follow what happens, without anybody asking again; a box leads on."""
    page.goto("/?near=orders")
    expect(page.locator("[data-pulse]")).to_have_text("live")
    box = page.locator(f"[data-box='{shop.name('bob-ru.order.status.v1')}']")
    # A rate takes two looks: what is copied before the first stands in none.
    expect(box.locator(".small")).to_contain_text("/s", timeout=20_000)
    shop.feed(seed=3, orders=100)
    until(
        lambda: re.search(r"[1-9]", box.locator(".small").text_content() or ""),
        within=20,
        what="a rate stands in the box",
    )
    expect(page.locator(".line.flows").first).to_be_attached()
    box.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(shop.name("bob-ru.order.status.v1"))
    expect(page.locator("code", has_text="'RU.*'")).to_be_visible()


def waiting_key(page: Page, shop: Shop) -> str:
    """The key that waits longest."""
    longest = page.get_by_role("link", name="those that wait longest")

    def told() -> bool:
        page.goto("/tables")
        return longest.count() > 0

    until(told, within=20, what="the console has seen that records wait")
    longest.first.click()
    return page.locator("tbody th a").first.inner_text()


def test_the_keys_that_wait_longest_are_listed_first(page: Page, shop: Shop) -> None:
    """By how long, of all workers; the page has an address that shows the same to a colleague."""
    waiting_key(page, shop)
    assert "sort=waiting" in page.url
    since = page.locator("tbody tr td:nth-child(7) time").evaluate_all("all => all.map(each => each.title)")
    assert len(since) > 1
    assert since == sorted(since)
    partitions = set(page.locator("tbody tr td:nth-child(2)").all_inner_texts())
    assert len(partitions) > 1


def test_an_order_is_followed_from_its_id(page: Page, shop: Shop) -> None:
    """What it waits for, its history in time, and the copies that consumers got, with their places."""
    key = waiting_key(page, shop)
    page.goto("/keys")
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Look up").click()
    expect(page.locator(".sentence")).to_contain_text("waits for")
    expect(page.locator(".timeline")).to_contain_text("held the record at offset")
    known = page.locator(".timeline .narrow").filter(has_text=f"copied from {shop.name('order.status.v1/')}")

    def indexed() -> bool:
        page.reload()
        return known.count() > 0

    until(indexed, within=30, what="the index of origins has read the copies")
    page.get_by_role("link", name="Look for its records in the topics as well").click()
    arrived = page.locator(".timeline .source").first
    expect(arrived).to_contain_text("arrived")
    copy = page.locator(".timeline .narrow a").first
    expect(copy).to_be_visible()
    copy.click()
    expect(page.locator(".path")).to_contain_text(f"copied by {shop.word} on worker-")


def test_a_table_of_two_workers_is_paged_and_filtered(page: Page, shop: Shop) -> None:
    """Every key once, page by page, whichever worker has it."""
    source = shop.name("order.status.v1")
    page.goto(f"/tables/{source}?limit=60")
    found: list[str] = []
    while True:
        found += page.locator("tbody th a").all_inner_texts()
        further = page.get_by_role("link", name="Further")
        if not further.count():
            break
        further.click()
    assert len(found) == len(set(found)) > 120
    page.get_by_label("Begins with").fill("ord-1-000001")
    page.get_by_role("button", name="Show").click()
    chosen = page.locator("tbody th a").all_inner_texts()
    assert sorted(chosen) == sorted(each for each in found if each.startswith("ord-1-000001"))
    page.get_by_label("Where").fill("partition == 1 && last > 2")
    page.get_by_role("button", name="Show").click()
    assert set(page.locator("tbody tr td:nth-child(2)").all_inner_texts()) <= {"1"}


def test_a_topic_is_followed_with_a_filter(page: Page, shop: Shop) -> None:
    """Only what the condition holds for is shown, with how many were looked at; what is masked is masked."""
    page.goto(f"/topics/{shop.name('order.status.v1')}/records")
    page.get_by_label("Where").fill("country == 'KZ'")
    page.get_by_role("button", name="Follow").click()
    expect(page.locator("[data-scanned]")).to_contain_text(re.compile("waiting|0 found"))

    def seen() -> bool:
        shop.feed(seed=int(secrets.token_hex(2), 16), orders=20)
        return page.locator("[data-records] tr").count() > 3

    until(seen, within=20, what="records of KZ came")
    page.get_by_role("button", name="Stop").click()
    values = page.locator("[data-records] pre").all_text_contents()
    assert all('"country": "KZ"' in each for each in values)
    assert not any(re.search(r'"email": "(?!someone@example.com)', each) for each in values)
    found, looked = map(
        int, re.findall(r"(\d[\d,]*) ", (page.locator("[data-scanned]").text_content() or "").replace(",", ""))[:2]
    )
    assert found < looked


def test_why_a_message_did_not_reach_a_team(page: Page, shop: Shop) -> None:
    """What failed first; change it and watch; then what proposed routes would do."""
    page.goto("/why")
    page.get_by_label("Topic").select_option(shop.name("order.status.v1"))
    vip = shop.name("vip.order.status.v1")
    value = page.get_by_label("Value as JSON")
    value.fill('{"country": "RU", "status": "paid", "amount": 5, "customer": {"email": "a@b.example"}}')
    miss = page.locator(".miss", has_text=vip)
    expect(miss).to_contain_text("amount > 100000")
    expect(miss).to_contain_text("routes/notifications.yaml:")
    value.fill('{"country": "RU", "status": "paid", "amount": 500000, "customer": {"email": "a@b.example"}}')
    expect(page.locator(".to")).to_contain_text(vip)
    assert "amount" in page.url
    page.locator(".proposal summary").click()
    page.get_by_label("File", exact=True).fill("routes/notifications.yaml")
    routes = (shop.home / "routes" / "notifications.yaml").read_text()
    page.get_by_label("Its text, whole").fill(routes.replace("100000", "900000"))
    expect(page.locator(".changes .bad")).to_contain_text(vip)
    expect(page.locator(".verdict")).to_have_count(2)
    page.get_by_role("button", name="Ask both").click()
    expect(page.locator(".changes .bad")).to_contain_text(vip)


def test_times_are_the_viewers_own(page: Page, shop: Shop) -> None:
    """In their zone, with the exact time in the tip."""
    page.goto(f"/topics/{shop.name('order.status.v1')}/records")
    shown, exact = page.locator("tbody time").first.evaluate("each => [each.textContent, each.title]")
    assert exact.endswith("Z")
    assert (int(shown[11:13]) - int(exact[11:13])) % 24 == 5


def addresses(shop: Shop) -> list[str]:
    """A page of each sort."""
    source = shop.name("order.status.v1")
    message = quote('{"country": "RU", "status": "paid"}')
    return [
        "/", "/topics", f"/topics/{source}", f"/topics/{source}/records?limit=10", f"/topics/{source}/0/0", f"/why?topic={source}&value={message}",
        "/keys/ord-1-0000010", "/tables", f"/tables/{source}?limit=10", "/dead-letters", "/workers", "/topics/nothing",
    ]  # fmt: skip


@pytest.fixture
def acting(opened: Browser, shop: Shop) -> Iterator[Page]:
    """A page of an operator's."""
    context = visit(opened, shop)
    context.request.get("/enter", params={"token": OPERATOR_TOKEN})
    yield context.new_page()
    context.close()


def test_a_redrive_is_shown_before_it_is_done(page: Page, acting: Page, shop: Shop) -> None:
    """By an operator: what would be sent and what would be left, of the cause that was chosen; a viewer is not offered it."""
    page.goto("/dead-letters")
    expect(page.get_by_role("link", name="Redrive")).to_have_count(0)
    acting.goto(f"/dead-letters?topic={shop.name('order.status.v1.dead-letters')}")
    acting.get_by_role("region", name="Causes").get_by_role("link").first.click()
    acting.get_by_role("link", name="Redrive these").click()
    expect(acting.get_by_role("heading", level=2).first).to_contain_text("would be sent")
    expect(acting.get_by_role("heading", name="Left where they are")).to_be_visible()


LETTERS = 12


def set_aside(shop: Shop) -> tuple[str, str]:
    """Dead letters of a consumer, as one in any language writes them; its topic, and where they are."""
    destination = shop.name("bob-by.order.status.v1")
    letters = f"{destination}.dead-letters"
    copies = [each for part in shop.topics.read(destination) for each in part][:LETTERS]
    shop.topics.create(letters, partitions=2)
    died = [("router-destination", destination.encode()), *Ledger().died(destination, "failed", 1_000).headers()]
    shop.topics.produce(
        {"topic": letters, "key": each.key, "value": each.value, "headers": [*each.headers, *died]} for each in copies
    )
    return destination, letters


def test_a_redrive_is_run_watched_and_stopped(acting: Page, shop: Shop) -> None:
    """As far as it got it is done, and the next one takes the rest: each letter is sent once."""
    destination, letters = set_aside(shop)
    before = sum(map(len, shop.topics.read(destination)))

    def begin(rate: str, *, sends: str) -> None:
        acting.goto(f"/dead-letters?topic={letters}")
        acting.get_by_role("link", name="Redrive these").click()
        expect(acting.get_by_role("heading", level=2).first).to_contain_text(re.compile(sends))
        acting.get_by_label("Why").fill("the consumer's release 4.2 takes them")
        acting.get_by_label("At most").fill(rate)
        acting.get_by_role("button", name="Redrive them").click()

    state = acting.locator("[data-state]")
    begin("1", sends=f"^{LETTERS} of {LETTERS} dead letters would be sent")
    expect(acting.get_by_role("heading", level=1)).to_contain_text("by operator: the consumer's release 4.2 takes them")
    acting.get_by_role("button", name="Stop it").click()
    expect(state).to_have_text("interrupted", timeout=20_000)
    begin("1000", sends=f"^[1-9][0-9]* of {LETTERS} dead letters would be sent")
    expect(state).to_have_text("ended", timeout=20_000)
    acting.goto(f"/dead-letters/redrive?topic={letters}")
    expect(acting.get_by_text("Nothing of it can be sent.")).to_be_visible()
    assert sum(map(len, shop.topics.read(destination))) - before == LETTERS


def test_a_parked_key_is_let_flow_again(acting: Page, shop: Shop) -> None:
    """With a reason; it is parked no more once its consumer has met the mark behind which it flows."""
    topic = shop.name(REJECTING)
    parts = shop.topics.read(topic)
    first = next(each for part in parts for each in part)
    failing = {first.value}
    consumer = RejectingConsumer(
        shop.bootstrap, topic, partitions=len(parts), fails=lambda record: record.value in failing
    )
    key = acting.locator("tbody th a")

    def listed() -> bool:
        consumer.turn()
        acting.goto(f"/parked?topic={topic}")
        return key.count() > 0

    until(listed, within=30, what="the key is parked")
    expect(key).to_have_text((first.key or b"").decode())
    failing.clear()
    acting.get_by_label("Why: Let it flow").fill("the consumer takes it by now")
    acting.get_by_role("button", name="Let it flow").click()
    until(lambda: not listed(), within=30, what="the key flows again")
    expect(acting.get_by_text("No key is parked.")).to_be_visible()
    consumer.end()


class Migrating(MigratingStage):
    """Whose commands run in a thread of their own: a browser's driver has an event loop in ours."""

    def migrate(self, step: str, *more: str, fails: bool = False) -> str:
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(super().migrate, step, *more, fails=fails).result(60)


def test_a_migration_is_watched_to_its_proof(page: Page, shop: Shop) -> None:
    """From its start to its end: what is copied, what holds the next step up, and what was so when each was taken."""
    stage = Migrating(bootstrap=shop.bootstrap, word=shop.word, home=shop.home).versions()
    stage.create("@event.v1", "@event.v1.dead-letters", "@event.v2.dead-letters", partitions=2)
    former = stage.name("@event.v1")

    def produce(version: int) -> None:
        shop.topics.produce(
            {"topic": stage.name(f"@event.v{version}"), "partition": n % 2, "key": f"key-{n}", "value": event_of(version, n, "x")}
            for n in range(20)
        )  # fmt: skip

    def phase(name: str) -> None:
        def shown() -> bool:
            page.goto(f"/migrations/{stage.name('@event')}/v1-v2")
            now = page.locator(".way [aria-current=step]")
            return now.count() > 0 and now.inner_text() == name

        until(shown, within=20, what=f"the page says {name}")

    try:
        produce(1)
        stage.migrate("start")
        phase("mirror")
        expect(page.get_by_role("heading", name="Next: flip")).to_be_visible()
        stage.mirrors()
        stage.until_copied(former)
        page.reload()
        expect(page.locator("p", has=page.locator("progress"))).to_contain_text("100.0 % of")
        expect(page.locator(".well")).to_contain_text("Nothing stands in the way: router migrate flip")
        stage.migrate("flip", "--sunset", "2030-01-01")
        produce(2)
        stage.until_copied(former, stage.name("@event.v2"))
        phase("flip")
        expect(page.locator(".obstacles li").first).to_contain_text("a producer wrote")
        stage.migrate("drain", "--quiet-for", "1ms")
        phase("drain")
        stage.migrate("retire", "--delete")
        phase("retired")
        page.get_by_role("row", name="retired").get_by_text("what was so").click()
        expect(page.get_by_label("Evidence").first).to_be_visible()
    finally:
        stage.end()


def test_a_console_that_hangs_or_dies_is_nothing_to_workers(shop: Shop) -> None:
    """With people who look, some of whom read nothing of what they are told: records are carried, and workers answer."""
    url = f"http://127.0.0.1:{free_port()}"
    console = shop.start_console(url)
    viewers = []

    def watched() -> bool:
        with suppress(OSError):
            viewers.append(socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 5))
            viewers[-1].sendall(f"GET /live HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        return len(viewers) == 20

    def carried(seed: int) -> None:
        shop.feed(seed=seed, orders=60)
        until(lambda: not shop.behind(), within=20, what="all is routed")
        assert [worker.readiness()["status"] for worker in shop.workers] == [200, 200]

    try:
        until(watched, within=30, what="twenty look")
        told = b""
        while b"data:" not in told:
            told += viewers[0].recv(65_536)
        for number in range(3):
            console.send_signal(signal.SIGSTOP)
            carried(50 + number)
            console.send_signal(signal.SIGCONT)
        console.kill()
        carried(60)
    finally:
        console.kill()
        console.wait(20)
        for each in viewers:
            each.close()


PICTURES = ROOT / "docs" / "console"


@pytest.mark.proof
def test_pictures_of_the_console_are_kept(opened: Browser, shop: Shop) -> None:
    """For docs/console.md: each of a page as the journeys see it, small enough for a repository."""
    PICTURES.mkdir(exist_ok=True)
    source = shop.name("order.status.v1")
    message = quote('{"country": "RU", "status": "paid", "amount": 5}')
    pages = {
        "overview": "/?near=orders#map", "why": f"/why?topic={source}&value={message}", "records": f"/topics/{source}/records?limit=11",
        "table": f"/tables/{source}?sort=waiting", "dead-letters": "/dead-letters",
    }  # fmt: skip
    context = visit(opened, shop, viewport={"width": 1100, "height": 600})
    page = context.new_page()
    for name, address in {**pages, "key": f"/keys/{waiting_key(page, shop)}?look=1"}.items():
        page.goto(address)
        if name == "overview":
            shop.feed(seed=7)
            expect(page.locator("[data-pulse]")).to_have_text("live")
            expect(page.locator(".line.flows").first).to_be_attached()
        page.screenshot(path=PICTURES / f"{name}.png")
    context.close()
    narrow = visit(opened, shop, viewport=NARROW, color_scheme="dark")
    page = narrow.new_page()
    page.goto(f"/topics/{source}/0/0")
    page.screenshot(path=PICTURES / "narrow.png")
    narrow.close()
    assert {each.name: each.stat().st_size < 150_000 for each in PICTURES.glob("*.png")} == {
        f"{name}.png": True for name in (*pages, "key", "narrow")
    }


AXE = Axe().axe_script
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
SEEN_OTHERWISE = ["color-contrast", "scrollable-region-focusable"]
"""What colours in the dark and a narrow window have a say in."""
_ASK = """async runOnly => {
  const found = await axe.run(document, {runOnly, resultTypes: ["violations"], preload: false, iframes: false});
  return found.violations.map(each => `${each.id}: ${each.nodes.slice(0, 3).map(node => node.html).join(" ")}`);
}"""


def test_pages_are_accessible(opened: Browser, shop: Shop) -> None:
    """By axe's rules for WCAG 2.1 AA, in light at 1280 and in the dark at 390 pixels; nothing is wider than the window."""
    context = visit(opened, shop, reduced_motion="reduce")
    page = context.new_page()
    wrong: dict[str, Any] = {}

    def look(address: str, rules: Any) -> None:
        assert page.viewport_size is not None
        name = f"{address} at {page.viewport_size['width']}"
        if found := page.evaluate(_ASK, rules):
            wrong[name] = found
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > page.viewport_size["width"]:
            wrong[f"{name} is too wide"] = wide

    for address in ["/sign-in", *addresses(shop)]:
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]  # as playwright spells a mapping
        page.emulate_media(color_scheme="light")
        page.goto(address)
        page.evaluate(AXE)
        look(address, RULES)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # as above
        look(address, {"type": "rule", "values": SEEN_OTHERWISE})
    context.close()
    assert wrong == {}


def test_what_only_reads_works_without_scripts(opened: Browser, shop: Shop) -> None:
    """Every page has its content, and forms are asked by their buttons."""
    context = visit(opened, shop, java_script_enabled=False)
    page = context.new_page()
    for address in addresses(shop)[:-1]:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert page.locator("main h1").count() == 1
    page.goto("/topics")
    page.get_by_label("Name has").fill("vip")
    page.get_by_role("button", name="Show").click()
    assert page.locator("tbody tr").count() == 1
    context.close()


def test_everything_can_be_reached_by_the_keyboard(page: Page, shop: Shop) -> None:
    """The first stop leads past the navigation; boxes of the picture are stops like any link."""
    page.goto("/?near=orders")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    stops = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        stops.add(page.evaluate("document.activeElement.dataset.box || ''"))
    assert shop.name("bob-ru.order.status.v1") in stops


def test_a_script_in_a_key_is_a_key(page: Page, shop: Shop) -> None:
    """Wherever it is shown: in lists, as they come, in links and titles."""
    key = "<script>document.title = 'taken'</script>"
    source = shop.name("order.status.v1")
    shop.topics.produce(
        [{"topic": source, "key": key, "value": b"\xff", "headers": [(key, key.encode())], "partition": 0}]
    )
    page.goto(f"/topics/{source}/records?key={quote(key)}")
    page.locator("tbody td.key a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(key)
    assert "taken" not in page.title().split(" ", maxsplit=1)[0]
    assert page.evaluate("document.title").endswith("· router")
