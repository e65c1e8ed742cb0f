/* Passkeys (WebAuthn): <form data-passkey="register|authenticate" data-begin="…" data-finish="…"> with a submit button.
 * begin answers the options as JSON (WebAuthn level 3 form); finish gets {credential, name?} and answers {redirect} or {message}.
 * Problems are written into [data-passkey-message] of the form. Where the browser knows no passkeys the form stays hidden. */
"use strict";

(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (credentials) => (credentials || []).map((one) => ({ ...one, id: bytes(one.id) }));

  function creation(options) {
    return {
      ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: listed(options.excludeCredentials),
    };
  }
  function request(options) {
    return { ...options, challenge: bytes(options.challenge), allowCredentials: listed(options.allowCredentials) };
  }
  function plain(credential) {
    const { response } = credential;
    const out = { clientDataJSON: text(response.clientDataJSON) };
    if (response.attestationObject) {
      out.attestationObject = text(response.attestationObject);
      out.transports = response.getTransports?.() || [];
    } else {
      out.authenticatorData = text(response.authenticatorData);
      out.signature = text(response.signature);
      out.userHandle = response.userHandle ? text(response.userHandle) : null;
    }
    return {
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response: out,
      authenticatorAttachment: credential.authenticatorAttachment || null, clientExtensionResults: credential.getClientExtensionResults(),
    };
  }
  async function ask(url, body) {
    const answer = await fetch(url, {
      method: "POST", credentials: "same-origin", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": Portal.csrf() },
    });
    const data = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(data.message || ""), { told: true });
    return data;
  }

  Portal.behaviour("[data-passkey]", (form) => {
    if (!window.PublicKeyCredential) { form.hidden = true; return; }
    const say = form.querySelector("[data-passkey-message]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      form.setAttribute("aria-busy", "true");
      if (say) say.textContent = "";
      try {
        const begun = await ask(form.dataset.begin, Object.fromEntries(new FormData(form)));
        const publicKey = begun.publicKey || begun;
        const credential = form.dataset.passkey === "register"
          ? await navigator.credentials.create({ publicKey: creation(publicKey) })
          : await navigator.credentials.get({ publicKey: request(publicKey) });
        const done = await ask(form.dataset.finish, { ...Object.fromEntries(new FormData(form)), credential: plain(credential) });
        if (done.redirect) location.assign(done.redirect);
        else location.reload();
      } catch (problem) {
        const message = (problem.told && problem.message) || form.dataset.failed || document.getElementById("toasts")?.dataset.problem;
        if (say) say.textContent = message;
        else Portal.toast(message, "error");
      } finally {
        form.removeAttribute("aria-busy");
        delete form.dataset.sent;
      }
    });
  });
})();
