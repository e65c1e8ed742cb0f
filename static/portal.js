/* Small behaviours for pages that are complete without them. Each is declared once with Portal.behaviour(selector, mount) and
 * mounted on every matching element, now and in whatever htmx swaps in later. No eval, no inline style text (CSP). */
"use strict";

const Portal = (() => {
  const behaviours = [];
  const base = document.currentScript.src.replace(/portal\.js.*$/, "");
  const version = (document.currentScript.src.match(/\?.*$/) || [""])[0];
  const scripts = new Map();

  function mount(root) {
    for (const { selector, start, key } of behaviours) {
      const found = [...root.querySelectorAll(selector)];
      if (root.matches?.(selector)) found.unshift(root);
      for (const element of found) {
        if (element[key]) continue;
        element[key] = true;
        start(element, ready);
      }
    }
  }

  let ready = false; // false while the first page mounts, true for everything that arrives later
  function behaviour(selector, start) {
    behaviours.push({ selector, start, key: `portal${behaviours.length}` });
    if (ready) mount(document);
  }

  /** Load static/js/<name>.js (or a vendored file) once; resolves when it has run. */
  function load(path) {
    if (!scripts.has(path)) {
      scripts.set(path, new Promise((done, fail) => {
        const script = document.createElement("script");
        script.src = base + path + version;
        script.onload = done;
        script.onerror = fail;
        document.head.append(script);
      }));
    }
    return scripts.get(path);
  }

  function style(path) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = base + path + version;
    document.head.append(link);
  }

  /** Behaviours in a file of their own, fetched when the first element that needs them appears. */
  function lazy(selector, path) {
    let asked = false;
    behaviour(selector, () => { if (!asked) { asked = true; load(path); } });
  }

  function csrf() {
    return document.querySelector('meta[name="csrf-token"]')?.content || "";
  }

  function toast(message, tone = "info", seconds = 6) {
    const home = document.getElementById("toasts");
    if (!home || !message) return;
    const box = document.createElement("div");
    box.className = `toast ${tone}`;
    const text = document.createElement("span");
    text.textContent = message;
    const close = document.createElement("button");
    close.type = "button";
    close.setAttribute("aria-label", home.dataset.dismissLabel || "Dismiss");
    close.textContent = "×";
    close.addEventListener("click", () => box.remove());
    box.append(text, close);
    home.append(box);
    setTimeout(() => box.remove(), seconds * 1000);
  }

  document.addEventListener("DOMContentLoaded", () => { mount(document); ready = true; });
  document.addEventListener("htmx:load", (event) => { if (ready) mount(event.detail.elt); });
  return { behaviour, lazy, load, style, csrf, toast, get ready() { return ready; } };
})();

/* ---- menus: one open at a time, closed by a click elsewhere or Escape ---- */
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

/* ---- theme and price colours: a cookie that the server reads, so that no page flashes ---- */
function remember(name, value) {
  const age = value ? 31536000 : 0;
  document.cookie = `${name}=${value}; path=/; max-age=${age}; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
}
function choice(attribute, dataName, cookie) {
  Portal.behaviour(`[data-${attribute}]`, (button) => button.addEventListener("click", () => {
    const value = button.getAttribute(`data-${attribute}`);
    remember(cookie, value);
    if (value) document.documentElement.dataset[dataName] = value;
    else delete document.documentElement.dataset[dataName];
    for (const other of document.querySelectorAll(`[data-${attribute}]`)) {
      other.setAttribute("aria-pressed", String(other.getAttribute(`data-${attribute}`) === value));
    }
    document.dispatchEvent(new CustomEvent("portal:appearance"));
  }));
}
choice("theme-choice", "theme", "theme");
choice("price-choice", "priceColours", "price_colours");

/* ---- copy, dismiss, reveal, focus, print ---- */
/* The chosen one of a row that is wider than its window stands in view. */
Portal.behaviour(".tabs, nav.segments", (row) => {
  const chosen = row.querySelector("[aria-current]");
  if (chosen) row.scrollLeft += chosen.getBoundingClientRect().left - row.getBoundingClientRect().left - (row.clientWidth - chosen.offsetWidth) / 2;
});

Portal.behaviour("[data-copy]", (button) => {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(button.parentElement.querySelector(".copy-value") || button);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      return;
    }
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 2000);
  });
});
Portal.behaviour("[data-dismiss]", (button) => button.addEventListener("click", () => button.closest(".notice")?.remove()));
Portal.behaviour("[data-reveal]", (button) => {
  button.addEventListener("click", () => {
    const input = document.getElementById(button.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
  });
});
Portal.behaviour("[data-focus]", (element) => element.focus());
Portal.behaviour("[data-print]", (button) => button.addEventListener("click", () => print()));
Portal.behaviour("[data-back]", (link) => {
  if (history.length < 2 || !document.referrer.startsWith(location.origin)) { link.remove(); return; }
  link.addEventListener("click", (event) => { event.preventDefault(); history.back(); });
});
/* A code comes from a message as "123 456" or "Code: 123456": what is pasted is cut down to its digits before the field's length does. */
Portal.behaviour("input.code-input", (input) => {
  input.addEventListener("paste", (event) => {
    const digits = (event.clipboardData?.getData("text") || "").replace(/\D/g, "");
    if (!digits) return;
    event.preventDefault();
    input.value = digits.slice(0, input.maxLength);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
});

/* ---- dialogs: <button data-dialog="id">, [data-close]; forms with data-confirm ask first ---- */
Portal.behaviour("[data-dialog]", (button) => {
  button.addEventListener("click", () => document.getElementById(button.dataset.dialog)?.showModal());
});
Portal.behaviour("dialog.dialog", (dialog) => {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
});
function confirmed(question) {
  const dialog = document.getElementById("confirm");
  document.getElementById("confirm-text").textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector("[data-confirm-no]").focus();
  return new Promise((answer) => dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true }));
}
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset?.confirm || form.dataset.agreed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!(await confirmed(form.dataset.confirm))) return;
  form.dataset.agreed = "yes";
  form.requestSubmit(event.submitter || undefined);
  delete form.dataset.agreed;
}, true);
document.addEventListener("htmx:confirm", async (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  if (await confirmed(event.detail.question)) event.detail.issueRequest(true);
});

/* ---- a plain form is sent once: a second click while it travels does nothing ---- */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

/* ---- amounts: thousands are grouped while typing and taken out before sending ---- */
function grouped(text, places) {
  const clean = text.replace(/[^0-9.]/g, "").replace(/(\..*)\./g, "$1");
  const [whole, part] = clean.split(".");
  const head = whole.replace(/^0+(?=\d)/, "").replace(/\B(?=(\d{3})+$)/g, ",");
  return part === undefined ? head : `${head || "0"}.${places === undefined ? part : part.slice(0, places)}`;
}
Portal.behaviour("input[data-amount]", (input) => {
  const show = () => {
    const places = input.dataset.places === undefined ? undefined : Number(input.dataset.places);
    if (/[^0-9.,\s]/.test(input.value)) return; // leave a mistake as it is, for the server to name
    const behind = input.value.slice(input.selectionStart ?? input.value.length).replace(/[^0-9.]/g, "").length;
    input.value = grouped(input.value, places);
    if (document.activeElement !== input) return;
    let at = input.value.length;
    for (let left = behind; at > 0 && left > 0; at--) if (/[0-9.]/.test(input.value[at - 1])) left--;
    input.setSelectionRange(at, at);
  };
  input.addEventListener("input", show);
  input.addEventListener("portal:renewed", show);
  show();
});
const plainAmount = (value) => (/^[0-9.,\s]*$/.test(value) ? value.replace(/[,\s]/g, "") : value);
document.addEventListener("formdata", (event) => {
  for (const input of event.target.querySelectorAll("input[data-amount][name]")) event.formData.set(input.name, plainAmount(input.value));
});
document.addEventListener("htmx:configRequest", (event) => {
  for (const input of document.querySelectorAll("input[data-amount][name]")) {
    if (input.name in event.detail.parameters) event.detail.parameters[input.name] = plainAmount(input.value);
  }
});
Portal.behaviour("[data-fill]", (button) => {
  button.addEventListener("click", () => {
    const input = document.getElementById(button.dataset.fill);
    input.value = button.dataset.value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
    input.focus();
  });
});

/* ---- a field that an answer renews (hx-swap-oob) stays the element under the typing finger: its words and its value follow the
 * answer, but what was typed since the question left is newer than the answer and stays ---- */
const ENTRY = "input:not([type=hidden], [type=radio], [type=checkbox], [type=file]), textarea";
const asked = new WeakMap(); // request → what stood in the fields when it left
let answered; // that of the answer which is swapped in just now
document.addEventListener("htmx:beforeSend", (event) => {
  asked.set(event.detail.xhr, new Map([...document.querySelectorAll(ENTRY)].map((field) => [field, field.value])));
});
document.addEventListener("htmx:beforeSwap", (event) => { answered = asked.get(event.detail.xhr); });
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  const fields = [...target.querySelectorAll(ENTRY)];
  if (!fields.length || !fragment.firstElementChild) return;
  const newer = new Set(fields.filter((field) => answered?.has(field) && answered.get(field) !== field.value));
  event.detail.shouldSwap = false;
  Idiomorph.morph(target, fragment.firstElementChild, {
    morphStyle: "outerHTML",
    callbacks: { beforeAttributeUpdated: (name, element) => !(name === "value" && newer.has(element)) },
  });
  for (const field of fields) if (!newer.has(field)) field.dispatchEvent(new CustomEvent("portal:renewed"));
});

/* ---- countdown: the portal's clock decides, the visitor's clock only counts on from it ---- */
Portal.behaviour("[data-countdown-until]", (box) => {
  let until, timer;
  const tick = () => {
    if (!box.isConnected) return;
    const total = Number(box.dataset.totalSeconds) * 1000;
    const left = Math.max(0, until - performance.now());
    const whole = Math.ceil(left / 1000);
    const seconds = box.querySelector("[data-seconds]");
    if (seconds) seconds.textContent = box.hasAttribute("data-clock") ? `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}` : String(whole);
    box.querySelector(".ring .left")?.setAttribute("stroke-dasharray", `${total > 0 ? Math.min(100, (left / total) * 100) : 0} 100`);
    box.classList.toggle("soon", left > 0 && left < total * 0.25);
    box.classList.toggle("over", left === 0);
    if (left > 0) { timer = setTimeout(tick, 250); return; }
    const name = box.dataset.event || "countdown-over";
    if (window.htmx) htmx.trigger(box, name);
    else box.dispatchEvent(new CustomEvent(name, { bubbles: true }));
  };
  const start = () => {
    clearTimeout(timer);
    until = Number(box.dataset.countdownUntil) - Number(box.dataset.serverNow) + performance.now();
    tick();
  };
  start();
  new MutationObserver(start).observe(box, { attributeFilter: ["data-countdown-until"] }); // a new price morphed in
});

/* ---- live blocks: If-None-Match by hand (private pages are no-store), nothing is asked while the tab is hidden ---- */
const etags = new Map();
document.addEventListener("htmx:configRequest", (event) => {
  const { headers, path, verb, elt } = event.detail;
  if (verb !== "get") headers["X-CSRFToken"] = Portal.csrf();
  else if (elt.hasAttribute("data-live") && etags.has(path)) headers["If-None-Match"] = etags.get(path);
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.hasAttribute("data-live")) event.preventDefault();
});
document.addEventListener("htmx:afterRequest", (event) => {
  const tag = event.detail.xhr?.getResponseHeader("ETag");
  if (tag && event.detail.elt.hasAttribute("data-live")) etags.set(event.detail.requestConfig.path, tag);
});

/* ---- what went wrong, and what the server wants said: HX-Trigger {"toast": {"message", "tone"}} ---- */
document.addEventListener("toast", (event) => Portal.toast(event.detail.message ?? event.detail.value, event.detail.tone));
document.addEventListener("htmx:responseError", (event) => {
  if (!event.detail.elt.hasAttribute("data-live")) Portal.toast(document.getElementById("toasts")?.dataset.problem, "error");
});
document.addEventListener("htmx:sendError", (event) => {
  if (!event.detail.elt.hasAttribute("data-live")) Portal.toast(document.getElementById("toasts")?.dataset.offline, "error");
});

/* ---- a short chime when something is paid: an element with data-beep that arrives after the page ---- */
Portal.behaviour("[data-beep]", (element, arrived) => {
  const Sound = window.AudioContext;
  if (!arrived || !Sound || !navigator.userActivation?.hasBeenActive) return;
  const sound = new Sound();
  [880, 1318.5].forEach((pitch, i) => {
    const at = sound.currentTime + i * 0.14;
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.2, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
    tone.connect(volume).connect(sound.destination);
    tone.start(at);
    tone.stop(at + 0.4);
  });
  setTimeout(() => sound.close(), 1000);
});

Portal.lazy("[data-upload]", "js/upload.js");
Portal.lazy("[data-chart]", "js/chart.js");
Portal.lazy("[data-passkey]", "js/passkey.js");
Portal.lazy("[data-keypad]", "js/keypad.js");
