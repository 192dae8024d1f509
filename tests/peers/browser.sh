#!/usr/bin/env bash
# A real browser looks at every page that efface makes: desktop, phone, A4; no error, nothing fetched from elsewhere, axe-core without
# serious findings, all of it by keyboard. Installs Chromium (Debian) and axe-core and puppeteer-core (npm) where they are missing.
#   tests/peers/browser.sh [FOLDER]        # looks at the pages of FOLDER instead of making them
# EFFACE_SCREENSHOT=docs/compliance.png writes the picture of the compliance report for the README.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; }
command -v npm >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm; }
node="${EFFACE_BROWSER_NODE:-target/browser-node}"
mkdir -p "$node"
[ -f "$node/package.json" ] || echo '{"private": true}' >"$node/package.json"
packages=('puppeteer-core@24.43.1' 'axe-core@4.14.1')
if [ "$(cat "$node/installed" 2>/dev/null)" != "${packages[*]}" ]; then
  npm install --prefix "$node" --no-audit --no-fund --loglevel=error "${packages[@]}"
  echo "${packages[*]}" >"$node/installed"
fi
pages="${1:-}"
if [ -z "$pages" ]; then
  pages=$(mktemp -d)
  trap 'rm -rf "$pages"' EXIT
  EFFACE_PAGES="$pages" cargo test --quiet --test main -- --ignored pages_for_a_browser
fi
node tests/peers/browser.mjs "$node/node_modules" "$pages"
