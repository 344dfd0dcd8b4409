// Everything is readable without this script; it only lets the arms at each rate be sorted.
const collator = new Intl.Collator("en", { numeric: true });
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[table.tHead.rows.length - 1].cells];

  const value = (row, place) => {
    const cell = row.cells[place];
    if (!("value" in cell.dataset)) return cell.textContent.trim();
    return cell.dataset.value === "" ? Infinity : Number(cell.dataset.value.replace("inf", "Infinity"));
  };
  const order = (x, y) => (typeof x === "string" ? collator.compare(x, y) : x < y ? -1 : x > y ? 1 : 0);

  const sort = (place) => {
    const down = headings[place].getAttribute("aria-sort") === "ascending";
    for (const body of table.tBodies) {
      const [, ...rows] = body.rows; // the first one names the rate
      body.append(...rows.sort((a, b) => order(value(a, place), value(b, place)) * (down ? -1 : 1)));
    }
    headings.forEach((heading) => heading.removeAttribute("aria-sort"));
    headings[place].setAttribute("aria-sort", down ? "descending" : "ascending");
  };

  headings.forEach((heading, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `Sort by ${heading.textContent.trim()}`);
    button.addEventListener("click", () => sort(place));
    heading.append(" ", button);
  });
}
