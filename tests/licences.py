#!/usr/bin/env python3
"""Licences and bans, offline: every crate of the lock file may be used under a permissive licence, and none is banned.

Reads `cargo metadata --offline`, so it needs what a build needs and nothing else.
"""
import json, re, subprocess, sys

ALLOWED = {"MIT", "MIT-0", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "bzip2-1.0.6",
           "CC0-1.0", "CDLA-Permissive-2.0", "ISC", "Unicode-3.0", "Unlicense", "Zlib", "0BSD"}
# Heavy or foreign to this project's choices: ring and rustls are what TLS stands on here.
BANNED = {"openssl-sys", "native-tls", "aws-lc-sys", "aws-lc-rs"}


def allowed(expression):
    """Whether an SPDX expression can be met by allowed licences: OR needs one side, AND both."""
    expression = expression.replace("/", " OR ").strip()
    tokens = re.findall(r"\(|\)|[^()\s]+", expression)
    words, out = [], []
    for t in tokens:
        if t in ("(", ")", "AND", "OR"):
            out += ([" ".join(words)] if words else []) + [t]
            words = []
        else:
            words.append(t)
    out += [" ".join(words)] if words else []
    python = " ".join({"AND": "and", "OR": "or", "(": "(", ")": ")"}.get(t, str(t in ALLOWED)) for t in out)
    return bool(python) and eval(python, {"__builtins__": {}}, {})


host = re.search(r"^host: (.*)$", subprocess.check_output(["rustc", "-vV"], text=True), re.M)[1]
command = ["cargo", "metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host]
data = json.loads(subprocess.check_output(command))
used = {n["id"] for n in data["resolve"]["nodes"]}
bad = []
for p in data["packages"]:
    if p["id"] not in used:
        continue
    if p["name"] in BANNED:
        bad.append(f"{p['name']} {p['version']} is banned")
    if not p["license"] or not allowed(p["license"]):
        bad.append(f"{p['name']} {p['version']} has licence {p['license']}")
for line in bad:
    print(line)
print(f"{len(used)} crates looked at, {len(bad)} problems")
sys.exit(1 if bad else 0)
