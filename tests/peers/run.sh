#!/usr/bin/env bash
# The stories against Jira stand-ins that others wrote, and other people's clients against our sandbox.
# Needs Python 3 with venv; installs the packages it names. Servers listen on loopback and are ended by their process id.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="${EFFACE_PEERS_VENV:-target/peers-venv}"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check 'jira820==0.12.0' 'jira==3.10.5' 'atlassian-python-api==5.0.5'
binary="${EFFACE_BINARY:-target/release/efface}"
[ -x "$binary" ] || cargo build --release --quiet
"$venv/bin/python" tests/peers/story_jira820.py "$binary" "$venv/bin/jira820"

judges=../shared/judges
if [ ! -d "$judges" ]; then
  echo "SKIPPED: $judges is not here, so no client of other people's was held against the sandbox"
  exit 0
fi
# judge NAME ALLOWED FLAVOUR: a judge's exit code is its number of failures; one step of pycontribs (a 404) is meant to fail.
judge() {
  local name=$1 allowed=$2 flavour=$3 out pid failures=0
  out=$(mktemp)
  "$binary" sandbox --listen 127.0.0.1:0 --flavor "$flavour" >"$out" &
  pid=$!
  for _ in $(seq 100); do [ -s "$out" ] && break; sleep 0.1; done
  read -r url user token project account < <("$venv/bin/python" -c \
    'import json,sys; d=json.load(open(sys.argv[1])); print(d["url"], d["user"], d["token"], d["project"], d["account_id"])' "$out")
  local flags=()
  [ "$flavour" = cloud ] && flags=(--cloud)
  # pycontribs looks an account id up by a search that Cloud only does by name and e-mail: it is judged without one.
  [ "$name" = judge_apa ] && [ "$flavour" = cloud ] && export ACCOUNT_ID="$account" || unset ACCOUNT_ID
  "$venv/bin/python" "$judges/$name.py" "$url" "$user" "$token" "$project" "${flags[@]}" >"$out.log" 2>&1 || failures=$?
  kill "$pid"; wait "$pid" 2>/dev/null || true
  echo "$name on the $flavour sandbox: $(grep -c '^PASS' "$out.log") steps pass, $failures fail ($allowed allowed)"
  if [ "$failures" -gt "$allowed" ]; then grep '^FAIL' "$out.log"; return 1; fi
}
judge judge_pycontribs 1 datacenter
judge judge_pycontribs 1 cloud
judge judge_apa 0 datacenter
judge judge_apa 0 cloud
