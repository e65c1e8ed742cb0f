/* A chosen file is shown before it is sent; files may be dropped on the box. */
"use strict";

Portal.behaviour("[data-upload]", (box) => {
  const input = box.querySelector('input[type="file"]');
  const preview = box.querySelector(".upload-preview");
  const image = preview.querySelector("img");
  const caption = preview.querySelector("figcaption");
  let address = null;

  const size = (octets) => (octets < 1e6 ? `${Math.ceil(octets / 1000)} KB` : `${(octets / 1e6).toFixed(1)} MB`);

  const show = () => {
    if (address) URL.revokeObjectURL(address);
    const file = input.files[0];
    preview.hidden = !file;
    if (!file) return;
    address = file.type.startsWith("image/") ? URL.createObjectURL(file) : null;
    image.hidden = !address;
    if (address) image.src = address;
    caption.textContent = `${file.name} · ${size(file.size)}`;
  };
  input.addEventListener("change", show);
  if (input.files.length) show(); // chosen before this script was there
  for (const name of ["dragover", "dragleave", "drop"]) {
    box.addEventListener(name, (event) => {
      event.preventDefault();
      box.classList.toggle("over", name === "dragover");
      if (name !== "drop" || !event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
});
