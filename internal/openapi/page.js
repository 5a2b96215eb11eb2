"use strict";
// Shows the description of the API. Everything is built as DOM nodes, so that no text of it is ever taken as HTML.
(async () => {
  const main = document.getElementById("main"), index = document.getElementById("index"), search = document.getElementById("search");
  const doc = await (await fetch("/openapi.json")).json();

  // el makes an element: el("p.soft", "text", node, …).
  function el(kind, ...children) {
    const [tag, ...classes] = kind.split(".");
    const e = document.createElement(tag);
    if (classes.length) e.className = classes.join(" ");
    e.append(...children.filter(c => c !== null && c !== undefined && c !== ""));
    return e;
  }
  const link = (href, text) => Object.assign(el("a", text), {href});

  // inline shows `code`, **strong** and *emphasis*.
  function inline(text) {
    return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*)/).map(part => {
      if (part.length < 3) return part;
      if (part.startsWith("`")) return el("code", part.slice(1, -1));
      if (part.startsWith("**")) return el("strong", part.slice(2, -2));
      if (part.startsWith("*") && part.endsWith("*")) return el("em", part.slice(1, -1));
      return part;
    });
  }
  const prose = text => (text || "").trim().split(/\n\s*\n/).filter(Boolean).map(p => el("p", ...inline(p.replace(/\s*\n\s*/g, " "))));

  // deref follows a reference; what stands beside it goes before what it leads to.
  function deref(value) {
    if (!value || !value.$ref) return value;
    const {$ref, ...beside} = value;
    const target = $ref.slice(2).split("/").reduce((at, step) => at[step.replace(/~1/g, "/").replace(/~0/g, "~")], doc);
    return {...deref(target), ...beside};
  }
  const nameOf = s => s && s.$ref ? s.$ref.split("/").pop() : "";

  function typeOf(schema) {
    const s = deref(schema);
    if (s.const !== undefined) return JSON.stringify(s.const);
    if (s.enum) return s.enum.map(v => JSON.stringify(v)).join(" | ");
    if (s.type === "array") return "list of " + (nameOf(s.items) || typeOf(s.items));
    if (s.type && s.type !== "object") return [].concat(s.type).join(" | ");
    const either = s.oneOf || s.anyOf;
    if (either && !s.properties) return either.map(one => nameOf(one) || typeOf(one)).join(" | ");
    return nameOf(schema) || s.type || "any";
  }
  function bounds(s) {
    const texts = [];
    for (const [key, text] of Object.entries({default: "default", minimum: "from", maximum: "to", minLength: "length from", maxLength: "length to",
      minItems: "items from", maxItems: "items to", maxProperties: "keys to", pattern: "pattern"}))
      if (s[key] !== undefined) texts.push(`${text} ${s[key]}`);
    return texts.join(", ");
  }
  // details gives the schemas to show below a value: its own if it is an object, or those of its items and alternatives.
  function inside(schema) {
    const s = deref(schema);
    if (s.properties && s.type === "object") return [schema];
    if (s.items) return inside(s.items);
    return (s.oneOf || s.anyOf || []).flatMap(inside);
  }

  // members shows the properties of an object, those within opened one level at a time.
  function members(schema, open) {
    const s = deref(schema), box = el("div.schema");
    for (const [name, property] of Object.entries(s.properties || {})) {
      const p = deref(property), below = inside(property);
      const head = [el("code", name), " ", el("span.type", typeOf(property)), " ", (s.required || []).includes(name) && s.additionalProperties === false ? el("span.req", "required") : null];
      const rest = [...prose(p.description), bounds(p) ? el("div.type", bounds(p)) : null];
      if (!below.length) { box.append(el("div.row", ...head, ...rest)); continue; }
      const d = el("details.row", el("summary", ...head), ...rest);
      d.addEventListener("toggle", () => { if (d.open && !d.dataset.full) { d.dataset.full = "1"; below.forEach(b => d.append(titled(b, below.length > 1))); } });
      box.append(d);
    }
    return box;
  }
  function titled(schema, show) {
    const name = nameOf(schema), box = el("div");
    if (show && name) box.append(el("strong", name));
    const about = deref(schema).description;
    if (about) box.append(...prose(about));
    box.append(members(schema));
    return box;
  }
  const json = value => el("pre", JSON.stringify(value, null, 2));

  function contentOf(content) {
    return Object.entries(content || {}).flatMap(([media, c]) => [
      el("p.type", media),
      ...inside(c.schema).map((s, _, all) => titled(s, all.length > 1)),
      ...Object.values(c.examples || {}).flatMap(x => [el("p.soft", "Example: ", ...inline(x.summary || "")), json(x.value)]),
    ]);
  }
  // codes finds the codes that a problem may have in an answer.
  const codes = answer => Object.entries(answer.content || {}).filter(([m]) => m === "application/problem+json")
    .flatMap(([, c]) => (c.schema.allOf || []).flatMap(s => s.properties?.code?.enum || []));

  function answers(op) {
    const table = el("table");
    for (const [status, given] of Object.entries(op.responses)) {
      const a = deref(given), list = codes(a);
      const cell = el("td", ...prose(a.description));
      if (list.length) cell.append(el("p.codes", ...list.map(c => { const at = link("/problems/" + c, ""); at.append(el("code", c)); return at; })));
      const headers = Object.keys(a.headers || {});
      if (headers.length) cell.append(el("p.type", "Headers: " + headers.join(", ")));
      if (!list.length && a.content) cell.append(...contentOf(a.content));
      else for (const x of Object.values(a.content?.["application/problem+json"]?.examples || {})) cell.append(json(x.value));
      table.append(el("tr", el("td", el(status < "400" ? "span.status" : "span.status.bad", status)), cell));
    }
    return table;
  }

  function operation(path, method, item, op) {
    const parameters = [...(item.parameters || []), ...(op.parameters || [])].map(deref);
    const body = deref(op.requestBody);
    const box = el("details.op", el("summary", el("span.verb." + method, method.toUpperCase()), el("span.path", path), el("span.soft", op.summary)));
    box.id = op.operationId;
    const fill = () => {
      if (!box.open || box.dataset.full) return;
      box.dataset.full = "1";
      const inner = el("div", ...prose(op.description));
      if (parameters.length) inner.append(el("h3", "Parameters"), el("table", ...parameters.map(p => el("tr",
        el("td", el("code", p.name), " ", p.required ? el("span.req", "required") : null, el("div.type", p.in)),
        el("td", ...prose(p.description), el("div.type", [typeOf(p.schema), bounds(deref(p.schema))].filter(Boolean).join(", ")))))));
      if (body) inner.append(el("h3", "Body"), ...prose(body.description), ...contentOf(body.content));
      inner.append(el("h3", "Answers"), answers(op));
      box.append(inner);
    };
    box.addEventListener("toggle", fill);
    return box;
  }

  const all = [];
  main.replaceChildren(el("h1", doc.info.title), el("p.soft", doc.info.summary, " ", link("/openapi.json", "OpenAPI " + doc.openapi), " · ", link("/problems", "Problems")), ...prose(doc.info.description));
  for (const tag of doc.tags) {
    const section = el("section", el("h2", tag.name), ...prose(tag.description)), entries = el("div", el("h4", tag.name));
    for (const [path, item] of Object.entries(doc.paths))
      for (const [method, op] of Object.entries(item)) {
        if (method === "parameters" || !op.tags.includes(tag.name)) continue;
        const box = operation(path, method, item, op), entry = link("#" + op.operationId, op.summary);
        section.append(box);
        entries.append(entry);
        all.push({box, entry, section, entries, text: [method, path, op.operationId, op.summary, op.description, JSON.stringify(op.responses)].join(" ").toLowerCase()});
      }
    main.append(section);
    index.append(entries);
  }

  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const o of all) o.box.hidden = o.entry.hidden = !words.every(w => o.text.includes(w));
    for (const o of all) o.section.hidden = o.entries.hidden = !all.some(other => other.section === o.section && !other.box.hidden);
  });
  document.addEventListener("keydown", e => { if (e.key === "/" && document.activeElement !== search) { e.preventDefault(); search.focus(); } });
  const show = () => { const box = document.getElementById(location.hash.slice(1)); if (box) { box.open = true; setTimeout(() => box.scrollIntoView()); } };
  addEventListener("hashchange", show);
  document.addEventListener("toggle", e => { if (e.target.classList.contains("op") && e.target.open) history.replaceState(null, "", "#" + e.target.id); }, true);
  show();
})().catch(err => { document.getElementById("main").textContent = "The description cannot be shown: " + err; });
