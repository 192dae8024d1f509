#!/usr/bin/env bash
# The stories against Jira stand-ins that others wrote. Needs Python 3 with venv; installs the packages it names.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="${EFFACE_PEERS_VENV:-target/peers-venv}"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check 'jira820==0.12.0'
binary="${EFFACE_BINARY:-target/release/efface}"
[ -x "$binary" ] || cargo build --release --quiet
"$venv/bin/python" tests/peers/story_jira820.py "$binary" "$venv/bin/jira820"
