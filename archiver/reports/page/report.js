"use strict";
(() => {
  const PAGE = 50, PRINTED = 2000;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const whole = new Intl.NumberFormat("en");

  function element(name, text, properties) {
    const made = Object.assign(document.createElement(name), properties);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function live(table) {
    const { columns, rows } = JSON.parse(document.getElementById(table.dataset.from).textContent);
    const section = table.closest("section");
    const input = section.querySelector("input"), said = section.querySelector(".said");
    const pages = section.querySelector(".pages"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    const natural = Uint32Array.from(rows.keys());
    let order = natural, shown = natural, column = -1, isDown = false, page = 0, folded = null, timer = 0;

    function fill(from, to) {
      const fragment = document.createDocumentFragment();
      for (const index of shown.subarray(from, to)) {
        const row = element("tr");
        rows[index].forEach((value, place) => {
          const kind = columns[place].kind, cell = element("td");
          if (kind !== "text") cell.className = kind;
          if (kind === "number") { cell.textContent = whole.format(value); }
          else if (kind === "code" && value) cell.append(element("code", value));
          else cell.append(element("bdi", value));
          row.append(cell);
        });
        fragment.append(row);
      }
      body.replaceChildren(fragment);
    }

    function draw() {
      const last = Math.max(Math.ceil(shown.length / PAGE) - 1, 0);
      page = Math.min(Math.max(page, 0), last);
      fill(page * PAGE, (page + 1) * PAGE);
      pages.hidden = last === 0;
      place.textContent = `Page ${whole.format(page + 1)} of ${whole.format(last + 1)}`;
      steps.forEach(([button, to]) => { button.disabled = Math.min(Math.max(to(), 0), last) === page; });
    }

    function say() {
      const how = column < 0 ? "" : `, by ${columns[column].name}, ${isDown ? "descending" : "ascending"}`;
      said.textContent = shown.length === rows.length
        ? `${whole.format(rows.length)} rows${how}`
        : `${whole.format(shown.length)} of ${whole.format(rows.length)} rows${how}`;
    }

    function sort(wanted) {
      isDown = wanted === column && !isDown;
      column = wanted;
      const isNumber = columns[column].kind === "number", sign = isDown ? -1 : 1;
      if (isNumber) {
        order = natural.slice().sort((a, b) => sign * (rows[a][column] - rows[b][column]) || a - b);
      } else {
        // Each different value is compared once; 100,000 calls of a collator would take seconds.
        const values = [...new Set(rows.map((row) => row[column]))].sort(collator.compare);
        const rank = new Map(values.map((value, number) => [value, number]));
        const ranks = Uint32Array.from(rows, (row) => rank.get(row[column]));
        order = natural.slice().sort((a, b) => sign * (ranks[a] - ranks[b]) || a - b);
      }
      heads.forEach((head, number) => {
        if (number === column) head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
      filter();
    }

    function filter() {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      if (words.length) {
        folded ??= rows.map((row) => row.join("\n").toLowerCase());
        shown = order.filter((index) => words.every((word) => folded[index].includes(word)));
      } else shown = order;
      page = 0;
      draw();
      say();
    }

    heads.forEach((head, number) => {
      const button = element("button", head.textContent, { type: "button" });
      button.addEventListener("click", () => sort(number));
      head.replaceChildren(button);
    });
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 120); });
    const place = element("span");
    const steps = [
      ["First", () => 0], ["Previous", () => page - 1], ["Next", () => page + 1], ["Last", () => Infinity],
    ].map(([name, to]) => {
      const button = element("button", name, { type: "button" });
      button.addEventListener("click", () => { page = to(); draw(); said.textContent = place.textContent; });
      return [button, to];
    });
    pages.append(steps[0][0], steps[1][0], place, steps[2][0], steps[3][0]);
    section.querySelector(".tools").hidden = false;
    window.addEventListener("beforeprint", () => fill(0, PRINTED));
    window.addEventListener("afterprint", draw);
    draw();
    say();
  }

  document.querySelectorAll("table.rows").forEach(live);
  const details = [...document.querySelectorAll("details")];
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = details.filter((one) => !one.open);
    closed.forEach((one) => { one.open = true; });
  });
  window.addEventListener("afterprint", () => closed.forEach((one) => { one.open = false; }));
})();
