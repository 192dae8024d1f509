#!/usr/bin/env bash
# What contrib/ has, tried as far as it can be here: units by systemd's own check, the crontab by a real cron. Needs a release build.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
efface=${EFFACE_BINARY:-$root/target/release/efface}
[ -x "$efface" ] || { echo "no $efface: cargo build --release"; exit 1; }
need() { command -v "$1" >/dev/null || { apt-get update -qq && apt-get install -y -qq "$2" >/dev/null; }; }
need systemd-analyze systemd
need cron cron
room=$(mktemp -d)
cleanup() {
  [ -z "${cron:-}" ] || kill "$cron" 2>/dev/null || true
  if [ -f "$room/before" ]; then
    if [ -s "$room/before" ]; then crontab "$room/before"; else crontab -r 2>/dev/null || true; fi
  fi
  rm -rf "$room"
}
trap cleanup EXIT

echo "-- units"
for unit in contrib/*.service contrib/*.timer; do
  # The program is not installed here: a name that exists stands for it.
  sed "s|/usr/local/bin/efface|$efface|; s|^User=.*|User=root|; s|^Group=.*|Group=root|; s|^WorkingDirectory=.*|WorkingDirectory=/|" "$unit" >"$room/$(basename "$unit")"
done
said=$(systemd-analyze verify --man=no "$room"/*.service "$room"/*.timer 2>&1 | grep -F "$room" || true)
[ -z "$said" ] || { echo "$said"; exit 1; }
echo "$(ls contrib/*.service contrib/*.timer | wc -l) units: nothing to object"

echo "-- a real cron"
mkdir -p "$room/home/data/tool/processed" "$room/home/log"
cat >"$room/efface.toml" <<EOF
[home]
path = "home"
policy = "policy.toml"
[[foreign]]
name = "tool"
path = "data/tool"
EOF
cat >"$room/policy.toml" <<EOF
[policy]
name = "cron"
[[class]]
id = "processed"
match = { area = "foreign", path = "processed/**" }
start = "created"
period = "1 day"
then = "delete"
basis = "GDPR Art. 5(1)(e)"
EOF
echo "{}" >"$room/home/data/tool/processed/1.json"
line=$(grep -v '^#' contrib/crontab | tail -n 1 | sed "s|/usr/local/bin/efface|$efface|; s|/var/lib/efface/last-sweep.txt|$room/last.txt|; s|^30 2 \* \* \*|* * * * *|")
chmod 755 "$room"
crontab -l >"$room/before" 2>/dev/null || true
{ echo "EFFACE_CONFIG=$room/efface.toml"; echo "EFFACE_ACTOR=sweep"; echo "$line"; } | crontab -
cron -f & cron=$!
for _ in $(seq 1 90); do [ -s "$room/last.txt" ] && break; sleep 1; done
[ -s "$room/last.txt" ] || { echo "cron did not run the line: $line"; exit 1; }
cat "$room/last.txt"
[ -f "$room/home/data/tool/processed/1.json" ] || { echo "a file of today is gone"; exit 1; }

echo "-- the container file"
engine=$(command -v podman || true)
if [ -n "$engine" ]; then "$engine" build -q -f contrib/Containerfile . >/dev/null && echo "built"; else echo "no engine here: not built"; fi
