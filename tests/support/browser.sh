#!/bin/sh
# Makes sure that a Chromium and a Chinese font are there for the browser tests: installs them where that is
# allowed (root, or sudo that asks for no password), else says what to install and fails.
set -eu
missing=""
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing="$missing chromium"
if command -v fc-list >/dev/null 2>&1; then
  [ -n "$(fc-list :lang=zh-tw)" ] || missing="$missing fonts-noto-cjk"
else
  missing="$missing fontconfig fonts-noto-cjk"
fi
[ -n "$missing" ] || exit 0
refuse() {
  echo "The browser tests need:$missing" >&2
  echo "Install them (Debian: apt-get install$missing); CHROMIUM names a Chromium that is elsewhere." >&2
  exit 1
}
command -v apt-get >/dev/null 2>&1 || refuse
if [ "$(id -u)" = 0 ]; then
  as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  as_root="sudo -n"
else
  refuse
fi
echo "Installing$missing …"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq || refuse
# shellcheck disable=SC2086
$as_root apt-get install -qq -y --no-install-recommends $missing >/dev/null || refuse
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || { missing=" chromium"; refuse; }
