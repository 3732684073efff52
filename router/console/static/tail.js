// Records as they come, or as they are found, while the page says how many were looked at.
"use strict";
(() => {
  const form = document.querySelector("[data-browse]");
  const button = document.querySelector("[data-tail]");
  const body = document.querySelector("[data-records]");
  const scanned = document.querySelector("[data-scanned]");
  const most = 500;
  let source = null, shown = 0, leftOut = 0;
  button.hidden = false;

  const element = (name, text, className) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };
  const short = (text) => text.startsWith("masked-") && text.length > 17 ? `${text.slice(0, 17)}…` : text;
  const bytes = (value) => value === null ? "null" : "text" in value ? short(value.text) : `base64 ${value.base64}`;
  const keyPage = (key) => "base64" in key ? `/keys?key-base64=${encodeURIComponent(key.base64)}` : `/keys?key=${encodeURIComponent(key.text)}`;

  function row(record) {
    const made = element("tr");
    const place = made.appendChild(element("td", undefined, "nowrap")).appendChild(element("a", `${record.partition}/${record.offset}`));
    place.href = `/topics/${encodeURIComponent(record.topic)}/${record.partition}/${record.offset}`;
    const time = made.appendChild(element("td", undefined, "nowrap"));
    if (record.at) { const at = time.appendChild(element("time", record.at)); at.dateTime = record.at; at.title = record.at; }
    const key = made.appendChild(element("td", undefined, "key"));
    if (record.key) { const link = key.appendChild(element("a", bytes(record.key))); link.href = keyPage(record.key); } else key.appendChild(element("span", "no key", "none"));
    const details = made.appendChild(element("td", undefined, "grow")).appendChild(element("details"));
    const summary = details.appendChild(element("summary"));
    if (record.tombstone) summary.appendChild(element("span", "no value", "none"));
    else if (record.problem) summary.appendChild(element("span", record.problem, "warn"));
    else summary.appendChild(element("code", JSON.stringify(record.value).slice(0, 160)));
    details.appendChild(element("pre", JSON.stringify(record.value, null, 2), "value"));
    window.consoleParts.zoned(made);
    return made;
  }

  function stop(word) {
    if (source) source.close();
    source = null;
    button.textContent = "Follow";
    if (word) scanned.textContent = word;
  }

  button.addEventListener("click", () => {
    if (source) { stop(); return; }
    const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
    body.replaceChildren();
    for (const empty of document.querySelectorAll(".empty")) empty.remove();
    shown = leftOut = 0;
    scanned.textContent = "waiting for records …";
    button.textContent = "Stop";
    source = new EventSource(`${form.dataset.browse}?${asked}`);
    source.onmessage = (event) => {
      const facts = JSON.parse(event.data);
      for (const record of facts.records) body.prepend(row(record));
      while (body.rows.length > most) body.deleteRow(-1);
      shown += facts.records.length + facts.left_out;
      leftOut += facts.left_out;
      const { count } = window.consoleParts;
      scanned.textContent = `${count(shown)} found in ${count(facts.looked)} that were looked at${leftOut ? `; ${count(leftOut)} came too fast to show` : ""}${facts.unasked ? `; ${count(facts.unasked)} could not be asked` : ""}`;
    };
    source.onerror = () => stop("the console does not answer, or does not understand the question: press Find to see");
  });
  window.addEventListener("pagehide", () => { if (source) source.close(); });
})();
