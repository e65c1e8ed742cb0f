/* The counter's amount pad: big keys that write into the amount field, for tablets without a keyboard. */
"use strict";

Portal.behaviour("[data-keypad]", (pad) => {
  const input = document.getElementById(pad.dataset.keypad);
  pad.addEventListener("click", (event) => {
    const key = event.target.closest("[data-key]")?.dataset.key;
    if (!key) return;
    const plain = input.value.replace(/,/g, "");
    let next = plain + key;
    if (key === "back") next = plain.slice(0, -1);
    else if (key === "clear") next = "";
    else if (key === "." && plain.includes(".")) next = plain;
    if (next.replace(".", "").length > 12) return;
    input.value = next;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
});
