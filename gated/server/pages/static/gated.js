// Exchanges the parts of a page that have changed, as the server sends them. Without this script the page reloads itself.
"use strict";
(() => {
  const main = document.getElementById("main");
  const pulse = document.getElementById("pulse");

  const ago = (seconds) => {
    if (seconds < 0) return "just now";
    if (seconds < 100) return `${Math.round(seconds)} s ago`;
    if (seconds < 6000) return `${Math.round(seconds / 60)} min ago`;
    if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
    return "";
  };

  // The server's clock may not be the browser's; without an answer to go by, they are taken to agree.
  const told = () => {
    for (const time of document.querySelectorAll("time:not(.clock)")) {
      time.dataset.full ??= time.textContent;
      const text = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
      time.title = time.dataset.full;
      if (time.textContent !== (text || time.dataset.full)) time.textContent = text || time.dataset.full;
    }
  };

  // What a person has opened or is typing into stays as it is.
  const exchange = (html) => {
    const fresh = new DOMParser().parseFromString(`<main>${html}</main>`, "text/html").querySelector("main");
    const ids = new Set([...fresh.children].map((part) => part.id));
    for (const old of [...main.children]) if (!ids.has(old.id) && !old.matches(":focus-within")) old.remove();
    let before = null;
    for (const part of [...fresh.children]) {
      const old = document.getElementById(part.id);
      if (!old) {
        if (before) before.after(part); else main.prepend(part);
        before = part;
        continue;
      }
      before = old;
      if (old.dataset.sent === part.outerHTML) continue;
      const isBusy = old.hasAttribute("data-keep") && (old.matches(":focus-within") || old.querySelector("details[open]"));
      if (isBusy) continue;
      const open = [...old.querySelectorAll("details[open]")].map((each) => each.id);
      const focused = old.contains(document.activeElement) ? document.activeElement : null;
      // Rules and releases change places: focus follows the one that has it.
      const anchor = focused?.closest("[id]").id;
      const place = focused && path(document.getElementById(anchor), focused);
      const scrolled = scrollable(old).map((each) => each.scrollLeft);
      const sent = part.outerHTML;
      old.className = part.className;
      old.replaceChildren(...part.childNodes);
      old.dataset.sent = sent;
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      scrollable(old).forEach((each, at) => { each.scrollLeft = scrolled[at] ?? 0; });
      if (place) place.reduce((node, at) => node?.children[at], document.getElementById(anchor))?.focus?.({ preventScroll: true });
    }
    document.title = main.querySelector("[data-title]").dataset.title;
    told();
  };

  const scrollable = (part) => [...part.querySelectorAll(".scroll, .track")];

  // A new verdict is read aloud to those who listen.
  const verdict = () => main.querySelector("#verdict .badge")?.textContent.trim();
  let known = verdict();
  const announce = () => {
    const now = verdict();
    if (!now || now === known) return;
    known = now;
    document.getElementById("news").textContent = `${now}: ${main.querySelector("#verdict .sentence").textContent}`;
  };

  const path = (from, to) => {
    const steps = [];
    for (let node = to; node !== from; node = node.parentElement) steps.unshift([...node.parentElement.children].indexOf(node));
    return steps;
  };

  const say = (state, text) => {
    pulse.hidden = false;
    pulse.className = `pulse ${state}`;
    pulse.textContent = text;
    // What is sent into nothing would cost the page, and what was typed.
    for (const button of main.querySelectorAll("#actions button")) button.disabled = state === "lost";
  };

  const remember = () => {
    const known = localStorage.getItem("gated.name");
    for (const field of document.querySelectorAll("input[data-name]")) if (known && !field.value) field.value = known;
  };
  document.addEventListener("submit", (event) => {
    const field = event.target.querySelector("input[data-name]");
    if (field) localStorage.setItem("gated.name", field.value);
  });
  document.addEventListener("toggle", remember, true);

  told();
  setInterval(told, 1000);
  if (!main.dataset.live) return;
  for (const part of main.children) part.dataset.sent = "";

  // A browser opens six connections to one server, over all of its tabs, and a page that is live holds one. So a tab that
  // nobody looks at takes what there is, lets go, and comes back: a seventh would not even load, and titles still tell.
  let source = null;
  let later = 0;
  const leave = () => {
    clearTimeout(later);
    source?.close();
  };
  const comeBackAfter = (seconds) => {
    leave();
    later = setTimeout(connect, seconds * 1000);
  };
  const rest = () => { if (document.hidden) comeBackAfter(15); };
  const connect = () => {
    leave();
    const opened = source = new EventSource(main.dataset.live);
    opened.addEventListener("page", (event) => {
      say("live", "live");
      exchange(event.data);
      announce();
      rest();
    });
    opened.addEventListener("trouble", (event) => {
      say("lost", event.data);
      rest();
    });
    opened.addEventListener("error", () => {
      say("lost", "connection lost; this page may be old");
      // It tries again by itself, unless something answered that is no stream: a proxy, while gated is started anew.
      if (opened.readyState === EventSource.CLOSED) comeBackAfter(3);
    });
  };
  connect();
  document.addEventListener("visibilitychange", () => (document.hidden ? comeBackAfter(15) : connect()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); }); // back to a page that was only put aside
})();
