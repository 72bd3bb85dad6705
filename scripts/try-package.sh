#!/usr/bin/env bash
# Installs the packages in empty projects, from the registry, as a user would, and tries them.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm pack --silent --pack-destination "$folder"
npm pack --silent --pack-destination "$folder" ./dist-client

project() {
  mkdir "$folder/$1"
  cd "$folder/$1"
  echo '{ "private": true, "type": "module" }' >package.json
}

project service
npm install --no-audit --no-fund --loglevel=error ../stockroom-catalog-stockroom-*.tgz
npx --no-install stockroom --version
npx --no-install stockroom migrate --help >/dev/null
PATH=$PWD/node_modules/.bin:$PATH PORT=8471 stockroom start >start.log &
service=$!
trap 'kill "$service"; wait "$service" || true; rm -rf "$folder"' EXIT
for _ in {1..120}; do
  if curl --fail --silent --output console.html http://localhost:8471/console; then break; fi
  sleep 1
done
curl --fail --silent --output /dev/null "http://localhost:8471$(grep -o '/console/assets/[^"]*\.js' console.html | tail -1)"
echo 'the package serves the console'

# The Node of the system, for the client has to work on older ones than that of the project.
project client
npm install --no-audit --no-fund ../stockroom-catalog-client-*.tgz 2>&1 | tee install.log
if grep -i warn install.log; then
  echo 'the client is installed with warnings' >&2
  exit 1
fi
if [[ $(ls node_modules node_modules/@stockroom-catalog) != $'node_modules:\n@stockroom-catalog\n\nnode_modules/@stockroom-catalog:\nclient' ]]; then
  echo 'the client brings other packages' >&2
  exit 1
fi
node --input-type=module --eval "
import { createClient } from '@stockroom-catalog/client'
const { name } = await createClient({ baseUrl: 'http://127.0.0.1:9', retries: 0 }).me.get().catch((error) => error)
if (name !== 'ConnectionError') throw new Error('the client does not work: ' + name)
console.log('the client works on Node', process.version)"
