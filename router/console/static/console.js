// Times in the viewer's zone, and the overview's numbers as they change. Everything is there without it, as of when the page was asked for.
"use strict";
(() => {
  const two = (number) => String(number).padStart(2, "0");
  function zoned(root) {
    for (const each of root.querySelectorAll("time[datetime]")) {
      const at = new Date(each.dateTime);
      if (Number.isNaN(at.getTime()) || each.dataset.zoned) continue;
      each.dataset.zoned = "1";
      each.textContent = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    }
  }
  const count = (number) => Math.round(number).toLocaleString("en-US");
  const rate = (number) => number === null ? "–" : number >= 10 || number === 0 ? `${count(number)}/s` : `${number.toFixed(1)}/s`;
  window.consoleParts = { zoned, count };
  zoned(document);

  const address = document.body.dataset.live;
  if (!address) return;
  const pulse = document.querySelector("[data-pulse]");
  const said = (word, state, title) => { pulse.textContent = word; pulse.className = `pulse ${state}`; pulse.title = title; };
  const boxes = new Map([...document.querySelectorAll("[data-box]")].map((each) => [each.dataset.box, each]));
  const lines = [...document.querySelectorAll("[data-line]")];
  let shownTroubles = "";
  function show(facts) {
    for (const [topic, box] of boxes) {
      const flow = facts.flows[topic];
      if (!flow) continue;
      const words = flow.present === false ? ["not there"] : [rate(flow.rate)];
      if (flow.lag) words.push(`lag ${count(flow.lag)}`);
      if (flow.held) words.push(`held ${count(flow.held)}`);
      box.querySelector("[data-flow]").textContent = words.join(" · ");
      const late = flow.readers.some((each) => each.records > 100 && (each.seconds === null || each.seconds > 60));
      box.classList.toggle("missing", flow.present === false);
      box.classList.toggle("late", late);
    }
    for (const line of lines) {
      const flow = facts.flows[line.dataset.line];
      line.classList.toggle("flows", Boolean(flow && flow.rate > 0));
    }
    if (facts.troubles !== shownTroubles) {
      shownTroubles = facts.troubles;
      const list = document.querySelector("[data-troubles]");
      // The console's own template made it, and escaped all that is in it.
      list.innerHTML = facts.troubles;
      zoned(list);
    }
    const at = document.querySelector("[data-at] time");
    if (at && facts.at) { at.dateTime = facts.at; at.title = facts.at; delete at.dataset.zoned; zoned(at.parentElement); }
    said("live", "on", "as it happens");
  }
  const source = new EventSource(address);
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.onerror = () => said("no answer", "off", "the console does not answer; this page tries again");
  window.addEventListener("pagehide", () => source.close());
})();
