// "Near me": asks the browser once where it is, and goes to the list of the nearest stores. Nothing is kept.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-near]");
  if (!button) return;
  const said = document.querySelector("[data-near-message]");
  const refused = () => { said.textContent = button.dataset.refused; button.disabled = false; };
  if (!navigator.geolocation) { refused(); return; }
  button.disabled = true;
  navigator.geolocation.getCurrentPosition((found) => {
    const place = [found.coords.latitude, found.coords.longitude].map((degrees) => degrees.toFixed(5)).join(",");
    location.assign(button.dataset.near + "?near=" + encodeURIComponent(place));
  }, refused, { timeout: 10000, maximumAge: 60000 });
});
